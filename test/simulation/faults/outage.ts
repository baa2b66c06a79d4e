import { errorReply } from "../../../providers/fake-faults.ts";
import type { HttpReply } from "../../../providers/http.ts";
import { boundedReply } from "../../../providers/http.ts";
import { Random } from "../plan/random.ts";
import type { BoundaryCall } from "../world/surroundings.ts";

/**
 * A firewall, a wrong path or a broken release: from the delete of a key on, the call that verifies refuses every key
 * in the provider's own words, while the deleted key goes on working for its consumers and for whoever has it.
 */
export interface Outage {
  readonly lastsMs: number;
  /** How long a deleted key works in these seeds. */
  readonly dieMs: number;
}

const everyNth = 16;
/** One without a leak, one with an incident, one of the harder ones. */
const nths = new Set([6, 7, 5]);
const stream = 10;

export function outageFor(seed: number): Outage | undefined {
  if (!nths.has(seed % everyNth)) return undefined;
  const random = new Random(seed, stream);
  return { lastsMs: random.int(4_000, 14_000), dieMs: random.int(8_000, 15_000) };
}

/** What the provider says to a key while it refuses every one; undefined when it does not. */
export class Refusals {
  readonly #outage: Outage | undefined;
  readonly #nowMs: () => number;
  #untilMs = 0;

  constructor(outage: Outage | undefined, nowMs: () => number) {
    this.#outage = outage;
    this.#nowMs = nowMs;
  }

  answer({ port, operation }: BoundaryCall): HttpReply | undefined {
    if (this.#outage === undefined || port !== "provider") return undefined;
    if (operation.startsWith("DELETE ")) this.#untilMs = this.#nowMs() + this.#outage.lastsMs;
    if (!operation.endsWith("/models") || this.#nowMs() >= this.#untilMs) return undefined;
    return boundedReply(errorReply(401, { code: "invalid_api_key" }));
  }
}
