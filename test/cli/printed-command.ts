import { Command, CommanderError } from "commander";
import { commandTable } from "../../cli/command-table.ts";
import { run } from "../../cli/program.ts";

/** The words of a line as a shell reads them, as far as our own commands need it. */
export function shellWords(line: string): readonly string[] {
  const parts = [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word);
  return parts.map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, (_, one = "", two = "") => one + two));
}

/** Every command of ours in a text, each to the end of its line; "rekey does" is a title of `incident show`. */
export function commandsIn(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => /\brekey (?!does )[a-z].*$/.exec(line)?.[0] ?? []);
}

/**
 * What the real parser says against a command, and undefined when it takes it. Nothing is carried out: the first
 * thing that a command reads or reaches ends it.
 */
export async function whyNotTaken(line: string): Promise<string | undefined> {
  // These read and write files by themselves.
  if (/^(?:scan|provider)$/.test(shellWords(line)[1] ?? "")) return whyNotParsed(line);
  const told: string[] = [];
  const parsed = new Error("past the parser");
  let isParsed = false;
  const stop = () => {
    isParsed = true;
    return Promise.reject(parsed);
  };
  const terminal = {
    ...{
      isColoured: false,
      readHidden: stop,
      readFile: stop,
      policyFilesIn: stop,
      writeNew: stop,
      nowMs: () => 0,
    },
    out: (text: string) => void told.push(text),
    err: (text: string) => void told.push(text),
  };
  await run(shellWords(line).slice(1), { terminal, connect: stop, store: stop, account: stop }).catch(
    (error: unknown) => {
      if (error !== parsed) throw error;
    },
  );
  return isParsed ? undefined : told.join("\n");
}

/** The same, but the command is not even begun. */
export async function whyNotParsed(line: string): Promise<string | undefined> {
  const words = shellWords(line).slice(1);
  const told: string[] = [];
  let isParsed = false;
  const program = new Command("rekey").option("--json").exitOverride();
  program.configureOutput({ writeOut: (text) => told.push(text), writeErr: (text) => told.push(text) });
  const perform = async () => {
    isParsed = true;
  };
  const named = commandTable.find(({ name }) => words.includes(name));
  if (named === undefined) return `no command is called ${words[0]}`;
  (await named.load())(program, perform);
  program.commands[0]?.exitOverride();
  await program.parseAsync(words, { from: "user" }).catch((error: unknown) => {
    if (!(error instanceof CommanderError)) throw error;
    isParsed = error.exitCode === 0;
  });
  return isParsed ? undefined : told.join("\n");
}
