import http from "node:http";
import type { AddressInfo } from "node:net";
import { ProviderUnavailable } from "../core/errors.ts";
import type { FakeReply, FakeRequest } from "../core/wire.ts";
import { boundedReply, HTTP_TIME_MAX_MS, type Http } from "./http.ts";

export type { FakeReply, FakeRequest } from "../core/wire.ts";

export type Handle = (request: FakeRequest) => FakeReply | Promise<FakeReply>;

/** The adapter's client without a socket, with the limits of the real one. Time passes only in `pause`. */
export function fakeHttp(
  handle: Handle,
  options: { readonly pause?: (ms: number) => Promise<void> } = {},
): Http {
  const pause = options.pause ?? (async () => undefined);
  return {
    async send({ method, url, headers, body, form, text, timeoutMs = HTTP_TIME_MAX_MS }) {
      const { pathname, searchParams } = new URL(url);
      const sent = form ?? (text === undefined ? body : bodyIn(text.content, text.type));
      const json: unknown = sent === undefined ? undefined : JSON.parse(JSON.stringify(sent));
      const reply = await handle({ method, path: pathname, query: searchParams, headers, body: json });
      const { afterMs = 0 } = reply;
      if (afterMs > 0) await pause(Math.min(afterMs, timeoutMs));
      if (afterMs >= timeoutMs) throw new ProviderUnavailable("the provider did not answer (ETIMEDOUT)");
      if (reply.status === 0 || reply.cut)
        throw new ProviderUnavailable("the provider did not answer (ECONNRESET)");
      return boundedReply(reply);
    },
  };
}

const REQUEST_BYTES_MAX = 1024 * 1024;

/** The same stand-in behind a real socket on loopback. `origin` has no path and no trailing slash. */
export async function listenFake(handle: Handle): Promise<{ origin: string; close(): Promise<void> }> {
  const timers = new Set<NodeJS.Timeout>();
  const server = http.createServer((incoming, outgoing) => {
    readRequest(incoming)
      .then(handle)
      .then((reply) => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          answer(outgoing, reply);
        }, reply.afterMs ?? 0);
        timers.add(timer);
      })
      .catch(() => incoming.socket.destroy());
  });
  // Longer than any client keeps an idle socket, so that none is closed while a request is under way.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const { port } = server.address() as AddressInfo;

  return {
    origin: `http://127.0.0.1:${port}`,
    close() {
      for (const timer of timers) clearTimeout(timer);
      server.closeAllConnections();
      return new Promise((settle) => server.close(() => settle()));
    },
  };
}

async function readRequest(incoming: http.IncomingMessage): Promise<FakeRequest> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > REQUEST_BYTES_MAX) throw new Error("the request is too large for a stand-in");
    chunks.push(chunk);
  }
  const { pathname, searchParams } = new URL(incoming.url ?? "/", "http://127.0.0.1");
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (typeof value === "string") headers[name] = value;
  }
  const text = Buffer.concat(chunks).toString("utf8");
  const body = text === "" ? undefined : bodyIn(text, headers["content-type"]);
  return { method: incoming.method ?? "GET", path: pathname, query: searchParams, headers, body };
}

function bodyIn(text: string, type = ""): unknown {
  const isForm = type.startsWith("application/x-www-form-urlencoded");
  return isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
}

function answer(outgoing: http.ServerResponse, { status, headers, body, cut }: FakeReply): void {
  if (status === 0) {
    outgoing.socket?.destroy();
    return;
  }
  const length = Buffer.byteLength(body);
  outgoing.sendDate = false;
  outgoing.writeHead(status, { ...headers, "content-length": cut ? length * 2 + 1 : length });
  if (cut) outgoing.write(body, () => outgoing.socket?.destroy());
  else outgoing.end(body);
}
