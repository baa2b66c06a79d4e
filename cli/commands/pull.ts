import { copyText } from "../../core/copies/fan-out.ts";
import { type Mapped, mapOf } from "../../core/copies/map.ts";
import { SecretUnusable } from "../../core/errors.ts";
import type { SecretStore } from "../../core/ports.ts";
import { keyIn } from "../../stores/value.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { readPolicyFiles } from "../policy-files.ts";
import { type Format, formats, type Pulled } from "../pull/formats.ts";
import { isForGit, readPrivate, writePrivate } from "../pull/private-file.ts";
import { table } from "../table.ts";
import { plural } from "../text.ts";

interface Options {
  readonly file?: readonly string[];
  readonly at?: string;
  readonly format?: string;
  readonly to?: string;
  readonly dryRun?: boolean;
  readonly overwrite?: boolean;
}

export const pull: Register = (program, perform) => {
  program
    .command("pull")
    .argument("<consumer>", "whose values: an application or a consumer of the policy files")
    .option("--file <files...>", "policy files of your environment (default: rekey.yml)")
    .option("--at <place>", "only the names that it has at this place")
    .option("--format <format>", `${Object.keys(formats).join(", ")} (default: env)`)
    .option(
      "--to <path>",
      "the file to write (default: .env, secrets.auto.tfvars, secrets.json or secrets.sh)",
    )
    .option("--dry-run", "show the names, and write nothing")
    .option("--overwrite", "replace the file that is there, after its names were shown")
    .addHelpText("after", `\n${help}`)
    .action((consumer: string, options: Options) => perform((cli) => show(cli, { ...options, consumer })));
};

const help = `Your own AWS credentials read the values: IAM decides which environments you may pull, and refuses production.
The file is yours alone (mode 0600) and has to be ignored by git. A rotation ends the key in it: pull again, or use
\`rekey exec\`, which restarts the program with the new one.`;

type Asked = Options & { readonly consumer: string };

async function show(cli: Cli, asked: Asked): Promise<Shown> {
  const { dryRun = false, consumer } = asked;
  const format = formatOf(asked.format ?? "env");
  const path = asked.to ?? format.path;
  const { policies, environment } = await readPolicyFiles(cli, asked.file ?? []);
  const wanted = namesOf(wantedIn(mapOf(policies), asked));
  const values = await valuesOf(wanted, await cli.store());
  const mistakes = values.flatMap((value) => format.mistake(value) ?? []);
  if (mistakes.length > 0) throw new CliFailure(mistakes.join("; "), { exitCode: exitCodes.usage });
  const text = format.write(values, aboutText(consumer, environment));
  const known = await readPrivate(path);
  const changes = changesOf({ values, known, format });
  if (!dryRun) await write({ path, text, known, changes, asked });
  const lines = changes.map(({ name, change }) => [change, name, wanted.get(name)?.secret ?? ""]);
  return {
    json: { type: "pull", consumer, environment, path, written: !dryRun, names: changes },
    lines: [table(lines), endText({ path, dryRun, count: values.length, environment })],
  };
}

function formatOf(given: string): Format {
  const format = Object.hasOwn(formats, given) ? formats[given] : undefined;
  if (format !== undefined) return format;
  throw new CliFailure(`no format is called ${JSON.stringify(given.slice(0, 40))}`, {
    ...{ hint: `it is one of ${Object.keys(formats).join(", ")}`, exitCode: exitCodes.usage },
  });
}

function aboutText(consumer: string, environment: string): string {
  return `pulled by rekey for ${consumer} in ${environment}: not for version control`;
}

// ---- what is wanted ------------------------------------------------------------------------------------------

function wantedIn(all: readonly Mapped[], { consumer, at }: Asked): readonly Mapped[] {
  const own = all.filter((row) => row.consumer === consumer);
  const rows = at === undefined ? own : own.filter(({ copy }) => copy?.to === at);
  if (rows.length > 0) return rows;
  const names = [
    ...new Set(own.length === 0 ? all.map((row) => row.consumer) : own.map(({ copy }) => copy?.to)),
  ];
  const what =
    own.length === 0 ? `a consumer called ${JSON.stringify(consumer.slice(0, 64))}` : `values at ${at}`;
  throw new CliFailure(`these files have no ${what}`, {
    ...{ hint: `they have ${names.filter((name) => name !== undefined).join(", ") || "none"}` },
    exitCode: exitCodes.usage,
  });
}

