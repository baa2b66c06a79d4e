import type { FakeReply } from "../core/wire.ts";
import type { AwsReach } from "./destination.ts";

export type { FakeReply, FakeRequest } from "../core/wire.ts";

export function answer(status: number, json: unknown = {}): FakeReply {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(json) };
}

/** With the place's own clock, as every reply over HTTP has it: in whole seconds. */
export function dated(reply: FakeReply, nowMs: number): FakeReply {
  return { ...reply, headers: { ...reply.headers, date: new Date(nowMs).toUTCString() } };
}

/** The parts of a path that match; the rest of a pattern is literal. */
export function matched(pattern: RegExp, path: string): readonly string[] | undefined {
  return pattern
    .exec(path)
    ?.slice(1)
    .map((part = "") => decodeURIComponent(part));
}

/** The reach of a destination that is not in AWS. */
export const noAws: AwsReach = {
  secrets: notThere,
  parameters: notThere,
  lambda: notThere,
  tags: async () => ({}),
  credentials: async () => notThere(),
  pause: async () => undefined,
};

function notThere(): never {
  throw new TypeError("nothing of this service is there");
}
