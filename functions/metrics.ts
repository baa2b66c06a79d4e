import type { LogLine } from "./deps.ts";

/**
 * Numbers that CloudWatch reads out of a log line as metrics (embedded metric format). All are in one namespace
 * and have one dimension, the stage: an alarm on any other dimension would never hear of them.
 */
export function metricLine(point: {
  readonly environment: string;
  readonly atMs: number;
  readonly metrics: Readonly<Record<string, number>>;
}): LogLine {
  const { environment, atMs, metrics } = point;
  const Metrics = Object.keys(metrics).map((Name) => ({ Name }));
  const directive = { Namespace: "Rekey", Dimensions: [["Environment"]], Metrics };
  return {
    Environment: environment,
    ...metrics,
    _aws: { Timestamp: atMs, CloudWatchMetrics: [directive] },
  };
}
