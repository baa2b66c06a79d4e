import { Command } from "commander";
import { commandTable } from "../cli/command-table.ts";
import * as errors from "../core/errors.ts";
import { runbooks } from "../functions/incident/paging/runbook.ts";

/** docs/cli-reference.md: every command with its arguments and options, as its own help has them. */
export async function cliReferencePage(): Promise<string> {
  const program = new Command("rekey");
  for (const { name, does, load } of commandTable) {
    (await load())(program, async () => undefined);
    program.commands.find((each) => each.name() === name)?.description(does);
  }
  const sections = program.commands.flatMap((command) => sectionsOf(command, `rekey ${command.name()}`));
  return [
    "# Every command and option",
    "",
    "This page is generated from the command line itself: `npm run docs:cli`. What the commands are for, and their exit codes,",
    "stands in [cli.md](cli.md). Each takes `--json`, `--stage`, `--region` and `--profile` too.",
    "",
    ...sections,
  ].join("\n");
}

function sectionsOf(command: Command, path: string): readonly string[] {
  const usage = [
    path,
    ...command.registeredArguments.map((each) => (each.required ? `<${each.name()}>` : `[${each.name()}]`)),
  ];
  const rows = [
    ...command.registeredArguments.map((each) => [
      each.required ? `<${each.name()}>` : `[${each.name()}]`,
      each.description,
    ]),
    ...command.options.map((each) => [each.flags, each.description]),
  ];
  return [
    `## ${path}`,
    "",
    sentence(command.description()),
    "",
    "```",
    usage.join(" "),
    "```",
    "",
    ...(rows.length === 0
      ? []
      : [
          "| | |",
          "|---|---|",
          ...rows.map(([flags = "", says = ""]) => `| \`${flags}\` | ${cell(says)} |`),
          "",
        ]),
    ...command.commands.flatMap((each) => sectionsOf(each, `${path} ${each.name()}`)),
  ];
}

const sentence = (text: string) => (text === "" ? "" : `${text[0]?.toUpperCase()}${text.slice(1)}.`);
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

const retries: Readonly<Record<errors.RetryKind, string>> = {
  later: "by itself, with growing pauses",
  afterReconcile: "by itself, after looking what the first try did",
  never: "not until a person or another run changes something",
};

/** docs/errors.md: the closed set of what can go wrong in a step. `source` is core/errors.ts, for its sentences. */
export function errorsPage(source: string): string {
  const rows = [
    ...source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport class (\w+) extends RotationError/g),
  ].map(([, comment = "", name = ""]) => {
    const Made = (errors as unknown as Record<string, new (message: string) => errors.RotationError>)[name];
    if (Made === undefined) throw new Error(`core/errors.ts exports no ${name}`);
    const { retry } = new Made("");
    const runbook = Object.hasOwn(runbooks, name) ? `[runbook](runbooks/${runbooks[name]})` : "-";
    const means = comment
      .replace(/\n\s*\*/g, " ")
      .replace(/\s+/g, " ")
      .trim();
    return `| \`${name}\` | ${cell(means)} | ${retries[retry]} | ${runbook} |`;
  });
  return [
    "# Every error of a step",
    "",
    "This page is generated from `core/errors.ts`: `npm run docs:cli`. The state machines match on these names; they stand in",
    "executions, in `rekey watch` and `rekey history`, in events and on pages. Events have [a page of their own](events.md).",
    "",
    "| error | means | is tried again | what to do |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
