import { type AwsCredentials, signedIdentity } from "../../aws/signed-identity.ts";
import type { VaultLogin } from "./settings.ts";

/** https://developer.hashicorp.com/vault/api-docs/auth/aws: Vault sends what is signed here to STS. */
export async function awsLogin(
  { role, serverId, region }: Extract<VaultLogin, { method: "aws" }>,
  credentials: AwsCredentials,
): Promise<Readonly<Record<string, string>>> {
  const { url, body, headers } = await signedIdentity({
    host: region === undefined ? "sts.amazonaws.com" : `sts.${region}.amazonaws.com`,
    region: region ?? "us-east-1",
    bind: serverId === undefined ? {} : { "x-vault-aws-iam-server-id": serverId },
    credentials,
  });
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return {
    role,
    iam_http_request_method: "POST",
    iam_request_url: base64(url),
    iam_request_body: base64(body),
    iam_request_headers: base64(JSON.stringify(headers)),
  };
}
