import { ofType, type Stack } from "./resolve.ts";

/** The names of the alarms that are on, of those about a queue's depth. Nothing else is measured on a laptop. */
export function alarmsIn(stack: Stack, visible: (queueName: string) => number): readonly string[] {
  return ofType(stack, "AWS::CloudWatch::Alarm")
    .filter(({ properties }) => {
      const { Namespace, MetricName, Dimensions, Threshold, ComparisonOperator } = properties;
      if (Namespace !== "AWS/SQS") return false;
      if (
        MetricName !== "ApproximateNumberOfMessagesVisible" ||
        ComparisonOperator !== "GreaterThanThreshold"
      )
        throw new Error(`the local cloud does not know how to measure ${String(MetricName)} of a queue`);
      const [{ Value = "" } = {}] = Dimensions as readonly { readonly Value?: string }[];
      return visible(Value) > Number(Threshold);
    })
    .map(({ ref }) => ref)
    .sort();
}
