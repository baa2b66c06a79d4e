import type { FakeReply, FakeRequest } from "./fake.ts";
import { HTTP_BODY_BYTES_MAX, JSON_DEPTH_MAX } from "./http.ts";

/** What can go wrong between a provider and us. Unless stated otherwise, the request has taken effect. */
export type FaultKind =
  | { readonly kind: "lostReply" }
  /** The connection ends before the request has an effect. */
  | { readonly kind: "dropped" }
  /** 429, without effect. */
  | { readonly kind: "throttled"; readonly retryAfterS?: number }
  | { readonly kind: "serverError"; readonly status?: number; readonly effect: boolean }
  /** An error reply with the provider's own codes, without effect. */
  | { readonly kind: "answer"; readonly status: number; readonly code?: string; readonly headers?: Headers }
  /** Any JSON at all, without effect: what people saw a provider answer. */
  | { readonly kind: "says"; readonly status: number; readonly json: unknown }
  | { readonly kind: "slow"; readonly ms: number }
  | { readonly kind: "garbage" }
  | { readonly kind: "truncated" }
  | { readonly kind: "oversized" }
  | { readonly kind: "deep" }
  /** `__proto__` and `constructor` in every object of the reply. */
  | { readonly kind: "polluting" }
  /** An error that quotes the caller's key and the whole reply, in its message, its code and its type. */
  | { readonly kind: "echo"; readonly status?: number }
  /** Any other wrong reply: edits the JSON or the headers of the true one. */
  | { readonly kind: "rewrite"; readonly rewrite: (reply: TrueReply) => TrueReply };

type Headers = Readonly<Record<string, string>>;

export interface TrueReply {
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test edits whatever the provider answered
  readonly json: any;
}

/** `on` limits a fault to one operation of the fake, such as "mint". Without it any call may get it. */
export type Fault = FaultKind & { readonly on?: string };

export interface FakeCall {
  readonly operation: string;
  readonly request: FakeRequest;
  /** Counts from 1, over all operations. */
  readonly nth: number;
}

/** Either a queue, in which each fault hits the first call that it fits, or a function asked at every call. */
export type FaultPlan = readonly Fault[] | ((call: FakeCall) => Fault | undefined);

export interface Faults {
  inject(...faults: readonly Fault[]): void;
  strike(call: FakeCall, effect: () => FakeReply): FakeReply;
}

export function faultsOf(plan: FaultPlan = []): Faults {
  const queue: Fault[] = typeof plan === "function" ? [] : [...plan];

  function next(call: FakeCall): Fault | undefined {
    const at = queue.findIndex(({ on }) => on === undefined || on === call.operation);
    if (at >= 0) return queue.splice(at, 1)[0];
    return typeof plan === "function" ? plan(call) : undefined;
  }

  return {
    inject: (...faults) => void queue.push(...faults),
    strike(call, effect) {
      const fault = next(call);
      return fault ? struck(fault, call, effect) : effect();
    },
  };
}

function struck(fault: Fault, { request }: FakeCall, effect: () => FakeReply): FakeReply {
  const gone: FakeReply = { status: 0, headers: {}, body: "" };
  switch (fault.kind) {
    case "dropped":
      return gone;
    case "throttled": {
      const wait = fault.retryAfterS === undefined ? {} : { "retry-after": String(fault.retryAfterS) };
      return errorReply(429, { code: "rate_limit_exceeded", headers: wait });
    }
    case "answer":
      return errorReply(fault.status, fault);
    case "says":
      return {
        status: fault.status,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(fault.json),
      };
    case "serverError":
      if (fault.effect) effect();
      return errorReply(fault.status ?? 500, { code: "server_error" });
    default:
      return distorted(fault, request, effect());
  }
}

type Distortion = Exclude<FaultKind, { kind: "dropped" | "throttled" | "answer" | "says" | "serverError" }>;

function distorted(fault: Distortion, { headers }: FakeRequest, answered: FakeReply): FakeReply {
  // A 204 has no body that could be distorted: what a proxy says in its place comes as a 200.
  const isBody = ["garbage", "truncated", "oversized", "deep"].includes(fault.kind);
  const reply = isBody && answered.status === 204 ? { ...answered, status: 200 } : answered;
  switch (fault.kind) {
    case "lostReply":
      return { ...reply, status: 0 };
    case "slow":
      return { ...reply, afterMs: (reply.afterMs ?? 0) + fault.ms };
    case "garbage":
      return {
        ...reply,
        headers: { ...reply.headers, "content-type": "text/html" },
        body: "<html>a proxy</html>",
      };
    case "truncated":
      return { ...reply, body: reply.body.slice(0, reply.body.length / 2), cut: true };
    case "oversized":
      return { ...reply, body: `${reply.body.slice(0, -1)},"padding":"${"x".repeat(HTTP_BODY_BYTES_MAX)}"}` };
    case "deep": {
      const levels = JSON_DEPTH_MAX * 1000;
      return {
        ...reply,
        body: `${reply.body.slice(0, -1)},"deep":${"[".repeat(levels)}${"]".repeat(levels)}}`,
      };
    }
    case "polluting":
      return { ...reply, body: reply.body.replaceAll("{", POLLUTION) };
    case "echo": {
      const sent = Object.values(headers);
      const message = `${sent.join(" ")} ${reply.body}`;
      const code = (headers["authorization"] ?? sent.at(-1) ?? "").replace(/^Bearer /, "");
      return { ...reply, status: fault.status ?? 500, body: errorBody({ message, code, type: code }) };
    }
    case "rewrite": {
      const edited = fault.rewrite({ headers: reply.headers, json: JSON.parse(reply.body) });
      return { ...reply, headers: edited.headers, body: JSON.stringify(edited.json) };
    }
  }
}

const POLLUTION = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},';

function errorBody(error: {
  readonly message: string;
  readonly type: string;
  readonly code?: string;
}): string {
  return JSON.stringify({ error: { param: null, code: null, ...error } });
}

export function errorReply(
  status: number,
  options: { readonly code?: string; readonly message?: string; readonly headers?: Headers },
): FakeReply {
  const { code, message = "refused by the stand-in", headers } = options;
  const body = errorBody({ message, type: "invalid_request_error", ...(code === undefined ? {} : { code }) });
  return { status, headers: { "content-type": "application/json", ...headers }, body };
}
