import { InputInvalid, RotationError, StoreUnavailable } from "../core/errors.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export const timeoutMs = 5_000;
const bytesMax = 1024 * 1024;

export async function boundedText(reply: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reply.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new InputInvalid(`the store's answer has more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

export interface JsonCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH";
  readonly url: string;
  readonly token?: string;
  /** A form is sent as one; anything else as JSON. */
  readonly body?: unknown;
}

export interface JsonReply {
  readonly status: number;
  /** Undefined where the answer is no JSON. */
  readonly json: unknown;
}

/** One request. What only may pass throws StoreUnavailable; every other status is an answer. */
export async function sendJson({ method, url, token, body }: JsonCall, fetch: Fetch): Promise<JsonReply> {
  const isForm = body instanceof URLSearchParams;
  const headers = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && {
      "content-type": isForm ? "application/x-www-form-urlencoded" : "application/json",
    }),
  };
  const init: RequestInit = {
    ...{ method, headers, redirect: "error" as const, signal: AbortSignal.timeout(timeoutMs) },
    ...(body !== undefined && { body: isForm ? body.toString() : JSON.stringify(body) }),
  };
  const { host } = new URL(url);
  const lost = () => new StoreUnavailable(`${host} did not answer`);
  const reply = await fetch(url, init).catch((error: unknown) => {
    throw error instanceof RotationError ? error : lost();
  });
  const { status } = reply;
  if (status === 429 || status >= 500) throw new StoreUnavailable(`${host} answered ${status}`);
  return { status, json: jsonOf(await wholeText(reply, lost)) };
}

/** A line that breaks while the answer arrives is no other fault than one that breaks before it. */
async function wholeText(reply: Response, lost: () => StoreUnavailable): Promise<string> {
  try {
    return await boundedText(reply);
  } catch (error) {
    if (error instanceof InputInvalid) throw error;
    throw lost();
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a parser's message quotes the text
  }
}
