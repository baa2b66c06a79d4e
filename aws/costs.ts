/** As much of a rendered template as its costs need. */
type Resources = Readonly<
  Record<string, { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> }>
>;

/** US dollars in us-east-1 without any free tier (aws.amazon.com/pricing of each service, 2026-11). */
const prices = {
  kmsKeyMonth: 1,
  dashboardMonth: 3,
  alarmMetricMonth: 0.1,
  customMetricMonth: 0.3,
  lambdaGbSecond: 0.000_013_333_4,
  secretCall: 0.05 / 10_000,
  kmsAsymmetricCall: 0.15 / 10_000,
  storageGbMonth: 0.25,
  recoveryGbMonth: 0.2,
} as const;

const hoursOfMonth = 730;
/** What a run of a timed function takes at most in a deployment of a few dozen secrets. */
const runSeconds = 3;
/** Of each secret, at every run: the index asks for its versions, the sweep for its versions and its labels. */
const secretCallsPerRun = { IndexDashsecrets: 1, Sweep: 2 } as const;

export interface CostRow {
  readonly what: string;
  readonly count: string;
  readonly dollarsMonth: number;
}

/** What a deployment costs a month before its first rotation, and what each secret adds. */
export function costsOf(resources: Resources): {
  readonly fixed: readonly CostRow[];
  readonly each: readonly CostRow[];
} {
  const count = (type: string) => Object.values(resources).filter(({ Type }) => Type === type).length;
  const [keys, dashboards] = [count("AWS::KMS::Key"), count("AWS::CloudWatch::Dashboard")];
  const alarms = count("AWS::CloudWatch::Alarm");
  const watched = alarmMetrics(resources);
  const own = ownMetrics(resources);
  const gbSeconds = timedRuns(resources).reduce((sum, { runs, gb }) => sum + runs * gb * runSeconds, 0);
  const calls = timedRuns(resources).reduce(
    (sum, { id, runs }) => sum + runs * (secretCallsPerRun[id as keyof typeof secretCallsPerRun] ?? 0),
    0,
  );
  return {
    fixed: [
      { what: "KMS keys", count: `${keys}`, dollarsMonth: keys * prices.kmsKeyMonth },
      { what: "dashboards", count: `${dashboards}`, dollarsMonth: dashboards * prices.dashboardMonth },
      {
        what: "metrics that alarms watch",
        count: `${watched} in ${alarms} alarms`,
        dollarsMonth: watched * prices.alarmMetricMonth,
      },
      { what: "metrics of Rekey's own", count: `${own}`, dollarsMonth: own * prices.customMetricMonth },
      {
        what: "functions that run by the clock",
        count: `${Math.round(gbSeconds).toLocaleString("en-US")} GB-seconds`,
        dollarsMonth: gbSeconds * prices.lambdaGbSecond,
      },
      {
        what: "the ledger with point-in-time recovery",
        count: "per GB",
        dollarsMonth: prices.storageGbMonth + prices.recoveryGbMonth,
      },
    ],
    each: [
      {
        what: "calls of the index and the sweep to Secrets Manager",
        count: `${Math.round(calls).toLocaleString("en-US")}`,
        dollarsMonth: calls * prices.secretCall,
      },
      {
        what: "checkpoints of its audit log",
        count: `${hoursOfMonth} at most`,
        dollarsMonth: hoursOfMonth * prices.kmsAsymmetricCall,
      },
    ],
  };
}

/** An alarm on an expression is paid for each metric that it reads. */
function alarmMetrics(resources: Resources): number {
  return alarmsOf(resources).reduce((sum, { Metrics }) => {
    const read = (Metrics ?? []).filter(({ MetricStat }) => MetricStat !== undefined);
    return sum + Math.max(1, read.length);
  }, 0);
}

interface Alarm {
  readonly Namespace?: string;
  readonly MetricName?: string;
  readonly Metrics?: readonly { readonly MetricStat?: unknown }[];
}

function alarmsOf(resources: Resources): readonly Alarm[] {
  return Object.values(resources)
    .filter(({ Type }) => Type === "AWS::CloudWatch::Alarm")
    .map(({ Properties }) => Properties as Alarm);
}

/** In alarms and in the dashboard, each once. */
function ownMetrics(resources: Resources): number {
  const alarmed = alarmsOf(resources).flatMap(({ Namespace, MetricName }) =>
    Namespace === "Rekey" && MetricName !== undefined ? [MetricName] : [],
  );
  const shown = Object.values(resources)
    .filter(({ Type }) => Type === "AWS::CloudWatch::Dashboard")
    .flatMap(({ Properties }) => [...JSON.stringify(Properties).matchAll(/\\?"Rekey\\?",\s*\\?"(\w+)\\?"/g)])
    .map(([, name = ""]) => name);
  return new Set([...alarmed, ...shown]).size;
}

const hours = { minute: 1 / 60, hour: 1, day: 24 } as const;

/** By function, its runs in a month and its memory in GB. */
function timedRuns(resources: Resources) {
  return Object.entries(resources).flatMap(([ruleId, { Type, Properties }]) => {
    const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(String(Properties?.["ScheduleExpression"]));
    if (Type !== "AWS::Events::Rule" || rate === null) return [];
    const [, every, unit] = rate;
    const id = ruleId.replace(/Rule$/, "");
    const { MemorySize = 0 } = (resources[`${id}LambdaFunction`]?.Properties ?? {}) as {
      readonly MemorySize?: number;
    };
    return [
      {
        id,
        runs: hoursOfMonth / (Number(every) * hours[unit as keyof typeof hours]),
        gb: MemorySize / 1_024,
      },
    ];
  });
}

/** The tables of docs/deploy.md. */
export function costsPage(resources: Resources): string {
  const { fixed, each } = costsOf(resources);
  const dollars = (amount: number) => `$${amount.toFixed(amount < 0.1 ? 3 : 2)}`;
  const lines = (rows: readonly CostRow[]) =>
    rows.map(({ what, count, dollarsMonth }) => `| ${what} | ${count} | ${dollars(dollarsMonth)} |`);
  const total = fixed.reduce((sum, { dollarsMonth }) => sum + dollarsMonth, 0);
  return [
    `About ${dollars(total)} a month before the first rotation, in us-east-1 and without any free tier:`,
    "",
    "| what | how many | a month |",
    "|---|---|---|",
    ...lines(fixed),
    "",
    "Each secret adds, beside the $0.40 that Secrets Manager takes and Rekey does not change:",
    "",
    "| what | how many a month | a month |",
    "|---|---|---|",
    ...lines(each),
  ].join("\n");
}
