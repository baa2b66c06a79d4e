import { InputInvalid, SecretUnusable, StoreUnavailable } from "../../core/errors.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface GoogleCall {
  readonly method: "GET" | "POST" | "PATCH";
  readonly url: string;
  readonly token?: string;
  readonly body?: unknown;
}

export interface GoogleReply {
  readonly status: number;
  /** Undefined where the answer is no JSON. */
  readonly json: unknown;
}

const timeoutMs = 5_000;
const bytesMax = 1024 * 1024;

/** One request. What only may pass throws StoreUnavailable; every other status is an answer. */
export async function send({ method, url, token, body }: GoogleCall, fetch: Fetch): Promise<GoogleReply> {
  const headers = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { "content-type": "application/json" }),
  };
  const init: RequestInit = {
    ...{ method, headers, redirect: "error" as const, signal: AbortSignal.timeout(timeoutMs) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  const { host } = new URL(url);
  const reply = await fetch(url, init).catch(() => {
    throw new StoreUnavailable(`${host} did not answer`);
  });
  const { status } = reply;
  if (status === 429 || status >= 500) throw new StoreUnavailable(`${host} answered ${status}`);
  return { status, json: await boundedJson(reply) };
}

async function boundedJson(reply: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reply.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new InputInvalid(`Google's answer has more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return undefined; // a parser's message quotes the text
  }
}

/** Only the status: an answer may quote what was sent. */
export function refusalOf({ status }: GoogleReply, { what, reference }: { what: string; reference: string }) {
  if (status === 404) return new SecretUnusable(`${reference} does not exist: ${what}`);
  if (status === 403) return new SecretUnusable(`${reference}: Google's IAM does not allow to ${what} (403)`);
  // FAILED_PRECONDITION: the version is disabled or destroyed.
  if (status === 400) return new SecretUnusable(`${reference}: Google refused to ${what} (400)`);
  return new InputInvalid(`${reference}: Google refused to ${what} (${status})`);
}
