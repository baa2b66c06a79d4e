import type { LogLine } from "./deps.ts";

/**
 * Numbers that CloudWatch extracts from a log line as metrics (embedded metric format). All have one
 * namespace and one dimension, the stage: the alarms look there only.
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
