import type { CredentialSource, Environment, Fetch } from "./credentials.ts";
import { sign } from "./sigv4.ts";
import { type Ask, askJson, unavailable } from "./store-calls.ts";

export interface Statement {
  region: string;
  /** Whom it is for: no other reader takes it. */
  audience: string;
  /** The reader's name, in errors. */
  reader: string;
}

interface World {
  env: Environment;
  fetch: Fetch;
  credentials: CredentialSource;
  wallMs(): number;
}

/**
 * AWS signs which role this process has. The account has to have outbound web identity federation switched on:
 * `aws iam enable-outbound-web-identity-federation`.
 */
export async function awsStatement(
  { region, audience, reader }: Statement,
  asked: Ask,
  { env, fetch, credentials, wallMs }: World,
): Promise<string> {
  const address =
    env["AWS_ENDPOINT_URL_STS"] || env["AWS_ENDPOINT_URL"] || `https://sts.${region}.amazonaws.com`;
  const url = new URL(address);
  const body = new URLSearchParams({
    ...{ Action: "GetWebIdentityToken", Version: "2011-06-15", SigningAlgorithm: "RS256" },
    ...{ "Audience.member.1": audience, DurationSeconds: "300" },
  }).toString();
  const plain = {
    "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    accept: "application/json",
  };
  const headers = sign({
    ...{ method: "POST", url, body, service: "sts", region, nowMs: wallMs(), headers: plain },
    credentials: await credentials(),
  });
  const words = { store: "AWS's STS", see: "see AWS_REGION and the route to it" };
  const reply = await askJson(url.href, { ...asked, method: "POST", headers, body }, { fetch, words });
  const { GetWebIdentityTokenResponse: said } = (reply.body ?? {}) as Stated;
  const text = said?.GetWebIdentityTokenResult?.WebIdentityToken;
  if (reply.status === 200 && typeof text === "string" && text) return text;
  const says = `AWS's STS gave this role no statement for ${reader} (${reply.status})`;
  throw unavailable("denied", { about: asked.secret, status: reply.status, says });
}

interface Stated {
  GetWebIdentityTokenResponse?: { GetWebIdentityTokenResult?: { WebIdentityToken?: unknown } };
}
