import { awsStatement } from "./aws-statement.ts";
import type { CredentialSource, Environment, Fetch } from "./credentials.ts";
import { OptionInvalid } from "./errors.ts";
import {
  type Ask,
  askJson,
  type Reply,
  type Token,
  textOf,
  trustedAddress,
  unavailable,
  type Words,
} from "./store-calls.ts";

/** How a client gets its token: none of them stores a secret of Azure's. A file is read at each login. */
export type AzureLogin =
  /** On App Service, Functions, Container Apps and virtual machines; `client` is of a user-assigned identity. */
  | { method: "managed"; client?: string | undefined }
  /** A token that an application's federated credential trusts, such as AKS's. */
  | { method: "federated"; tenant: string; client: string; tokenFile: string }
  /** AWS's statement of this process's role, which a federated credential trusts. */
  | { method: "aws"; tenant: string; client: string; region: string };

export interface LoginWorld {
  /** What a token is for. */
  resource: string;
  login: AzureLogin;
  env: Environment;
  fetch: Fetch;
  words: Words;
  credentials: CredentialSource;
  wallMs(): number;
}

/** REKEY_AZURE_LOGIN names the method; without it AKS's token is taken where there is one, else the managed identity. */
export function loginFrom(env: Environment): AzureLogin {
  const needed = (name: string) => {
    const value = env[name];
    if (!value) throw new OptionInvalid(`login ${method} needs ${name}`);
    return value;
  };
  const method = env["REKEY_AZURE_LOGIN"] || (env["AZURE_FEDERATED_TOKEN_FILE"] ? "federated" : "managed");
  if (method === "managed") return { method, client: env["AZURE_CLIENT_ID"] || undefined };
  if (method !== "federated" && method !== "aws")
    throw new OptionInvalid("REKEY_AZURE_LOGIN has to be managed, federated or aws");
  const application = { tenant: needed("AZURE_TENANT_ID"), client: needed("AZURE_CLIENT_ID") };
  if (method === "aws") return { method, ...application, region: needed("AWS_REGION") };
  return { method, ...application, tokenFile: needed("AZURE_FEDERATED_TOKEN_FILE") };
}

/** A token is replaced so long before its end that no call is made with one about to end. */
const headStartMs = 5 * 60_000;

export async function azureToken(asked: Ask, world: LoginWorld): Promise<Token> {
  const { login, wallMs } = world;
  const fromMs = wallMs();
  const reply =
    login.method === "managed"
      ? await askManaged(login, { asked, ...world })
      : await showStatement(login, { asked, ...world });
  const { access_token: text, expires_in: said } = (reply.body ?? {}) as Record<string, unknown>;
  if (reply.status !== 200 || typeof text !== "string" || !text) throw refused(asked, reply);
  // The managed identity's endpoints write the number as text.
  const lifeMs = Number(said ?? 3_600) * 1_000;
  if (!(lifeMs > 0)) throw ended(asked, reply);
  return { text, dueAtMs: fromMs + Math.max(lifeMs - headStartMs, lifeMs / 2), endsAtMs: fromMs + lifeMs };
}

const refused = ({ secret: about }: Ask, { status }: Reply) =>
  unavailable("denied", { about, status, says: `Azure refused the login (${status})` });

const ended = ({ secret: about }: Ask, { status }: Reply) =>
  unavailable("refused", { about, status, says: "Azure gave a token that has already ended" });

type Asking = LoginWorld & { asked: Ask };

/** https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token */
function askManaged(
  { client }: { client?: string | undefined },
  { asked, env, resource, fetch, words }: Asking,
): Promise<Reply> {
  const endpoint = env["IDENTITY_ENDPOINT"];
  const query = new URLSearchParams({
    ...{ resource, "api-version": endpoint ? "2019-08-01" : "2018-02-01" },
    ...(client && { client_id: client }),
  });
  const headers: Record<string, string> = endpoint
    ? { "x-identity-header": env["IDENTITY_HEADER"] ?? "" }
    : { metadata: "true" };
  // Azure puts it into the environment: it is the host itself, or the platform's own network.
  const address = endpoint ?? "http://169.254.169.254/metadata/identity/oauth2/token";
  const see = "there is no managed identity here; set REKEY_AZURE_LOGIN";
  return askJson(
    `${address}?${query}`,
    { ...asked, method: "GET", headers },
    { fetch, words: { ...words, see } },
  );
}

type Application = Exclude<AzureLogin, { method: "managed" }>;

async function showStatement(
  login: Application,
  { asked, env, resource, fetch, words, ...world }: Asking,
): Promise<Reply> {
  const authority = trustedAddress(
    env["AZURE_AUTHORITY_HOST"] || "https://login.microsoftonline.com",
    "AZURE_AUTHORITY_HOST",
  );
  if (![login.tenant, login.client].every((each) => /^[\w.-]{1,64}$/.test(each)))
    throw new OptionInvalid("AZURE_TENANT_ID and AZURE_CLIENT_ID have to be ids");
  const statement =
    login.method === "aws"
      ? await awsStatement({ ...login, audience: "api://AzureADTokenExchange", reader: "Azure" }, asked, {
          ...{ env, fetch, ...world },
        })
      : await textOf(undefined, login.tokenFile, { store: "Azure", name: "AZURE_FEDERATED_TOKEN_FILE" });
  const body = new URLSearchParams({
    ...{ grant_type: "client_credentials", client_id: login.client, scope: `${resource}/.default` },
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: statement,
  }).toString();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const url = `${authority}/${login.tenant}/oauth2/v2.0/token`;
  return askJson(url, { ...asked, method: "POST", headers, body }, { fetch, words });
}
