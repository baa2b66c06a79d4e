import type { Command } from "commander";
import { CliFailure, exitCodes, type NamedCommand, type Register } from "../command.ts";
import { completionScripts, isShell, type Words } from "../completion.ts";

/** Given the table, because the table is what loads this file. */
export const completionOf =
  (table: readonly NamedCommand[]): Register =>
  (program, perform) => {
    program
      .command("completion")
      .argument("<shell>", "bash, zsh or fish")
      .addHelpText(
        "after",
        `
  bash  eval "$(rekey completion bash)"      in ~/.bashrc
  zsh   eval "$(rekey completion zsh)"       in ~/.zshrc, after compinit
  fish  rekey completion fish | source       in ~/.config/fish/config.fish`,
      )
      .action((shell: string) =>
        perform(async () => {
          if (!isShell(shell)) throw unknownShell(shell);
          const script = completionScripts[shell](await wordsOf(program, table));
          return { json: { type: "completion", shell, script }, isFile: true, lines: script.split("\n") };
        }),
      );
  };

function unknownShell(shell: string): CliFailure {
  return new CliFailure(`there is no completion for ${JSON.stringify(shell.slice(0, 40))}`, {
    hint: "it is one of bash, zsh, fish",
    exitCode: exitCodes.usage,
  });
}

/** Every command that can be typed, with its sub-commands and options. */
async function wordsOf(program: Command, table: readonly NamedCommand[]): Promise<readonly Words[]> {
  const { Command: Fresh } = await import("commander");
  const all = new Fresh("rekey");
  for (const { load } of table) (await load())(all, async () => undefined);
  const globals = program.options.flatMap(({ long }) => long ?? []);
  const does = new Map(table.map((row) => [row.name, row.does]));
  const top = { path: [], does: "", next: table.map(({ name }) => name), options: globals };
  return [top, ...all.commands.flatMap((command) => wordsIn(command, { does, globals }))];
}

function wordsIn(
  command: Command,
  given: { readonly does: ReadonlyMap<string, string>; readonly globals: readonly string[] },
): readonly Words[] {
  const own = {
    path: [command.name()],
    does: given.does.get(command.name()) ?? command.description(),
    next: command.commands.map((each) => each.name()),
    options: [...command.options.flatMap(({ long }) => long ?? []), ...given.globals],
  };
  const below = command.commands.flatMap((each) => wordsIn(each, { ...given, does: new Map() }));
  return [own, ...below.map((words) => ({ ...words, path: [command.name(), ...words.path] }))];
}
