import { type Cli, exitCodes, type Register, type Shown } from "../command.ts";
import { csvLines } from "../csv.ts";
import { formatOf } from "../format.ts";
import { matches } from "../globs.ts";
import { type Together, togetherIn } from "../power-pairs.ts";
import {
  type Held,
  type Holding,
  heldIn,
  powersIn,
  statementsIn,
  type Targets,
  targetsIn,
} from "../powers.ts";
import { headedTable, type Line } from "../table.ts";
import { readTemplate } from "../template.ts";
import { plural } from "../text.ts";

interface Options {
  readonly template?: string;
  readonly format?: string;
}

export const permissions: Register = (program, perform) => {
  program
    .command("permissions")
    .option(
      "--template <file>",
      "the rendered CloudFormation template; without it, that of the deployed stack",
    )
    .option("--format <format>", "table or csv; table without it")
    .action((options: Options) => perform((cli) => show(cli, options)));
};

interface Row extends Omit<Held, "statements"> {
  readonly powers: readonly Holding[];
  /** What the role has in the account and not in the template. */
  readonly added: readonly string[];
}

async function show(cli: Cli, { template, format: asked }: Options): Promise<Shown> {
  const format = formatOf(asked);
  const declared = heldIn(await readTemplate(cli, template));
  const { held: found, unseen } = await accountOf(cli, template);
  const { targets, known } = await targetsOf(cli, { declared, isOffline: template !== undefined });
  const rows = rowsOf({ declared, found, targets });
  const problems = rows.flatMap(problemsIn);
  const several = rows.filter(({ powers }) => powers.length > 1).length;
  const together = togetherIn(rows);
  const notes = [
    `${plural(rows.length, "role, user or policy", "roles, users and policies")} can do something, ${several} two things or more`,
    ...(known ? [] : ["secrets are known by the template's patterns only: the ledger was not asked"]),
    ...unseen.map((what) => `not looked at: ${what}`),
    ...problems.map((problem) => `problem: ${problem}`),
  ];
  return {
    json: { type: "permissions", powers: rows.map(fields), together, problems, unseen },
    isFile: format === "csv",
    lines: format === "csv" ? csvLines([titles, ...rows.map(cells)]) : tableLines({ rows, together, notes }),
    ...(problems.length > 0 && { exitCode: exitCodes.refused }),
  };
}

const titles = ["WHO", "FROM", "CAN", "WHAT IT IS"];

function cells({ name, from, powers, does = "-" }: Row): readonly string[] {
  return [name, from, powers.map(inWords).join("; "), does];
}

function inWords({ power, bounds }: Holding): string {
  return bounds.length === 0 ? sayings[power] : `${sayings[power]} (only ${bounds.join(", and only ")})`;
}

const sayings: Readonly<Record<Holding["power"], string>> = {
  ...{ read: "read", decrypt: "decrypt", stage: "stage", promote: "promote", sign: "sign", order: "order" },
  ...{ provider: "mint and revoke", record: "write ledger" },
};

function tableLines(shown: {
  readonly rows: readonly Row[];
  readonly together: Together;
  readonly notes: readonly string[];
}): readonly Line[] {
  const { rows, together, notes } = shown;
  const pairs = [
    ...(together.mintAndRevoke.length === 0 ? [] : [mintAndRevoke(together)]),
    ...together.pairs.map(({ powers: [one, other], means, who }) => [
      `${sayings[one]} + ${sayings[other]}`,
      means,
      namesIn(who),
    ]),
  ];
  return [
    headedTable(titles, rows.map(cells)),
    ...(pairs.length === 0 ? [] : ["", headedTable(["TWO AT ONCE", "WHOEVER HAS BOTH", "WHO"], pairs), ""]),
    ...notes,
  ];
}

function mintAndRevoke({ mintAndRevoke: who }: Together): readonly string[] {
  return ["mint + revoke", "has the provider's one credential, which opens both", namesIn(who)];
}

/** Of a role of the template, which has no name yet, the part that tells it from the others. */
function namesIn(who: readonly string[]): string {
  return who.map((name) => name.replace(/^role\/.*\*-/, "")).join(", ");
}

function fields({ name, from, does, powers, added }: Row) {
  return { name, from, does, powers, added, several: powers.length > 1 };
}

/** Whoever signs must not write what is signed, and a role of ours must not have grown in the account. */
function problemsIn({ name, powers, added }: Row): readonly string[] {
  const has = (power: Holding["power"]) => powers.some((each) => each.power === power);
  const all = powers.length === Object.keys(sayings).length;
  return [
    ...(has("sign") && has("record") && !all ? [`${name} can write the ledger and sign what it says`] : []),
    ...(added.length > 0 ? [`${name} can do more than the template gives it: ${added.join(", ")}`] : []),
  ];
}

function rowsOf(known: {
  readonly declared: readonly Held[];
  readonly found: readonly Held[];
  readonly targets: Targets;
}): readonly Row[] {
  const { declared, found, targets } = known;
  const row = ({ statements, ...held }: Held): Row => ({
    ...held,
    powers: powersIn(statements, targets),
    added: [],
  });
  const planned = declared.map(row);
  const actual = found.map((held): Row => {
    const own = planned.find(({ name }) => matches(held.name, name));
    const seen = row(held);
    if (own === undefined) return seen;
    return { ...seen, ...(own.does && { does: own.does }), added: addedTo(own.powers, seen.powers) };
  });
  // What the account says of a role counts more than what the template wanted.
  const unseen = planned.filter(({ name }) => !actual.some((each) => matches(each.name, name)));
  return [...actual, ...unseen]
    .filter(({ powers }) => powers.length > 0)
    .sort((one, other) => other.powers.length - one.powers.length || one.name.localeCompare(other.name));
}

/** What it can besides what the template gives it, or can without a condition that the template sets. */
function addedTo(own: readonly Holding[], seen: readonly Holding[]): readonly string[] {
  return seen.flatMap(({ power, isConditional }) => {
    const planned = own.find((each) => each.power === power);
    if (planned === undefined) return [sayings[power]];
    return planned.isConditional && !isConditional ? [`${sayings[power]} without its condition`] : [];
  });
}

async function accountOf(cli: Cli, template: string | undefined) {
  const grants = template === undefined ? await (await cli.reach()).grants?.() : undefined;
  const held = (grants?.holders ?? []).map(({ name, documents }): Held => {
    return { name, from: "account", statements: documents.flatMap(statementsIn) };
  });
  const offline = template === undefined ? [] : ["the account's own grants (leave --template out)"];
  return { held, unseen: [...offline, ...(grants?.unseen ?? [])] };
}

/** The secrets as the ledger knows them, where it can be asked; a template alone has names and tags. */
async function targetsOf(
  cli: Cli,
  { declared, isOffline }: { declared: readonly Held[]; isOffline: boolean },
) {
  const named = targetsIn(declared);
  const policies = isOffline ? undefined : await (await cli.reach()).ledger.policies();
  const secrets = policies?.map(({ secretArn }) => secretArn) ?? [];
  const read = [...named.read.filter((each) => !/secret:\*$/.test(each) || secrets.length === 0), ...secrets];
  const about: Targets = {
    ...{ read, stage: read, promote: read, provider: named.provider },
    record: ["{Ledger}", "arn:aws:dynamodb:*:*:table/rekey-*"],
    order: ["{AdminLambdaFunction}", "arn:aws:lambda:*:*:function:rekey-*-admin"],
  };
  return { targets: about, known: policies !== undefined };
}
