import type { CredentialSource, Environment, Fetch } from "./credentials.ts";
import { OptionInvalid } from "./errors.ts";
import { sign } from "./sigv4.ts";
import { type Ask, askJson, type Reply, type Token, textOf, unavailable, type Words } from "./store-calls.ts";

/** How a client gets its token: none of them stores a key of Google's. A file is read at each login. */
export type GoogleLogin =
  /** On GKE, Cloud Run, Compute Engine: the identity of the workload. */
  | { method: "metadata" }
  /** The AWS role of this process, which a workload identity pool trusts. */
  | { method: "aws"; audience: string; serviceAccount?: string | undefined; region?: string | undefined }
  /** A token of another issuer that the pool trusts, such as a Kubernetes cluster's. */
  | { method: "jwt"; audience: string; jwtFile: string; serviceAccount?: string | undefined }
  /** An access token that something else keeps fresh. */
  | { method: "token"; tokenFile: string };

export interface LoginWorld {
  login: GoogleLogin;
  env: Environment;
  fetch: Fetch;
  words: Words;
  credentials: CredentialSource;
  wallMs(): number;
}

/** REKEY_GOOGLE_LOGIN names the method; without it the metadata server is asked. */
export function loginFrom(env: Environment): GoogleLogin {
  const of = (name: string) => env[`REKEY_GOOGLE_${name}`] || undefined;
  const needed = (name: string) => {
    const value = of(name);
    if (!value) throw new OptionInvalid(`login ${method} needs REKEY_GOOGLE_${name}`);
    return value;
  };
  const method = of("LOGIN") ?? "metadata";
  const serviceAccount = of("SERVICE_ACCOUNT");
  if (method === "metadata") return { method };
  if (method === "token") return { method, tokenFile: needed("TOKEN_FILE") };
  if (method === "aws")
    return { method, audience: needed("AUDIENCE"), serviceAccount, region: of("AWS_REGION") };
  if (method === "jwt")
    return { method, audience: needed("AUDIENCE"), jwtFile: needed("JWT_FILE"), serviceAccount };
  throw new OptionInvalid("REKEY_GOOGLE_LOGIN has to be metadata, aws, jwt or token");
}

const scope = "https://www.googleapis.com/auth/cloud-platform";
/** A token is replaced so long before its end that no call is made with one about to end. */
const headStartMs = 5 * 60_000;
/** A file's token is read again this often: whatever writes it does not say when it ends. */
const fileReadEveryMs = 60_000;

export async function googleToken(asked: Ask, world: LoginWorld): Promise<Token> {
  const { login } = world;
  if (login.method === "token") {
    const text = await textOf(undefined, login.tokenFile, {
      store: "Google",
      name: "REKEY_GOOGLE_TOKEN_FILE",
    });
    return { text, dueAtMs: world.wallMs() + fileReadEveryMs };
  }
  if (login.method === "metadata") return fromMetadata(asked, world);
  const own = await exchanged(asked, { ...world, login });
  const { serviceAccount } = login;
  return serviceAccount ? impersonated(asked, { ...world, own, serviceAccount }) : own;
}

async function fromMetadata(asked: Ask, { env, fetch, wallMs, words }: LoginWorld): Promise<Token> {
  const host = env["GCE_METADATA_HOST"] || "metadata.google.internal";
  if (!/^[\w.:[\]-]{1,255}$/.test(host)) throw new OptionInvalid("GCE_METADATA_HOST has to be host[:port]");
  const url = `http://${host}/computeMetadata/v1/instance/service-accounts/default/token`;
  const fromMs = wallMs();
  const see = "there is no metadata server here; set REKEY_GOOGLE_LOGIN";
  const request = { ...asked, method: "GET", headers: { "metadata-flavor": "Google" } } as const;
  return tokenIn(await askJson(url, request, { fetch, words: { ...words, see } }), { asked, fromMs });
}

type Federated = Extract<GoogleLogin, { audience: string }>;

