import { Random } from "./random.ts";

/** What outsiders send beside one well-formed alert, and what people order when they hear of it. */
export interface RoughOutside {
  /** Twice so many alerts about the leaked key, each of these bytes: more than one item of the table takes. */
  readonly swollen:
    | { readonly afterMs: number; readonly count: number; readonly placeBytes: number }
    | undefined;
  /** One source says little of the key, then more under the same id, then something else. */
  readonly changing: readonly ChangedAlert[];
  /** Commands of two people about the leaked key's secret, from the moment of the leak on. */
  readonly orders: readonly RoughOrder[];
  /** The provider refuses every delete for so long. */
  readonly refusesDeletes: { readonly status: number; readonly lastsMs: number } | undefined;
}

export interface ChangedAlert {
  readonly afterMs: number;
  readonly exposure: "public" | "private" | "unknown";
  readonly verified: "live" | "dead" | "unknown";
}

export interface RoughOrder {
  readonly afterMs: number;
  readonly by: "FAKE-ops" | "FAKE-other";
  readonly command: "compromise" | "incident-contain-now" | "incident-note" | "incident-ack";
}

const stream = 11;
const minuteMs = 60_000;

/** Of the harder leaks, from a stream of its own. */
export function roughOutsideFor(seed: number): RoughOutside {
  const random = new Random(seed, stream);
  return {
    swollen: random.chance(0.2)
      ? { afterMs: random.int(0, 4_000), count: random.int(45, 90), placeBytes: random.int(300, 3_000) }
      : undefined,
    changing: random.chance(0.4) ? changingFor(random) : [],
    orders: Array.from({ length: random.pick([0, 1, 2, 2, 4]) }, () => ({
      afterMs: random.int(0, 25_000),
      by: random.pick(["FAKE-ops", "FAKE-other"] as const),
      command: random.pick([
        ...(["compromise", "compromise", "incident-contain-now"] as const),
        ...(["incident-note", "incident-ack"] as const),
      ]),
    })),
    refusesDeletes: random.chance(0.12)
      ? { status: random.pick([500, 503, 403]), lastsMs: random.int(17 * minuteMs, 150 * minuteMs) }
      : undefined,
  };
}

function changingFor(random: Random): readonly ChangedAlert[] {
  const first = { afterMs: random.int(0, 2_000), exposure: "private", verified: "unknown" } as const;
  const richer = { afterMs: random.int(3_000, 15_000), exposure: "public", verified: "live" } as const;
  const other = { afterMs: random.int(16_000, 30_000), exposure: "unknown", verified: "dead" } as const;
  return random.chance(0.5) ? [first, richer, other] : [first, richer];
}
