import { OptionInvalid } from "./errors.ts";
import type { ExchangeWorld } from "./federated-exchange.ts";
import type { Issued } from "./federated-key.ts";
import { type Credentials, hmac, sha256 } from "./sigv4.ts";

export interface BedrockFederation {
  /** Default AWS_REGION: the token is taken in this Region alone. */
  region?: string | undefined;
  /** How long one lives, at most 12 hours; never longer than the role's own credentials. Default one hour. */
  lifeMs?: number | undefined;
}

const hourMs = 3_600_000;
const lifeMaxMs = 12 * hourMs;

/**
 * A short-term API key, made here from the role's own credentials and with no call: a signed request in a text.
 * As @aws/bedrock-token-generator 1.1.0 makes it.
 */
export async function bedrockToken(
  { region: given, lifeMs = hourMs }: BedrockFederation,
  { env, credentials: source, wallMs }: ExchangeWorld,
): Promise<Issued> {
  const region = given || env["AWS_REGION"];
  if (!region) throw new OptionInvalid("no AWS Region is known: set AWS_REGION");
  if (!(lifeMs >= 60_000 && lifeMs <= lifeMaxMs))
    throw new OptionInvalid("a token of Bedrock lives from one minute to 12 hours");
  const credentials = await source();
  const nowMs = wallMs();
  const leftMs = (credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - nowMs;
  const seconds = Math.floor(Math.min(lifeMs, leftMs) / 1_000);
  const request = signedRequest(credentials, { region, seconds, nowMs });
  const text = `bedrock-api-key-${Buffer.from(`${request}&Version=1`).toString("base64")}`;
  return { text, lifeMs: seconds * 1_000 };
}

const host = "bedrock.amazonaws.com";

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, with the signature in the query */
function signedRequest(
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  { region, seconds, nowMs }: { region: string; seconds: number; nowMs: number },
): string {
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const steps = [stamp.slice(0, 8), region, "bedrock", "aws4_request"];
  const where = steps.join("/");
  const query = Object.entries({
    Action: "CallWithBearerToken",
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${accessKeyId}/${where}`,
    "X-Amz-Date": stamp,
    "X-Amz-Expires": String(seconds),
    ...(sessionToken && { "X-Amz-Security-Token": sessionToken }),
    "X-Amz-SignedHeaders": "host",
  });
  // In the order of the names, as they are signed.
  const text = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  const canonical = `POST\n/\n${text}\nhost:${host}\n\nhost\n${sha256("")}`;
  const key = steps.reduce<Parameters<typeof hmac>[0]>(hmac, `AWS4${secretAccessKey}`);
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${stamp}\n${where}\n${sha256(canonical)}`).toString("hex");
  return `${host}/?${text}&X-Amz-Signature=${signature}`;
}
