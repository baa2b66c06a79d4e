/** What one sweep found. It was repaired unless this was a dry run. */
export interface Swept {
  readonly outcome: "swept" | "wouldSweep";
  readonly secrets: number;
  /** Runs and incidents whose execution had ended without settling them. */
  readonly settled: number;
  readonly labels: number;
  readonly spent: number;
  readonly resumed: number;
  /** Copies that are not, or are not used, as Rekey wrote them. */
  readonly astray: number;
  readonly strays: number;
  readonly discarded: number;
  readonly unrecorded: number;
  readonly openDebt: number;
  /** Policies whose schedule somebody paused, removed or changed outside Rekey. */
  readonly schedulesOff: number;
  /** Secrets, accounts and incidents that could not be checked. The next sweep tries them again. */
  readonly failed: number;
}
