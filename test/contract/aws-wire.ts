import { Readable } from "node:stream";
import type { FakeReply, FakeRequest } from "../../destinations/fake.ts";

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The real client of an AWS service on a stand-in without a socket: no second attempt hides a fault. */
export function clientOptions(handle: (request: FakeRequest) => FakeReply) {
  return {
    region: "eu-central-1",
    credentials: { accessKeyId: "AKIDFAKE", secretAccessKey: "FAKE" },
    maxAttempts: 1,
    requestHandler: { handle: async (sent: Sent) => ({ response: answered(handle(requestOf(sent))) }) },
  };
}

function requestOf({ method, path, query = {}, headers, body }: Sent): FakeRequest {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const text = body === undefined ? "" : textOf(body);
  return {
    ...{ method, path, headers: Object.fromEntries(lower) },
    query: new URLSearchParams(query as Record<string, string>),
    body: text === "" ? undefined : JSON.parse(text),
  };
}

function textOf(body: unknown): string {
  return body instanceof Uint8Array ? new TextDecoder().decode(body) : String(body);
}

function answered({ status, headers, body }: FakeReply) {
  if (status === 0) throw Object.assign(new Error("socket hang up (FAKE)"), { code: "ECONNRESET" });
  return { statusCode: status, headers, body: Readable.from([body]) };
}
