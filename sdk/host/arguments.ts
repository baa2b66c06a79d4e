import { parseArgs } from "node:util";
import type { Environment } from "../client/credentials.ts";
import { usage } from "./failure.ts";
import { wrap } from "./wrap.ts";

/** One option: what it takes, the variable that gives it where no flag does, and one line of help. */
export interface Option {
  readonly takes?: string;
  readonly variable?: string;
  readonly isMany?: boolean;
  readonly says: string;
}

export type Given = Readonly<Record<string, readonly string[]>>;

/**
 * The values of each option: the flags, or else its variable, in which commas separate several. A name that is not
 * in the table is refused, with the arguments never quoted: one could be a key in the wrong place.
 */
export function optionsFrom(
  args: readonly string[],
  { table, env }: { readonly table: Readonly<Record<string, Option>>; readonly env: Environment },
): Given {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { takes }]) => [
      name,
      { type: takes === undefined ? ("boolean" as const) : ("string" as const), multiple: true },
    ]),
  );
  const { values } = parse(args, options);
  return Object.fromEntries(
    Object.entries(table).map(([name, option]) => {
      const flags = ((values as Record<string, readonly (string | boolean)[]>)[name] ?? []).map(String);
      const text = option.variable === undefined ? "" : (env[option.variable] ?? "");
      const fallback = (option.isMany ? text.split(",") : [text]).map((part) => part.trim()).filter(Boolean);
      const given = flags.length > 0 ? flags : fallback;
      if (given.length > 1 && !option.isMany) throw usage(`--${name} is given more than once`);
      return [name, given];
    }),
  );
}

function parse(
  args: readonly string[],
  options: NonNullable<Parameters<typeof parseArgs>[0]>["options"] & {},
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false, strict: true });
  } catch (error) {
    const { code } = error as { code?: string };
    const name = /'?(--[\w-]+)/.exec((error as Error).message)?.[1] ?? "an argument";
    if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") throw usage(`there is no option ${name}`, "see --help");
    if (code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL") {
      throw usage("there is an argument that belongs to no option", "the command to run goes behind `--`");
    }
    throw usage(`${name} is not given as it has to be`, "see --help");
  }
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "30s", "5m", "2h" in milliseconds. */
export function durationMs(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, digits = "", unit = ""] = /^(\d{1,6})(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = units[unit];
  if (factor === undefined) throw usage(`--${name} has to be a time such as 30s, 5m or 2h`);
  return Number(digits) * factor;
}

/** A whole number within these bounds. */
export function numberOf(
  name: string,
  text: string | undefined,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= min && number <= max)) throw usage(`--${name} has to be a number from ${min} to ${max}`);
  return number;
}

/** What `--help` says about one command. */
export interface Manual {
  readonly usage: string;
  readonly says: string;
  readonly table: Readonly<Record<string, Option>>;
}

/** The help, laid out for a terminal of this many columns. `program` is the name that it was started with. */
export function helpFor(
  { usage: how, says, table }: Manual,
  { program, columns }: { readonly program: string; readonly columns: number },
): string {
  const rows = Object.entries(table).map(([name, { takes, variable, isMany, says: meaning }]) => [
    `  --${name}${takes === undefined ? "" : ` ${takes}`}`,
    `${meaning}${isMany ? " (may be repeated)" : ""}${variable === undefined ? "" : ` [${variable}]`}`,
  ]);
  const longest = Math.max(...rows.map(([left = ""]) => left.length)) + 2;
  // Beside a long option's name a narrow terminal has no room: what it means stands below it.
  const beside = columns - longest >= meaningMin ? longest : Math.floor(columns / 3);
  const lines = rows.flatMap(([left = "", right = ""]) => {
    const wrapped = wrap(right, columns - beside).map((line) => `${" ".repeat(beside)}${line}`);
    const [first = "", ...rest] = wrapped;
    return left.length <= beside - 2 ? [left + first.slice(left.length), ...rest] : [left, ...wrapped];
  });
  const usageLines = wrap(`usage: ${program} ${how}`, columns - 2).map((line, at) =>
    at === 0 ? line : `  ${line}`,
  );
  return [...usageLines, "", ...wrap(says, columns), "", ...lines].join("\n");
}

const meaningMin = 32;
