import type { Policy } from "../../../core/policy.ts";
import { simulationStartMs } from "../world/clock.ts";
import { Random } from "./random.ts";

/** A stream of its own, and seeds in which no key leaks: an incident waits for none of these. */
const termsEvery = { seeds: 64, at: 57 };
const stream = 73;
const minuteMs = 60_000;

export function hasTerms(seed: number): boolean {
  return seed % termsEvery.seeds === termsEvery.at;
}

/** What has to be so before a rotation promotes or revokes, and from when on somebody approves what waits. */
export interface PlannedTerms {
  readonly policy: Pick<Policy, "overlapMs"> & Partial<Pick<Policy, "approve" | "freeze" | "windows">>;
  readonly approvesFromMs: number;
  readonly calmAtMs?: number;
}

export function termsFor(seed: number): PlannedTerms | undefined {
  if (!hasTerms(seed)) return undefined;
  const random = new Random(seed, stream);
  const approve = random.pick<"before-promote" | "before-revoke" | "nobody">([
    "before-promote",
    "before-revoke",
    "nobody",
  ]);
  const approvesFromMs = random.int(5_000, 50_000);
  const untilMs = simulationStartMs + random.int(20_000, 90_000);
  const freeze = [{ fromMs: simulationStartMs - minuteMs, untilMs, reason: "end of the quarter" }];
  const hours = { days: [0, 1, 2, 3, 4, 5, 6], fromMinute: 15, untilMinute: 0 };
  const isWindow = random.chance(0.3);
  return {
    policy: {
      // Long enough for all of it, so that no run is overdue for having waited.
      overlapMs: (isWindow ? 20 : 5) * minuteMs,
      ...(approve !== "nobody" && { approve }),
      ...((approve === "nobody" || random.chance(0.5)) && { freeze }),
      ...(isWindow && { windows: { timezone: "UTC", open: [hours] } }),
    },
    approvesFromMs,
    calmAtMs: (isWindow ? 25 : 8) * minuteMs,
  };
}

export function withTerms<Secret extends { readonly policy: Partial<Policy> }>(
  terms: PlannedTerms | undefined,
  secrets: readonly Secret[],
): readonly Secret[] {
  if (terms === undefined) return secrets;
  return secrets.map((each) => ({ ...each, policy: { ...each.policy, ...terms.policy } }));
}