/** By the name in the file. What a consumer reads itself has the secret's name, in the form of a variable. */
function namesOf(rows: readonly Mapped[]): ReadonlyMap<string, Mapped> {
  const names = new Map<string, Mapped>();
  for (const row of rows) {
    const name = row.copy?.as ?? row.secret.toUpperCase().replace(/\W/g, "_");
    const known = names.get(name);
    if (known !== undefined && (known.secret !== row.secret || known.copy?.text !== row.copy?.text))
      throw new CliFailure(
        `${name} is ${known.secret} at ${placeOf(known)} and ${row.secret} at ${placeOf(row)}`,
        {
          ...{ hint: "choose one of the places with --at", exitCode: exitCodes.usage },
        },
      );
    names.set(name, row);
  }
  return names;
}

function placeOf({ copy }: Mapped): string {
  return copy?.to ?? "the secret itself";
}

async function valuesOf(wanted: ReadonlyMap<string, Mapped>, store: SecretStore): Promise<readonly Pulled[]> {
  const keys = new Map<string, string>();
  const values: Pulled[] = [];
  for (const [name, row] of wanted) {
    const key = keys.get(row.secret) ?? (await keyOf(row, store));
    keys.set(row.secret, key);
    values.push({ name, text: copyText(row.copy ?? {}, key) });
  }
  return values;
}

/** Nothing is written until every value was read. */
async function keyOf({ secret, secretArn, field, environment }: Mapped, store: SecretStore): Promise<string> {
  try {
    return keyIn((await store.current(secretArn)).text, field).reveal();
  } catch (error) {
    if (!(error instanceof SecretUnusable)) throw error;
    throw new CliFailure(`${secret} cannot be read: ${error.message}`, {
      hint: `IAM decides who may pull ${environment}: name the policy file of your own environment with --file`,
    });
  }
}

// ---- the file ------------------------------------------------------------------------------------------------

interface Change {
  readonly name: string;
  readonly change: "new" | "changed" | "unchanged" | "removed";
}

function changesOf({
  values,
  known,
  format,
}: {
  readonly values: readonly Pulled[];
  readonly known: string | undefined;
  readonly format: Format;
}): readonly Change[] {
  const before = new Set(known === undefined ? [] : format.namesIn(known));
  const isSame = (value: Pulled) =>
    ["\n", ",\n"].some((end) => known?.includes(`\n${bodyOf(format, value)}${end}`) === true);
  const now = values.map((value): Change => {
    const { name } = value;
    if (!before.has(name)) return { name, change: "new" };
    return { name, change: isSame(value) ? "unchanged" : "changed" };
  });
  const names = new Set(values.map(({ name }) => name));
  const gone = [...before]
    .filter((name) => !names.has(name))
    .map((name): Change => ({ name, change: "removed" }));
  return [...now, ...gone];
}

/** What one value looks like in a file of this form, whatever is above and below it. */
function bodyOf(format: Format, value: Pulled): string {
  const [, ...lines] = format.write([value], "").split("\n");
  return lines
    .join("\n")
    .replace(/\n\}\n$/, "")
    .trimEnd();
}

interface Writing {
  readonly path: string;
  readonly text: string;
  readonly known: string | undefined;
  readonly changes: readonly Change[];
  readonly asked: Asked;
}

async function write({ path, text, known, changes, asked }: Writing): Promise<void> {
  if (isForGit(path))
    throw new CliFailure(`git would take ${path} into a commit`, {
      hint: `add it to .gitignore (and \`git rm --cached ${path}\` if it is followed already), or choose another place with --to`,
    });
  if (known !== undefined && known !== text && asked.overwrite !== true)
    throw new CliFailure(`${path} is there: ${changeText(changes)}`, {
      ...{
        hint: "say --overwrite to replace it, or choose another place with --to",
        facts: { names: changes },
      },
    });
  await writePrivate(path, text);
}

function changeText(changes: readonly Change[]): string {
  const kinds = ["new", "changed", "removed", "unchanged"] as const;
  return kinds
    .flatMap((kind) => {
      const names = changes.filter(({ change }) => change === kind).map(({ name }) => name);
      return names.length === 0 ? [] : [`${kind} ${names.join(", ")}`];
    })
    .join("; ");
}

function endText(end: {
  readonly path: string;
  readonly dryRun: boolean;
  readonly count: number;
  readonly environment: string;
}): string {
  const what = `${plural(end.count, "value")} of ${end.environment}`;
  return end.dryRun
    ? `${what} would go to ${end.path}; nothing was written`
    : `${what} in ${end.path}, mode 0600`;
}
