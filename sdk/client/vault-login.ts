import type { CredentialSource, Environment } from "./credentials.ts";
import { OptionInvalid } from "./errors.ts";
import { sign } from "./sigv4.ts";
import { textOf } from "./store-calls.ts";

/** How a client gets its token. A file is read at each login, because what issues it replaces it. */
export type VaultLogin =
  | { method: "token"; token?: string | undefined; tokenFile?: string | undefined }
  | {
      method: "approle";
      roleId: string;
      secretId?: string | undefined;
      secretIdFile?: string | undefined;
      mount?: string | undefined;
    }
  | {
      method: "jwt" | "kubernetes";
      role: string;
      jwtFile?: string | undefined;
      mount?: string | undefined;
    }
  | {
      method: "aws";
      role: string;
      /** Vault's `iam_server_id_header_value`: a request that was signed for another server is refused. */
      serverId?: string | undefined;
      /** Of the regional STS that Vault asks; without it the global one. */
      region?: string | undefined;
      mount?: string | undefined;
    };

const podToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** REKEY_VAULT_LOGIN names the method; without it there is a token in VAULT_TOKEN or VAULT_TOKEN_FILE. */
export function loginFrom(env: Environment): VaultLogin {
  const of = (name: string) => env[`REKEY_VAULT_${name}`] || undefined;
  const method = of("LOGIN") ?? "token";
  const role = of("ROLE") ?? "";
  const mount = of("LOGIN_MOUNT");
  if (method === "token") return { method, token: env["VAULT_TOKEN"], tokenFile: env["VAULT_TOKEN_FILE"] };
  if (!role) throw new OptionInvalid(`login ${method} needs REKEY_VAULT_ROLE`);
  if (method === "approle")
    return { method, roleId: role, mount, secretId: of("SECRET_ID"), secretIdFile: of("SECRET_ID_FILE") };
  if (method === "jwt" || method === "kubernetes") return { method, role, mount, jwtFile: of("JWT_FILE") };
  if (method === "aws")
    return { method, role, mount, serverId: of("AWS_SERVER_ID"), region: of("AWS_REGION") };
  throw new OptionInvalid("REKEY_VAULT_LOGIN has to be token, approle, jwt, kubernetes or aws");
}

const named = (name: string) => ({ store: "Vault", name });

interface World {
  credentials: CredentialSource;
  wallMs(): number;
}

/** What is sent to the login's path, or the token itself where none is needed. */
export async function loginBody(
  login: VaultLogin,
  world: World,
): Promise<{ token: string } | { path: string; body: object }> {
  if (login.method === "token")
    return { token: await textOf(login.token, login.tokenFile, named("VAULT_TOKEN")) };
  const path = `auth/${login.mount ?? login.method}/login`;
  switch (login.method) {
    case "approle": {
      const secret_id = await textOf(login.secretId, login.secretIdFile, named("REKEY_VAULT_SECRET_ID"));
      return { path, body: { role_id: login.roleId, secret_id } };
    }
    case "jwt":
    case "kubernetes": {
      const jwt = await textOf(undefined, login.jwtFile ?? podToken, named("REKEY_VAULT_JWT_FILE"));
      return { path, body: { role: login.role, jwt } };
    }
    case "aws":
      return { path, body: { role: login.role, ...(await signedIdentity(login, world)) } };
  }
}

/** A signed question who the signer is, which Vault sends to STS: no credential leaves this process. */
async function signedIdentity(
  { serverId, region }: { serverId?: string | undefined; region?: string | undefined },
  { credentials, wallMs }: World,
): Promise<object> {
  const url = new URL(region ? `https://sts.${region}.amazonaws.com/` : "https://sts.amazonaws.com/");
  const body = "Action=GetCallerIdentity&Version=2011-06-15";
  const plain = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const headers = sign({
    ...{ method: "POST", url, body, service: "sts", region: region ?? "us-east-1", nowMs: wallMs() },
    headers: serverId ? { ...plain, "x-vault-aws-iam-server-id": serverId } : plain,
    credentials: await credentials(),
  });
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return {
    iam_http_request_method: "POST",
    iam_request_url: base64(url.href),
    iam_request_body: base64(body),
    iam_request_headers: base64(JSON.stringify(headers)),
  };
}
