import type { KeyId } from "../../../core/ports.ts";
import { errorReply } from "../../../providers/fake-faults.ts";
import { boundedReply, type HttpReply, type HttpRequest } from "../../../providers/http.ts";
import { Random } from "../plan/random.ts";
import type { BoundaryCall } from "../world/surroundings.ts";

/**
 * What the provider's own people do to a seed. `everyKey`: from the delete of a key on, the call that verifies refuses
 * every key in the provider's own words, as behind a wrong path or a firewall. The others are answers to the deleted key
 * alone, which goes on working for whoever has it.
 */
export interface Outage {
  readonly about: "everyKey" | "notFound" | "scopes" | "forbidden" | "noMoney";
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
  return {
    about: random.pick(["everyKey", "everyKey", "notFound", "scopes", "forbidden", "noMoney"]),
    lastsMs: random.int(4_000, 14_000),
    dieMs: random.int(8_000, 15_000),
  };
}

/** As people saw them for keys that live (providers/openai/verify-table.ts). */
const answers = {
  everyKey: errorReply(401, { code: "invalid_api_key" }),
  notFound: errorReply(404, { code: "not_found" }),
  scopes: errorReply(401, { message: "You have insufficient permissions. Missing scopes: model.read" }),
  forbidden: errorReply(403, { message: "You have insufficient permissions for this operation" }),
  noMoney: errorReply(400, { code: "billing_hard_limit_reached" }),
} as const;

/** What the provider says instead of its usual answer; undefined where it says that. */
export class Refusals {
  readonly #outage: Outage | undefined;
  readonly #nowMs: () => number;
  readonly #keyIdOf: (text: string) => KeyId | undefined;
  #deleted: string | undefined;
  #untilMs = 0;

  constructor(
    outage: Outage | undefined,
    world: { readonly nowMs: () => number; readonly keyIdOf: (text: string) => KeyId | undefined },
  ) {
    this.#outage = outage;
    this.#nowMs = world.nowMs;
    this.#keyIdOf = world.keyIdOf;
  }

  answer({ port, operation, given }: BoundaryCall): HttpReply | undefined {
    if (this.#outage === undefined || port !== "provider") return undefined;
    if (operation.startsWith("DELETE ")) {
      this.#deleted = operation.slice(operation.lastIndexOf("/") + 1);
      this.#untilMs = this.#nowMs() + this.#outage.lastsMs;
    }
    if (!operation.endsWith("/models") || this.#nowMs() >= this.#untilMs) return undefined;
    const { headers } = given[0] as HttpRequest;
    const keyId = this.#keyIdOf((headers["authorization"] ?? "").replace("Bearer ", ""));
    const { about } = this.#outage;
    return about === "everyKey" || keyId === this.#deleted ? boundedReply(answers[about]) : undefined;
  }
}
