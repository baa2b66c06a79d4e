import { agentManual, runAgent } from "../agent/command.ts";
import type { Environment } from "../client/credentials.ts";
import { execManual, runExec } from "../exec/command.ts";
import { helpFor, type Manual } from "./arguments.ts";
import { failureLines, HostFailure, usage } from "./failure.ts";

/** Where no terminal says how wide it is, and the widest that one reads well. */
const [columnsUsual, columnsMax] = [80, 110];

const commands: Readonly<
  Record<string, { manual: Manual; run(args: readonly string[], env: Environment): Promise<number> }>
> = {
  agent: { manual: agentManual, run: runAgent },
  exec: { manual: execManual, run: runExec },
};

interface Host {
  readonly env: Environment;
  /** The name that it was started with: `rekey-host`, or `rekey` of the whole command line. */
  readonly program: string;
}

/** `exec` and `agent`, from the arguments behind the program's name to the exit code. */
export async function runHost(
  [name = "", ...args]: readonly string[],
  { env, program }: Host,
): Promise<number> {
  try {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command)
      throw usage(
        "say what to run: exec or agent",
        `\`${program} exec --help\`, \`${program} agent --help\``,
      );
    const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
    if (own.includes("--help")) {
      const columns = Math.min(process.stdout.columns ?? columnsUsual, columnsMax);
      console.log(helpFor(command.manual, { program, columns }));
      return 0;
    }
    return await command.run(args, env);
  } catch (error) {
    for (const line of failureLines(error, process.stderr.columns)) console.error(line);
    return error instanceof HostFailure ? error.exitCode : 1;
  }
}
