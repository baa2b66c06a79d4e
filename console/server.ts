import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "./build.ts";
import { type Fleet, fleetReader } from "./feed.ts";
import { type Guard, guard, type Place, securityHeaders } from "./guard.ts";
import type { Shared } from "./live.ts";
import { streamTo } from "./live.ts";
import type { Sources } from "./sources.ts";
import { certificateFile } from "./views/certificate.ts";

const bodyMax = 1_024;
const urlMax = 4_096;
const viewersMax = 16;
const pollMs = 1_500;
const requestMs = 10_000;

export interface Console {
  /** With the one-time token in its fragment, which a browser sends to nobody. */
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface ConsoleOptions {
  readonly sources: Sources;
  /** Called once, when the first browser comes. */
  page(): Promise<Page>;
  readonly port?: number;
  readonly pollMs?: number;
}

/** Serves the page on 127.0.0.1. It can only read. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const server = createServer({
    requestTimeout: requestMs,
    headersTimeout: requestMs,
    maxHeaderSize: 16_384,
  });
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  const gate = guard(host);
  const ended = new AbortController();
  const answer = answers({ ...options, gate, shared: sharedBy(options), ended: ended.signal });
  server.on("request", (request, response) => void answer(request, response));
  return {
    address: `http://${host}/#token=${gate.token}`,
    port,
    close: () =>
      new Promise((resolve) => {
        ended.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function sharedBy({ sources, pollMs: everyMs = pollMs }: ConsoleOptions): Shared {
  const reader = fleetReader(sources);
  let round: Promise<Fleet> | undefined;
  let beganAt = Number.NEGATIVE_INFINITY;
  return {
    sources,
    pollMs: everyMs,
    fleet() {
      const now = performance.now();
      if (round !== undefined && now - beganAt < everyMs) return round;
      beganAt = now;
      const next = reader.round();
      // A failed round is told to those who wait for it, and the next viewer begins another one.
      next.catch(() => {
        round = undefined;
      });
      round = next;
      return next;
    },
  };
}

interface Serving {
  page(): Promise<Page>;
  readonly gate: Guard;
  readonly shared: Shared;
  readonly ended: AbortSignal;
}

interface Route {
  readonly method: "GET" | "POST";
  readonly place: Place;
  serve(request: IncomingMessage, response: ServerResponse): Promise<void> | void;
}

function answers({ page, gate, shared, ended }: Serving) {
  let viewers = 0;
  let built: Promise<Page> | undefined;
  const file = (type: string, part: keyof Page): Route => ({
    method: "GET",
    place: "page",
    async serve(_request, response) {
      built ??= page();
      send(response, { status: 200, type, text: (await built)[part] });
    },
  });
  const routes: Readonly<Record<string, Route>> = {
    "/": file("text/html; charset=utf-8", "html"),
    "/console.js": file("text/javascript; charset=utf-8", "script"),
    "/console.css": file("text/css; charset=utf-8", "style"),
    "/session": {
      method: "POST",
      place: "session",
      async serve(request, response) {
        const cookie = gate.exchange(await tokenIn(request));
        if (cookie === undefined)
          return refuse(response, 403, "this address was used before, or is not complete");
        response.setHeader("set-cookie", cookie);
        send(response, { status: 204 });
      },
    },
    ...downloads(shared),
    "/live": {
      method: "GET",
      place: "data",
      async serve(request, response) {
        if (viewers >= viewersMax) return refuse(response, 503, "too many pages are open");
        viewers += 1;
        response.once("close", () => {
          viewers -= 1;
        });
        await streamTo(response, { asked: queryOf(request), shared, ended });
      },
    },
  };
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    const url = request.url ?? "";
    const path = url.split("?")[0] ?? "";
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    const refusal = gate.whyRefused(request, route?.place ?? "page");
    if (refusal !== undefined) return refuse(response, 403, refusal);
    if (route === undefined || url.length > urlMax) return refuse(response, 404, "there is no such page");
    if (request.method !== route.method) return refuse(response, 405, `only ${route.method} is served here`);
    try {
      await route.serve(request, response);
    } catch {
      // Its text may come from outside; the person finds the reason with any command of rekey.
      if (response.headersSent) response.end();
      else refuse(response, 500, "the ledger did not answer");
    }
  };
}

/** What a person keeps: a certificate as it was signed, and the public key that it was signed with. */
function downloads({ sources }: Shared): Readonly<Record<string, Route>> {
  return {
    "/certificate": {
      method: "GET",
      place: "data",
      async serve(request, response) {
        const asked = queryOf(request);
        const [id, run] = [asked.get("id") ?? "", asked.get("run") ?? undefined];
        const file = await certificateFile({ id, run }, sources);
        if (file === undefined) return refuse(response, 404, "there is no such certificate");
        download(response, { ...file, type: "application/json" });
      },
    },
    "/audit-key.pem": {
      method: "GET",
      place: "data",
      async serve(_request, response) {
        const text = await sources.certificates?.publicKey();
        if (text === undefined) return refuse(response, 404, "no audit key is configured");
        download(response, { name: "audit-key.pem", text, type: "application/x-pem-file" });
      },
    },
  };
}

function queryOf({ url = "" }: IncomingMessage): URLSearchParams {
  return new URLSearchParams(url.split("?")[1] ?? "");
}

async function tokenIn(request: IncomingMessage): Promise<unknown> {
  if (request.headers["content-type"] !== "application/json") return undefined;
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > bodyMax) return undefined;
  }
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null && "token" in body ? body.token : undefined;
  } catch {
    return undefined;
  }
}

interface Download {
  /** Letters, digits, points and dashes alone. */
  readonly name: string;
  readonly text: string;
  readonly type: string;
}

function download(response: ServerResponse, { name, text, type }: Download): void {
  response.setHeader("content-disposition", `attachment; filename="${name}"`);
  send(response, { status: 200, type, text });
}

function refuse(response: ServerResponse, status: number, text: string): void {
  send(response, { status, type: "text/plain; charset=utf-8", text: `${text}\n` });
}

interface Sent {
  readonly status: number;
  readonly type?: string;
  readonly text?: string;
}

function send(response: ServerResponse, { status, type, text }: Sent): void {
  response.statusCode = status;
  if (type !== undefined) response.setHeader("content-type", type);
  response.end(text);
}
