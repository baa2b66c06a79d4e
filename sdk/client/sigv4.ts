/** Loaded when it is first used: loading takes longer than the rest of this package. */
const crypto = () => process.getBuiltinModule("node:crypto");

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
  /** When they end; absent for credentials that do not. */
  expiration?: Date | undefined;
}

export interface Signable {
  method: string;
  /** A query has its names in order, and neither it nor the path needs escaping. */
  url: URL;
  /** Names in lower case and values without spare spaces; `host` and the `x-amz-*` ones are added. */
  headers: Readonly<Record<string, string>>;
  body: string;
  service: string;
  region: string;
  credentials: Credentials;
  nowMs: number;
}

/**
 * The request's headers with an AWS Signature Version 4.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function sign(request: Signable): Record<string, string> {
  const { method, url, headers, body, service, region, nowMs } = request;
  const { accessKeyId, secretAccessKey, sessionToken } = request.credentials;
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const signed: Record<string, string> = { ...headers, host: url.host, "x-amz-date": stamp };
  if (sessionToken) signed["x-amz-security-token"] = sessionToken;

  const names = Object.keys(signed).sort();
  const lines = names.map((name) => `${name}:${signed[name]}\n`);
  const list = names.join(";");
  const canonical = `${method}\n${url.pathname}\n${url.search.slice(1)}\n${lines.join("")}\n${list}\n${sha256(body)}`;

  const algorithm = "AWS4-HMAC-SHA256";
  const steps = [stamp.slice(0, 8), region, service, "aws4_request"];
  const where = steps.join("/");
  const key = steps.reduce<string | Bytes>(hmac, `AWS4${secretAccessKey}`);
  const signature = hmac(key, `${algorithm}\n${stamp}\n${where}\n${sha256(canonical)}`).toString("hex");
  signed["authorization"] =
    `${algorithm} Credential=${accessKeyId}/${where}, SignedHeaders=${list}, Signature=${signature}`;
  return signed;
}

export const sha256 = (text: string): string => crypto().createHash("sha256").update(text).digest("hex");

/** A Buffer, without Node's types: importers may have none. */
interface Bytes extends Uint8Array {
  toString(encoding?: "hex"): string;
}

export const hmac = (key: string | Bytes, text: string): Bytes =>
  crypto().createHmac("sha256", key).update(text).digest();

/** Twelve characters that tell one start of a process from all others of its name. */
export const randomId = (): string => crypto().randomBytes(6).toString("hex");
