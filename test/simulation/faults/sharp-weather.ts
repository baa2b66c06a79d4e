import { Random } from "../plan/random.ts";
import type { BoundaryCall } from "../world/surroundings.ts";
import type { FaultKind } from "./weather.ts";

export interface PlannedSweep {
  readonly atMs: number;
  readonly dryRun: boolean;
}

/**
 * Nine of ten calls go to the table, and so do nine of ten faults. In these seeds they strike where something
 * outside changes or the provider answers, and the sweep runs while everything else does.
 */
export interface SharpWeather {
  readonly rate: number;
  readonly faultsMax: number;
  readonly sweeps: readonly PlannedSweep[];
}

const everyNth = 16;
/** Two without a leak, one with an incident, one of the harder ones. */
const nths = new Set([4, 10, 12, 13]);
const stream = 8;
const strikesStream = 9;
const sweepsLatestMs = 95_000;

export const isSharp = (seed: number) => nths.has(seed % everyNth);

/** From a stream of its own: what such a seed decides besides stays as it was. */
export function sharpWeatherFor(seed: number): SharpWeather | undefined {
  if (!isSharp(seed)) return undefined;
  const random = new Random(seed, stream);
  return {
    rate: random.pick([0.03, 0.06, 0.12]),
    faultsMax: random.int(3, 14),
    sweeps: Array.from({ length: random.int(0, 4) }, () => ({
      atMs: random.int(1_000, sweepsLatestMs),
      dryRun: random.chance(0.2),
    })),
  };
}

const anywhere: readonly FaultKind[] = [
  ...(["failBefore", "lostReply", "slow", "lateReply", "never", "freezeBefore", "freezeAfter"] as const),
  ...(["crashBefore", "crashAfter", "exitBefore", "exitAfter", "twiceBefore", "twiceAfter"] as const),
  "diesAfter",
];
const atProvider: readonly FaultKind[] = [
  ...(["throttle", "throttle", "retryAfter", "retryAfter", "serverErrorAfter", "serverErrorAfter"] as const),
  ...(["timeout", "timeout", "garbage", "quote"] as const),
];
/** Of all writes to the table few are the interesting ones. */
const tableShare = 0.15;

/** Which fault strikes at a call, if any. */
export function sharpStrikes({ rate }: SharpWeather, seed: number) {
  const random = new Random(seed, strikesStream);
  return ({ port, changes }: BoundaryCall): FaultKind | undefined => {
    if (port !== "provider" && port !== "scoper" && !changes) return undefined;
    if (!random.chance(port === "table" ? rate * tableShare : rate)) return undefined;
    const kinds = port === "provider" ? [...anywhere, ...atProvider] : anywhere;
    return kinds[random.int(0, kinds.length - 1)];
  };
}
