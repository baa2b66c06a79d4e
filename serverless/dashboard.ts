import type { Deployment } from "./deployment.ts";
import { handlerNames } from "./handlers.ts";
import { machines } from "./machines.ts";
import { type Resources, sub } from "./statements.ts";

type Metric = readonly (string | { readonly [option: string]: unknown })[];

const widgetWidth = 12;
const widgetHeight = 6;

/** What rotations and incidents achieve at the top, then what is owed, then consumers, functions and queues. */
export function dashboardResources({ environment }: Deployment): Resources {
  const widgets = [
    widget("Rotations that rotated (%)", "Sum", successRate(environment)),
    widget("Runs", "Sum", runMetrics(environment)),
    widget("Seconds to adoption, and from the revoke to death", "Maximum", [
      own("TimeToAdoption", environment),
      own("TimeToDeath", environment),
    ]),
    widget(
      "Incidents: open, past the deadline, and seconds from the alert to the last key's death",
      "Maximum",
      [
        own("OpenIncidents", environment),
        own("IncidentsPastDeadline", environment),
        own("TimeToContain", environment, { yAxis: "right" }),
      ],
    ),
    widget("Consumers: how long reads of secrets take (ms), and refreshes that failed", "p50", [
      own("ReadLatency", environment, { label: "p50" }),
      own("ReadLatency", environment, { label: "p99", stat: "p99" }),
      own("RefreshFailures", environment, { stat: "Sum", yAxis: "right" }),
    ]),
    widget("Owed work", "Maximum", [
      own("OpenDebt", environment),
      own("RotationsOverdue", environment),
      own("Strays", environment),
      own("CopiesAstray", environment),
    ]),
    widget("Oldest key past its policy (seconds)", "Maximum", [own("OldestKeyAgePastPolicy", environment)]),
    widget("Dead letters", "Maximum", deadLetterMetrics(environment)),
    widget("Function errors", "Sum", functionMetrics(environment, "Errors")),
    widget("Function duration (ms)", "Maximum", functionMetrics(environment, "Duration")),
  ];
  return {
    Dashboard: {
      Type: "AWS::CloudWatch::Dashboard",
      Properties: {
        // Names of dashboards are global in an account, and a stage may stand in two Regions.
        DashboardName: sub(`rekey-${environment}-\${AWS::Region}`),
        DashboardBody: sub(JSON.stringify({ widgets: widgets.map(placed) })),
      },
    },
  };
}

function own(name: string, environment: string, options?: { readonly [option: string]: unknown }): Metric {
  return ["Rekey", name, "Environment", environment, ...(options === undefined ? [] : [options])];
}

/** Of the runs that made a key or owed work; those that were refused at once are in neither number. */
function successRate(environment: string): readonly Metric[] {
  const counted = (name: string, id: string) => own(name, environment, { id, visible: false, stat: "Sum" });
  return [
    [{ expression: "100 * FILL(good, 0) / (FILL(good, 0) + FILL(bad, 0))", label: "rotated", id: "rate" }],
    counted("RotationsRotated", "good"),
    counted("RotationsUnfinished", "bad"),
  ];
}

function widget(title: string, stat: "Sum" | "Maximum" | "p50", metrics: readonly Metric[]) {
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
