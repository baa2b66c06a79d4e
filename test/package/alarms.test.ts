import { readFile } from "node:fs/promises";
import type { EmbeddedMetrics, LogLine } from "../../functions/deps.ts";
import { anchorAudit } from "../../functions/upkeep/anchor-audit.ts";
import { pushAudit } from "../../functions/upkeep/push-audit.ts";
import { sweep } from "../../functions/upkeep/sweep.ts";
import { logicalName } from "../../serverless/handlers.ts";
import { adminWorld } from "../contract/admin-world.ts";
import { memoryCheckpoints } from "../contract/checkpoint-world.ts";
import { syntheticWorld } from "../contract/synthetic-world.ts";
import { deployment } from "./deployment.ts";
import { rendered, resource } from "./packaged.ts";

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
const Resources = rendered({ ...deployment, environment, intakeSecrets: { report: "arn:FAKE" } });
const alarms = Object.entries(Resources)
  .filter(([, { Type }]) => Type === "AWS::CloudWatch::Alarm")
  .map(([id, { Properties }]) => ({ id, ...(Properties as unknown as Alarm) }));

function metricsOf(alarm: Alarm): readonly Metric[] {
  const own = alarm.MetricName === undefined ? [] : [alarm as Metric];
  return [...own, ...(alarm.Metrics ?? []).flatMap(({ MetricStat }) => MetricStat?.Metric ?? [])];
}

/** What each function says of a deployment in which nothing was declared yet, as CloudWatch reads its log. */
async function emittedBy(): Promise<ReadonlyMap<string, readonly Metric[]>> {
  const { deps, depsOf, logs, audit, ledger } = adminWorld();
  await sweep.run(sweep.input.parse({}), { ...depsOf("sweep"), environment });
  const swept = logs.splice(0);
  const checkpoints = memoryCheckpoints(audit, deps.clock.nowMs);
  await anchorAudit({ ledger, clock: deps.clock, log: deps.log, environment, checkpoints });
  const checked = logs.splice(0);
  await pushAudit.run({}, { ...depsOf("push-audit"), environment, collector: undefined });
  const synthetic = syntheticWorld();
  await synthetic.prove({ environment });
  return new Map([
    ["sweep", swept.flatMap(metricsIn)],
    ["anchor-audit", checked.flatMap(metricsIn)],
    ["push-audit", logs.flatMap(metricsIn)],
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

/** What functions measure only when something happened, so that nothing follows from silence: by metric, who says it. */
const occasional: Readonly<Record<string, string>> = {
  ReadLatency: "evidence/record-evidence",
  RefreshFailures: "evidence/record-evidence",
  RotationsRotated: "rotation/close-rotation",
  TimeToAdoption: "rotation/close-rotation",
  TimeToDeath: "rotation/close-rotation",
  RotationsUnfinished: "secret/settle-run",
  TimeToContain: "incident/close-incident",
};

test.each(Object.entries(occasional))("%s is said by %s", async (name, path) => {
  const text = await readFile(new URL(`../../functions/${path}.ts`, import.meta.url), "utf8");
  expect(text).toMatch(new RegExp(`\\b${name}: `));
});

function saidBy(metric: Metric): string | undefined {
  const { Namespace, MetricName, Dimensions } = metric;
  const isOwn = Namespace === "Rekey" && Object.hasOwn(occasional, MetricName);
  const [dimension] = Dimensions;
  return isOwn && dimension?.Name === "Environment" && dimension.Value === environment
    ? occasional[MetricName]
    : emitterOf(metric);
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
  "AWS/Lambda": { names: /^(Throttles|Errors)$/, dimension: "FunctionName", type: "AWS::Lambda::Function" },
  "AWS/SQS": {
    names: /^ApproximateNumberOfMessagesVisible$/,
    dimension: "QueueName",
    type: "AWS::SQS::Queue",
  },
};

function typeOf(value: unknown): string | undefined {
  const { Ref, "Fn::GetAtt": at } = value as {
    readonly Ref?: string;
    readonly "Fn::GetAtt"?: readonly string[];
  };
  return Resources[Ref ?? at?.[0] ?? ""]?.Type;
}

test("there are alarms, and each listens to something", () => {
  expect(alarms.length).toBeGreaterThan(8);
  for (const alarm of alarms) expect(metricsOf(alarm).length).toBeGreaterThan(0);
});

test.each(alarms)("$id listens to what is really said, under the same name and dimensions", (alarm) => {
  for (const metric of metricsOf(alarm)) {
    const own = aws[metric.Namespace];
    if (own === undefined) {
      expect([metric.MetricName, saidBy(metric)]).toEqual([metric.MetricName, expect.any(String)]);
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
  const has = (intakeSecrets: Readonly<Record<string, string>>) =>
    Object.hasOwn(rendered({ ...deployment, intakeSecrets }), "SyntheticLeakAlarm");
  expect([has({}), has({ github: report }), has({ report })]).toEqual([false, false, true]);
});

test("the dashboard shows only what is said", () => {
  const { DashboardBody } = resource(Resources, "Dashboard").Properties as {
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
    expect([MetricName, saidBy({ Namespace, MetricName, Dimensions: [{ Name, Value }] })]).toEqual([
      MetricName,
      expect.any(String),
    ]);
  }
});

function intervalSeconds(name: string): number {
  const { ScheduleExpression = "" } = resource(Resources, `${logicalName(name)}Rule`).Properties as {
    readonly ScheduleExpression?: string;
  };
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(ScheduleExpression) ?? [];
  const seconds = { minute: 60, hour: 3_600, day: 86_400 }[unit ?? ""];
  return Number(count) * (seconds ?? Number.NaN);
}
