import { agentHelp, runAgent } from "../agent/command.ts";
import type { Environment } from "../client/credentials.ts";
import { execHelp, runExec } from "../exec/command.ts";
import { failureLines, HostFailure, usage } from "./failure.ts";

const commands: Readonly<
  Record<string, { help: string; run(args: readonly string[], env: Environment): Promise<number> }>
> = {
  agent: { help: agentHelp, run: runAgent },
  exec: { help: execHelp, run: runExec },
};

/** `exec` and `agent`, from the arguments behind the program's name to the exit code. */
export async function runHost([name = "", ...args]: readonly string[], env: Environment): Promise<number> {
  try {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command) throw usage("say what to run: exec or agent", "`rekey exec --help`, `rekey agent --help`");
    const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
    if (own.includes("--help")) {
      console.log(command.help.trimEnd());
      return 0;
    }
    return await command.run(args, env);
  } catch (error) {
    for (const line of failureLines(error)) console.error(line);
    return error instanceof HostFailure ? error.exitCode : 1;
  }
}
