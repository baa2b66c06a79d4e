import { readFileSync } from "node:fs";
import * as yaml from "yaml";
import type { EmbeddedMetrics, LogLine } from "../../functions/deps.ts";
import { anchorAudit } from "../../functions/upkeep/anchor-audit.ts";
import { sweep } from "../../functions/upkeep/sweep.ts";
import { functions } from "../../serverless/functions.ts";
import { conditionsFor, resourcesFor } from "../../serverless/template.ts";
import { eventsOf } from "../../serverless/triggers.ts";
import { adminWorld } from "../contract/admin-world.ts";
import { memoryCheckpoints } from "../contract/checkpoint-world.ts";
import { syntheticWorld } from "../contract/synthetic-world.ts";
import { deployment } from "./deployment.ts";
import { resource } from "./packaged.ts";

interface Metric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: unknown }[];
}

interface Alarm extends Partial<Metric> {
  readonly Metrics?: readonly { readonly MetricStat?: { readonly Metric: Metric } }[];
  readonly Period?: number;
  readonly EvaluationPeriods: number;
  readonly TreatMissingData?: string;
  readonly AlarmDescription: string;
  readonly AlarmActions?: readonly unknown[];
}

/** The stage of the deployment; policies of another environment must not change what is measured. */
const environment = "staging";
const file = new URL("../../serverless/alarms.yml", import.meta.url);
const intrinsics = ["Ref", "GetAtt", "Sub"].map((name) => ({
  tag: `!${name}`,
  resolve: (text: string) => ({ [name]: text }),
}));
const { Resources } = yaml.parse(readFileSync(file, "utf8").replaceAll(`\${sls:stage}`, environment), {
  merge: true,
  customTags: intrinsics,
}) as {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Condition?: string; readonly Properties: Alarm }>
  >;
};
const alarms = Object.entries(Resources)
  .filter(([, { Type }]) => Type === "AWS::CloudWatch::Alarm")
  .map(([id, { Properties }]) => ({ id, ...Properties }));

function metricsOf(alarm: Alarm): readonly Metric[] {
  const own = alarm.MetricName === undefined ? [] : [alarm as Metric];
  return [...own, ...(alarm.Metrics ?? []).flatMap(({ MetricStat }) => MetricStat?.Metric ?? [])];
}

/** What each function says of a deployment in which nothing was declared yet, as CloudWatch reads its log. */
async function emittedBy(): Promise<ReadonlyMap<string, readonly Metric[]>> {
  const { deps, logs, audit, ledger } = adminWorld();
  await sweep.run(sweep.input.parse({}), { ...deps, environment });
  const swept = logs.splice(0);
  const checkpoints = memoryCheckpoints(audit, deps.clock.nowMs);
  await anchorAudit({ ledger, clock: deps.clock, log: deps.log, environment, checkpoints });
  const synthetic = syntheticWorld();
  await synthetic.prove({ environment });
  return new Map([
    ["sweep", swept.flatMap(metricsIn)],
    ["anchor-audit", logs.flatMap(metricsIn)],
    ["synthetic-leak", synthetic.logs.flatMap(metricsIn)],
  ]);
}

/** CloudWatch takes a name or a dimension for one only when the line has its value. */
function metricsIn(line: LogLine): readonly Metric[] {
  const { CloudWatchMetrics = [] } = (line["_aws"] ?? {}) as Partial<EmbeddedMetrics>;
  return CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Metrics.filter(({ Name }) => typeof line[Name] === "number").flatMap(({ Name: MetricName }) =>
      Dimensions.map((names) => ({
        ...{ Namespace, MetricName },
        Dimensions: names.map((Name) => ({ Name, Value: line[Name] })),
      })),
    ),
  );
}

const emitted = await emittedBy();

function emitterOf({ Namespace, MetricName, Dimensions }: Metric): string | undefined {
  const wanted = JSON.stringify({ Namespace, MetricName, Dimensions });
  const found = [...emitted].find(([, metrics]) => metrics.some((each) => JSON.stringify(each) === wanted));
  return found?.[0];
}

/** What AWS measures by itself, and what the dimension has to name. */
const aws: Readonly<
  Record<string, { readonly names: RegExp; readonly dimension: string; readonly type: string }>
> = {
  "AWS/States": {
    names: /^Executions(Failed|TimedOut|Aborted)$/,
    dimension: "StateMachineArn",
    type: "AWS::StepFunctions::StateMachine",
  },
  "AWS/SQS": {
    names: /^ApproximateNumberOfMessagesVisible$/,
    dimension: "QueueName",
    type: "AWS::SQS::Queue",
  },
};

