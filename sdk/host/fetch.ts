import { type IncomingMessage, request as overHttp } from "node:http";
import { request as overHttps } from "node:https";
import type { Fetch } from "../client/credentials.ts";

/**
 * As much of `fetch` as the stores are asked with. Node's own loads HTTP/2, WebAssembly and half of its library at its
 * first call, which is a third of what a start takes. A redirect is an answer or a failure here and is never followed.
 */
export const hostFetch: Fetch = async (input, { method, headers, body, signal, redirect } = {}) => {
  const url = new URL(String(input));
  const request = url.protocol === "http:" ? overHttp : overHttps;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const own = { connection: "close", ...(headers as Readonly<Record<string, string>>) };
    const asked = request(url, { method: method ?? "GET", headers: own, ...(signal && { signal }) }, resolve);
    asked.on("error", (error) => reject(signal?.aborted ? signal.reason : failed(error)));
    asked.end(body ?? undefined);
  });
  const status = answer.statusCode ?? 0;
  if (redirect === "error" && status >= 300 && status < 400) {
    answer.destroy();
    throw failed(new Error("a redirect"));
  }
  return answerOf(answer, { status, signal: signal ?? undefined }) as Response;
};

function answerOf(
  answer: IncomingMessage,
  { status, signal }: { readonly status: number; readonly signal: AbortSignal | undefined },
) {
  // Without a listener, an answer that breaks off while nobody reads would end the process.
  answer.on("error", () => undefined);
  const text = async () => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of answer) chunks.push(chunk as Buffer);
    } catch (error) {
      throw signal?.aborted ? signal.reason : failed(error);
    }
    return Buffer.concat(chunks).toString("utf8");
  };
  return {
    ...{ status, ok: status >= 200 && status < 300 },
    headers: { get: (name: string) => answer.headers[name.toLowerCase()] ?? null },
    body: Object.assign(answer, { cancel: async () => void answer.destroy() }),
    ...{ text, json: async () => JSON.parse(await text()) as unknown },
  } as Pick<Response, "status" | "ok" | "text" | "json"> & {
    readonly headers: unknown;
    readonly body: unknown;
  };
}

/** In the form of Node's own: what happened is its cause. */
function failed(cause: unknown): TypeError {
  return new TypeError("fetch failed", { cause });
}
