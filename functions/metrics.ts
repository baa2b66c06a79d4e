import type { LogLine } from "./deps.ts";

/**
 * Numbers that CloudWatch extracts from a log line as metrics (embedded metric format). All have one
 * namespace and one dimension, the stage: the alarms look there only.
 */
export function metricLine(point: {
  readonly environment: string;
  readonly atMs: number;
  /** A list is one point for each of its numbers; a metric without any is left out. */
  readonly metrics: Readonly<Record<string, number | readonly number[] | undefined>>;
}): LogLine {
  const { environment, atMs } = point;
  const metrics = Object.fromEntries(
    Object.entries(point.metrics).filter(
      (metric): metric is [string, number | readonly number[]] =>
        metric[1] !== undefined && !(Array.isArray(metric[1]) && metric[1].length === 0),
    ),
  );
  const Metrics = Object.keys(metrics).map((Name) => ({ Name }));
  const directive = { Namespace: "Rekey", Dimensions: [["Environment"]], Metrics };
  return {
    Environment: environment,
    ...metrics,
    _aws: { Timestamp: atMs, CloudWatchMetrics: [directive] },
  };
}