function typeOf(value: unknown): string | undefined {
  const { Ref, GetAtt = "" } = value as { readonly Ref?: string; readonly GetAtt?: string };
  const id = Ref ?? GetAtt.replace(/\.QueueName$/, "");
  const queues = readFileSync(new URL("../../serverless/queues.yml", import.meta.url), "utf8");
  if (new RegExp(`^  ${id}:\\n    Type: AWS::SQS::Queue$`, "m").test(queues)) return "AWS::SQS::Queue";
  return resourcesFor({ ...deployment, environment })[id]?.Type;
}

test("there are alarms, and each listens to something", () => {
  expect(alarms.length).toBeGreaterThan(8);
  for (const alarm of alarms) expect(metricsOf(alarm).length).toBeGreaterThan(0);
});

test.each(alarms)("$id listens to what is really said, under the same name and dimensions", (alarm) => {
  for (const metric of metricsOf(alarm)) {
    const own = aws[metric.Namespace];
    if (own === undefined) {
      expect([metric.MetricName, emitterOf(metric)]).toEqual([metric.MetricName, expect.any(String)]);
      continue;
    }
    expect(metric.MetricName).toMatch(own.names);
    expect(metric.Dimensions.map(({ Name }) => Name)).toEqual([own.dimension]);
    for (const { Value } of metric.Dimensions) expect(typeOf(Value)).toBe(own.type);
  }
});

/** Not "ignore", which keeps an alarm in whatever state it was, and not the default that nobody chose. */
test.each(alarms)("$id says what silence means, and whom it tells", ({ TreatMissingData, AlarmActions }) => {
  expect(["breaching", "notBreaching", "missing"]).toContain(TreatMissingData);
  expect(AlarmActions).toEqual([{ Ref: "AlarmTopic" }]);
});

const listening = alarms.filter(({ TreatMissingData }) => TreatMissingData === "breaching");

test.each(listening)("$id takes silence for a breach, and gives its function the time to speak", (alarm) => {
  for (const metric of metricsOf(alarm)) {
    const name = emitterOf(metric) ?? "nobody";
    expect((alarm.Period ?? 0) * alarm.EvaluationPeriods).toBeGreaterThanOrEqual(intervalSeconds(name));
  }
});

test("each function that measures has an alarm that hears when it stops", () => {
  const heard = new Set(listening.flatMap((alarm) => metricsOf(alarm).map(emitterOf)));
  expect([...emitted.keys()].filter((name) => !heard.has(name))).toEqual([]);
});

test("a deployment that takes no reports has no alarm on the daily one, and every other deployment has", () => {
  const report = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rekey/intake/report-FAKE01";
  const asked = Object.values(Resources).flatMap(({ Condition }) => Condition ?? []);
  expect(Resources["SyntheticLeakAlarm"]?.Condition).toBe("LeaksCanBeReported");
  for (const name of asked) expect(Object.keys(conditionsFor(deployment))).toContain(name);
  const holds = (intakeSecrets: Readonly<Record<string, string>>) => {
    const [left, right] = conditionsFor({ ...deployment, intakeSecrets }).LeaksCanBeReported["Fn::Equals"];
    return left === right;
  };
  expect([holds({}), holds({ github: report }), holds({ report })]).toEqual([false, false, true]);
});

test("the dashboard shows only what is said", () => {
  const { DashboardBody } = resource(resourcesFor({ ...deployment, environment }), "Dashboard")
    .Properties as {
    readonly DashboardBody: { readonly "Fn::Sub": string };
  };
  const { widgets } = JSON.parse(DashboardBody["Fn::Sub"]) as {
    readonly widgets: readonly { readonly properties: { readonly metrics: readonly string[][] } }[];
  };
  const shown = widgets
    .flatMap(({ properties }) => properties.metrics)
    .filter(([space]) => space === "Rekey");
  expect(shown.length).toBeGreaterThan(0);
  for (const [Namespace = "", MetricName = "", Name = "", Value = ""] of shown) {
    expect([MetricName, emitterOf({ Namespace, MetricName, Dimensions: [{ Name, Value }] })]).toEqual([
      MetricName,
      expect.any(String),
    ]);
  }
});

function intervalSeconds(name: string): number {
  const { calledBy = "callerUrl" } = functions[name] ?? {};
  const { events } = eventsOf(name, calledBy, deployment) as {
    readonly events?: readonly { readonly eventBridge: { readonly schedule: string } }[];
  };
  const [, count, unit] =
    /^rate\((\d+) (minute|hour|day)s?\)$/.exec(events?.[0]?.eventBridge.schedule ?? "") ?? [];
  const seconds = { minute: 60, hour: 3_600, day: 86_400 }[unit ?? ""];
  return Number(count) * (seconds ?? Number.NaN);
}