/** https://google.aip.dev/auth/4117 */
async function exchanged(asked: Ask, world: LoginWorld & { login: Federated }): Promise<Token> {
  const { login, fetch, words, wallMs } = world;
  const fromMs = wallMs();
  const kind = login.method === "aws" ? "aws:token-type:aws4_request" : "ietf:params:oauth:token-type:jwt";
  const body = {
    ...{ audience: login.audience, scope },
    grantType: "urn:ietf:params:oauth:grant-type:token-exchange",
    requestedTokenType: "urn:ietf:params:oauth:token-type:access_token",
    subjectTokenType: login.method === "aws" ? `urn:ietf:params:${kind}` : `urn:${kind}`,
    subjectToken: login.method === "aws" ? await signedQuestion(login, world) : await jwtOf(login),
  };
  const headers = { "content-type": "application/json" };
  const request = { ...asked, method: "POST", headers, body: JSON.stringify(body) } as const;
  const reply = await askJson("https://sts.googleapis.com/v1/token", request, { fetch, words });
  return tokenIn(reply, { asked, fromMs });
}

const jwtOf = ({ jwtFile }: { jwtFile: string }) =>
  textOf(undefined, jwtFile, { store: "Google", name: "REKEY_GOOGLE_JWT_FILE" });

/** A signed question who the signer is, which Google sends to AWS: no credential leaves this process. */
async function signedQuestion(
  { audience, region = "us-east-1" }: { audience: string; region?: string | undefined },
  { credentials, wallMs }: LoginWorld,
): Promise<string> {
  const url = new URL(`https://sts.${region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15`);
  const headers = sign({
    ...{ method: "POST", url, body: "", service: "sts", region, nowMs: wallMs() },
    headers: { "x-goog-cloud-target-resource": audience },
    credentials: await credentials(),
  });
  const listed = Object.entries(headers).map(([key, value]) => ({ key, value }));
  return encodeURIComponent(JSON.stringify({ url: url.href, method: "POST", headers: listed }));
}

async function impersonated(
  asked: Ask,
  { own, serviceAccount, fetch, words }: LoginWorld & { own: Token; serviceAccount: string },
): Promise<Token> {
  if (!/^[a-z0-9-]{1,63}@[a-z0-9.-]{1,200}$/.test(serviceAccount))
    throw new OptionInvalid("REKEY_GOOGLE_SERVICE_ACCOUNT has to be the account's address");
  const url = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${serviceAccount}:generateAccessToken`;
  const headers = { "content-type": "application/json", authorization: `Bearer ${own.text}` };
  const request = { ...asked, method: "POST", headers, body: JSON.stringify({ scope: [scope] }) } as const;
  const { status, body } = await askJson(url, request, { fetch, words });
  const { accessToken, expireTime } = (body ?? {}) as { accessToken?: unknown; expireTime?: unknown };
  const endMs = Date.parse(`${expireTime}`);
  if (status !== 200 || typeof accessToken !== "string" || !(endMs > 0)) throw refused(asked, status);
  return { text: accessToken, dueAtMs: endMs - headStartMs, endsAtMs: endMs };
}

function tokenIn({ status, body }: Reply, { asked, fromMs }: { asked: Ask; fromMs: number }): Token {
  const { access_token: text, expires_in: seconds } = (body ?? {}) as Record<string, unknown>;
  if (status !== 200 || typeof text !== "string" || !text) throw refused(asked, status);
  const lifeMs = Number(seconds ?? 3_600) * 1_000;
  if (!(lifeMs > 0))
    throw unavailable("refused", {
      ...{ about: asked.secret, status },
      says: "Google gave a token that has already ended",
    });
  return { text, dueAtMs: fromMs + Math.max(lifeMs - headStartMs, lifeMs / 2), endsAtMs: fromMs + lifeMs };
}

const refused = ({ secret: about }: Ask, status: number) =>
  unavailable("denied", { about, status, says: `Google refused the login (${status})` });
