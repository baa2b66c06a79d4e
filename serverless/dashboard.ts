import type { Deployment } from "./deployment.ts";
import { handlerNames } from "./handlers.ts";
import { machines } from "./machines.ts";
import { type Resources, sub } from "./statements.ts";

type Metric = readonly (string | { readonly [option: string]: unknown })[];

const widgetWidth = 12;
const widgetHeight = 6;

/** Rotations at the top, then debts, then the functions and queues. */
export function dashboardResources({ environment, region }: Deployment): Resources {
  const widgets = [
    widget("Runs", "Sum", runMetrics(environment)),
    widget("Owed work", "Maximum", [
      ["Rekey", "OpenDebt", "Environment", environment],
      ["Rekey", "RotationsOverdue", "Environment", environment],
      ["Rekey", "Strays", "Environment", environment],
      ["Rekey", "CopiesAstray", "Environment", environment],
    ]),
    widget("Oldest key past its policy (seconds)", "Maximum", [
      ["Rekey", "OldestKeyAgePastPolicy", "Environment", environment],
    ]),
    widget("Dead letters", "Maximum", deadLetterMetrics(environment)),
    widget("Function errors", "Sum", functionMetrics(environment, "Errors")),
    widget("Function duration (ms)", "Maximum", functionMetrics(environment, "Duration")),
  ];
  return {
    Dashboard: {
      Type: "AWS::CloudWatch::Dashboard",
      Properties: {
        // Names of dashboards are global in an account, and a stage may stand in two Regions.
        DashboardName: `rekey-${environment}-${region}`,
        DashboardBody: sub(JSON.stringify({ widgets: widgets.map(placed) })),
      },
    },
  };
}

function widget(title: string, stat: "Sum" | "Maximum", metrics: readonly Metric[]) {
  const region = `\${AWS::Region}`;
  return { type: "metric", properties: { title, stat, metrics, period: 300, region, view: "timeSeries" } };
}

function placed(one: ReturnType<typeof widget>, index: number) {
  const column = index % 2;
  return {
    ...one,
    x: column * widgetWidth,
    y: ((index - column) / 2) * widgetHeight,
    width: widgetWidth,
    height: widgetHeight,
  };
}

function runMetrics(environment: string): readonly Metric[] {
  return machines().flatMap(({ name }) => {
    const arn = `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:stateMachine:rekey-${environment}-${name}`;
    return ["Started", "Succeeded", "Failed", "TimedOut", "Aborted"].map((end) => [
      "AWS/States",
      `Executions${end}`,
      "StateMachineArn",
      arn,
      { label: `${name} ${end.toLowerCase()}` },
    ]);
  });
}

function deadLetterMetrics(environment: string): readonly Metric[] {
  return ["rules", "schedules", "functions"].map((kind) => [
    "AWS/SQS",
    "ApproximateNumberOfMessagesVisible",
    "QueueName",
    `rekey-${environment}-dead-${kind}`,
  ]);
}

function functionMetrics(environment: string, metric: string): readonly Metric[] {
  return handlerNames().map((name) => [
    "AWS/Lambda",
    metric,
    "FunctionName",
    `rekey-${environment}-${name}`,
    { label: name },
  ]);
}
