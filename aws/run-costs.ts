/** US dollars in us-east-1 without any free tier (aws.amazon.com/pricing of each service, 2026-11). */
export const runPrices = {
  step: 0.025 / 1_000,
  lambdaRequest: 0.2 / 1_000_000,
  lambdaGbSecond: 0.000_013_333_4,
} as const;

/** What one execution did, from its own history. */
export interface RunCount {
  /** Transitions from state to state, as Step Functions counts them. */
  readonly steps: number;
  readonly calls: number;
  readonly functionSeconds: number;
}

export function runDollars(
  { steps, calls, functionSeconds }: RunCount,
  { gb }: { readonly gb: number },
): number {
  const { step, lambdaRequest, lambdaGbSecond } = runPrices;
  return steps * step + calls * lambdaRequest + functionSeconds * gb * lambdaGbSecond;
}

export function meanOf(counts: readonly RunCount[]): RunCount {
  const mean = (of: (count: RunCount) => number) =>
    counts.length === 0 ? 0 : counts.reduce((sum, count) => sum + of(count), 0) / counts.length;
  return {
    steps: mean((one) => one.steps),
    calls: mean((one) => one.calls),
    functionSeconds: mean((one) => one.functionSeconds),
  };
}
