import type { Random } from "../plan/random.ts";

export type FaultKind =
  | "failBefore"
  | "lostReply"
  | "throttle"
  | "retryAfter"
  | "serverErrorAfter"
  | "timeout"
  | "slow"
  | "lateReply"
  | "garbage"
  | "quote"
  | "crashBefore"
  | "crashAfter"
  | "exitBefore"
  | "exitAfter"
  | "diesBefore"
  | "diesAfter"
  | "thawsDuring"
  | "thawsAfter"
  | "twiceBefore"
  | "twiceAfter"
  | "freezeBefore"
  | "freezeAfter"
  | "never";

/** How bad a seed's day is: which faults there are, and how likely one is at a call. */
export interface Weather {
  readonly rate: number;
  readonly kinds: readonly FaultKind[];
  readonly faultsMax: number;
  readonly isSkewed: boolean;
  /** Reports and status events come twice, late and out of order. */
  readonly isBusUnruly: boolean;
}

const anywhere: readonly FaultKind[] = [
  ...(["failBefore", "lostReply", "slow", "lateReply"] as const),
  ...(["crashBefore", "crashAfter", "exitBefore", "freezeBefore", "freezeAfter", "never"] as const),
];
const atProvider: readonly FaultKind[] = [
  ...(["throttle", "retryAfter", "serverErrorAfter", "timeout", "garbage", "quote"] as const),
];
export const isProviderKind: ReadonlySet<FaultKind> = new Set(atProvider);

export function weatherFor(random: Random): Weather {
  const rate = random.pick([0, 0.005, 0.01, 0.02, 0.05]);
  return {
    rate,
    kinds: [...anywhere, ...atProvider].filter(() => random.chance(0.5)),
    faultsMax: random.int(1, 16),
    isSkewed: random.chance(0.5),
    isBusUnruly: random.chance(0.5),
  };
}
