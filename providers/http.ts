import { lookup as dnsLookup } from "node:dns/promises";
import http from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { AddressRefused, ProviderGarbled, ProviderUnavailable, RotationError } from "../core/errors.ts";
import { isLoopbackAddress } from "./loopback.ts";
import { isPrivateAddress, whyNotAddress } from "./why-not-address.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent in place of `body` as the fields of a form: token endpoints take nothing else. */
  readonly form?: Readonly<Record<string, string>>;
  /** Sent in place of `body` as it is, because a signature covers its bytes. */
  readonly text?: { readonly type: string; readonly content: string };
  /** At most HTTP_TIME_MAX_MS, which is the default. */
  readonly timeoutMs?: number;
}

export interface HttpReply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** `undefined` when the body is not JSON. */
  readonly json: unknown;
  /** The body, only where it is not JSON; it may quote a key. */
  readonly text?: string;
  /** The Date header. */
  readonly dateMs?: number;
}

/** One request, one bounded reply. Throws AddressRefused, ProviderUnavailable or ProviderGarbled. */
export interface Http {
  send(request: HttpRequest): Promise<HttpReply>;
}

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

export const HTTP_TIME_MAX_MS = 10_000;
export const HTTP_BODY_BYTES_MAX = 1024 * 1024;
export const JSON_DEPTH_MAX = 32;

/** A client for hosts that are not trusted: allow-listed, public addresses only, every reply bounded. */
export function boundedHttp(options: {
  readonly allowHosts: readonly string[];
  /** Local stand-ins: loopback addresses, and plain http to them. */
  readonly allowLoopback?: boolean;
  readonly lookup?: Lookup;
}): Http {
  const { allowHosts, allowLoopback = false } = options;
  const lookup = options.lookup ?? ((hostname) => dnsLookup(hostname, { all: true }));

  return {
    async send(request) {
      const refusal = whyNotAddress(request.url, allowHosts, { allowLoopback });
      if (refusal) throw new AddressRefused(`outgoing address refused: ${refusal}`);

      const url = new URL(request.url);
      const timeoutMs = Math.min(request.timeoutMs ?? HTTP_TIME_MAX_MS, HTTP_TIME_MAX_MS);
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        const addresses = await withDeadline(resolve(url, { lookup, allowLoopback }), signal);
        return boundedReply(await exchange({ request, url, addresses, signal }));
      } catch (error) {
        throw notAnswered(error);
      }
    },
  };
}

type Lookup = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** Every address of the name has to be public: the network, not Rekey, decides which one answers. */
async function resolve(
  url: URL,
  { lookup, allowLoopback }: { readonly lookup: Lookup; readonly allowLoopback: boolean },
): Promise<readonly ResolvedAddress[]> {
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const family = isIP(hostname);
  const found = family === 0 ? await lookup(hostname) : [{ address: hostname, family }];
  if (found.length === 0) throw new ProviderUnavailable("the provider's name has no address");
  for (const { address } of found) {
    const isStandIn = allowLoopback && isLoopbackAddress(address);
    if (isStandIn) continue;
    if (isPrivateAddress(address)) throw new AddressRefused("outgoing address refused: PrivateAddress");
    if (url.protocol === "http:") throw new AddressRefused("outgoing address refused: NotHttps");
  }
  return found;
}

export interface RawReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Uses a new connection for each request: a kept-alive one that has died makes a mint's outcome unknown. */
function exchange(options: {
  readonly request: HttpRequest;
  readonly url: URL;
  readonly addresses: readonly ResolvedAddress[];
  readonly signal: AbortSignal;
}): Promise<RawReply> {
  const { request, url, addresses, signal } = options;
  const { method } = request;
  const { type, body } = bodyOf(request);
  const length = body && { "content-type": type, "content-length": String(body.length) };
  const headers = {
    accept: "application/json",
    "accept-encoding": "identity",
    ...length,
    ...request.headers,
  };

  return new Promise((settle, reject) => {
    const open = url.protocol === "http:" ? http.request : https.request;
    const floor = { minVersion: "TLSv1.2" } as const;
    const sent = open(url, { method, headers, agent: false, signal, lookup: pinned(addresses), ...floor });
    sent.on("error", reject);
    sent.on("response", (incoming) => {
      readBody(incoming).then((text) => {
        settle({ status: incoming.statusCode ?? 0, headers: singleHeaders(incoming.headers), body: text });
      }, reject);
    });
    sent.end(body);
  });
}

/** Connects to an address that was checked: the name is not resolved a second time. */
function pinned(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, [...addresses]);
    else callback(null, first?.address ?? "", first?.family);
  };
}

function bodyOf({ body, form, text: raw }: HttpRequest): {
  readonly type: string;
  readonly body: Buffer | undefined;
} {
  if (raw !== undefined) return { type: raw.type, body: Buffer.from(raw.content) };
  if (form !== undefined) {
    const type = "application/x-www-form-urlencoded";
    return { type, body: Buffer.from(new URLSearchParams(form).toString()) };
  }
  const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  return { type: "application/json", body: text };
}

async function readBody(incoming: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > HTTP_BODY_BYTES_MAX) {
      incoming.destroy();
      throw new ProviderGarbled("the provider's reply is too large");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function singleHeaders(headers: http.IncomingHttpHeaders): Record<string, string> {
  const single: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === "string") single[name] = value;
  }
  return single;
}

/** Parses a reply under the limits on size and depth; `__proto__` is dropped wherever it appears. */
export function boundedReply({ status, headers, body }: RawReply): HttpReply {
  if (body.length > HTTP_BODY_BYTES_MAX) throw new ProviderGarbled("the provider's reply is too large");
  if (isTooDeep(body)) throw new ProviderGarbled("the provider's reply is nested too deeply");
  const dateMs = Date.parse(headers["date"] ?? "");
  const json = parseJson(body);
  const reply = { status, headers, json, ...(json === undefined && body !== "" && { text: body }) };
  return Number.isFinite(dateMs) ? { ...reply, dateMs } : reply;
}

/** The name itself, or an escape that may spell it. */
const mayNameProto = /__proto__|\\u/;

function parseJson(text: string): unknown {
  try {
    if (!mayNameProto.test(text)) return JSON.parse(text);
    return JSON.parse(text, (name, value) => (name === "__proto__" ? undefined : value));
  } catch {
    return undefined; // a parser's message quotes the text, which may quote a key
  }
}

/** Counts brackets outside strings, before any parser recurses into them. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    if (depth > JSON_DEPTH_MAX) return true;
  }
  return false;
}

function withDeadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((settle, reject) => {
    const stop = () => reject(new ProviderUnavailable("the provider did not answer (ETIMEDOUT)"));
    signal.addEventListener("abort", stop, { once: true });
    work.then(settle, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** Node's own errors may hold a raw packet of the reply, so only their code is used. */
function notAnswered(error: unknown): RotationError {
  if (error instanceof RotationError) return error;
  const { name, code } = Object(error) as { readonly name?: unknown; readonly code?: unknown };
  const isTimeout = name === "AbortError" || name === "TimeoutError";
  const isCode = typeof code === "string" && /^[A-Z0-9_]{1,48}$/.test(code);
  const word = isTimeout ? "ETIMEDOUT" : isCode ? code : "connection failed";
  return new ProviderUnavailable(`the provider did not answer (${word})`);
}
