import { type CostRow, costsOf } from "../../aws/costs.ts";
import { meanOf, type RunCount, runDollars } from "../../aws/run-costs.ts";
import { together } from "../../consumers/together.ts";
import type { Policy } from "../../core/policy.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import { type Cli, CliFailure, exitCodes, type Reach, type Register, type Shown } from "../command.ts";
import { csvLines } from "../csv.ts";
import { findSecret } from "../find-secret.ts";
import { formatOf } from "../format.ts";
import { headedTable } from "../table.ts";
import { readTemplate } from "../template.ts";
import { plural } from "../text.ts";

interface Options {
  readonly days?: string;
  readonly format?: string;
  readonly template?: string;
}

export const cost: Register = (program, perform) => {
  program
    .command("cost")
    .argument("[secret]", "name in rekey.yml, or ARN; without it, every secret")
    .option("--days <n>", "count the runs of so many days, 1 to 90; 30 without it")
    .option(
      "--template <file>",
      "the rendered CloudFormation template; without it, that of the deployed stack",
    )
    .option("--format <format>", "table or csv; table without it")
    .action((named: string | undefined, options: Options) => perform((cli) => show(cli, named, options)));
};

const dayMs = 86_400_000;
const daysMax = 90;
const daysDefault = 30;
const daysOfMonth = 730 / 24;
const runsMax = 500;
/** Step Functions answers about twenty of these questions a second. */
const atOnceMax = 4;
const gbOf = { gb: 0.5 };

function daysOf(given: string | undefined): number {
  const days = Number(given ?? daysDefault);
  if (Number.isInteger(days) && days >= 1 && days <= daysMax) return days;
  throw new CliFailure(`--days is a whole number from 1 to ${daysMax}`, { exitCode: exitCodes.usage });
}

interface SecretCost {
  readonly secret: string;
  readonly runs: number;
  /** Runs whose history is gone: they count as much as the mean of the others. */
  readonly estimated: number;
  readonly steps: number;
  readonly functionSeconds: number;
  readonly dollarsEach: number;
  readonly dollarsMonth: number;
}

async function show(cli: Cli, named: string | undefined, options: Options): Promise<Shown> {
  const [days, format] = [daysOf(options.days), formatOf(options.format)];
  const reach = await cli.reach();
  const policies =
    named === undefined ? await reach.ledger.policies() : [await findSecret(named, reach.ledger)];
  const { fixed, each } = costsOf(await readTemplate(cli, options.template));
  const { secrets, left } = await count({ policies, days, reach });
  const month = (rows: readonly { readonly dollarsMonth: number }[]) =>
    rows.reduce((sum, { dollarsMonth }) => sum + dollarsMonth, 0);
  const standing = month(fixed) + policies.length * month(each);
  const notes = [
    `rotations of the last ${plural(days, "day")}: ${dollars(month(secrets))} a month; ${said(secrets)}`,
    `the deployment itself: ${dollars(month(fixed))} a month, and ${dollars(month(each))} for each secret`,
    `together ${dollars(month(secrets) + standing)} a month, in us-east-1's prices and without any free tier`,
    "not counted: reads and writes of the ledger, events and logs, which are cents for a few hundred rotations",
    ...(left > 0 ? [`${left} older runs were not looked at`] : []),
  ];
  const total = { rotations: month(secrets), deployment: standing };
  return {
    json: { type: "cost", days, secrets, deployment: { fixed, each }, dollarsMonth: total },
    isFile: format === "csv",
    lines:
      format === "csv"
        ? csvLines([titles, ...secrets.map(cells)])
        : [headedTable(titles, secrets.map(cells)), deploymentTable([...fixed, ...each]), ...notes],
  };
}

const titles = ["SECRET", "RUNS", "STEPS", "FUNCTIONS", "EACH", "A MONTH"];

function cells({ secret, runs, steps, functionSeconds, dollarsEach, dollarsMonth }: SecretCost) {
  const seconds = `${functionSeconds.toFixed(1)} s`;
  return [secret, `${runs}`, `${Math.round(steps)}`, seconds, dollars(dollarsEach), dollars(dollarsMonth)];
}

function deploymentTable(rows: readonly CostRow[]) {
  return headedTable(
    ["DEPLOYMENT", "HOW MANY", "A MONTH"],
    rows.map(({ what, count: many, dollarsMonth }) => [what, many, dollars(dollarsMonth)]),
  );
}

function said(secrets: readonly SecretCost[]): string {
  const [runs, estimated] = [sumOf(secrets, "runs"), sumOf(secrets, "estimated")];
  const gone =
    estimated === 0 ? "" : `, ${estimated} of them by the mean of the others: their history is gone`;
  return `${plural(runs, "run")} counted${gone}`;
}

const sumOf = (secrets: readonly SecretCost[], field: "runs" | "estimated") =>
  secrets.reduce((sum, each) => sum + each[field], 0);

function dollars(amount: number): string {
  return `$${amount.toFixed(amount >= 0.1 || amount === 0 ? 2 : 4)}`;
}

interface Counting {
  readonly policies: readonly Policy[];
  readonly days: number;
  readonly reach: Reach;
}

async function count({ policies, days, reach }: Counting) {
  const sinceMs = reach.nowMs() - days * dayMs;
  const runs = (
    await together(policies, { atOnceMax, work: ({ secretArn }) => reach.ledger.rotations(secretArn) })
  )
    .flat()
    .filter(({ openedAtMs, outcome }) => openedAtMs >= sinceMs && outcome !== "skipped")
    .sort((one, other) => other.openedAtMs - one.openedAtMs);
  const looked = runs.slice(0, runsMax);
  const counted = await together(looked, { atOnceMax, work: async (run) => countOf(run, reach) });
  const known = counted.flatMap(({ did }) => did ?? []);
  const secrets = policies.map(({ name, secretArn }): SecretCost => {
    const own = counted.filter(({ run }) => run.secretArn === secretArn);
    const seen = own.flatMap(({ did }) => did ?? []);
    const mean = meanOf(seen.length > 0 ? seen : known);
    const dollarsEach = own.length === 0 ? 0 : runDollars(mean, gbOf);
    return {
      ...{ secret: name, runs: own.length, estimated: own.length - seen.length },
      ...{
        steps: own.length === 0 ? 0 : mean.steps,
        functionSeconds: own.length === 0 ? 0 : mean.functionSeconds,
      },
      ...{ dollarsEach, dollarsMonth: (dollarsEach * own.length * daysOfMonth) / days },
    };
  });
  return { secrets, left: runs.length - looked.length };
}

async function countOf(
  run: RotationRecord,
  { countRun }: Reach,
): Promise<{ run: RotationRecord; did?: RunCount | undefined }> {
  return { run, did: await countRun?.(run.executionArn) };
}
