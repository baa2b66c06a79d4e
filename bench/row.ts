/** One figure. `peer` was measured in the same run; `budget` is what we promise, and `ok` whether it was kept. */
export interface BenchRow {
  name: string;
  unit: string;
  median: number;
  p99: number;
  peer?: { name: string; median: number };
  budget?: number;
  ok?: boolean;
  /** For people who read the figures, under the row; not part of the JSON. */
  detail?: string;
}

/** A row out of repeated measurements, judged by its median. */
export function rowOf(
  row: Pick<BenchRow, "name" | "unit"> & Partial<Pick<BenchRow, "peer" | "budget" | "detail">>,
  figures: readonly number[],
): BenchRow {
  const sorted = [...figures].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  const median = round(at(0.5));
  return {
    ...row,
    median,
    p99: round(at(0.99)),
    ...(row.budget !== undefined && { ok: median <= row.budget }),
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
