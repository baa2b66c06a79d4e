import { styleText } from "node:util";
import { Command, CommanderError } from "commander";
import { RotationError } from "../core/errors.ts";
import {
  type Cli,
  CliFailure,
  type ExitCode,
  exitCodes,
  type Reach,
  type Register,
  type Terminal,
} from "./command.ts";
import { apply } from "./commands/apply.ts";
import { attest } from "./commands/attest.ts";
import { audit } from "./commands/audit.ts";
import { compromise } from "./commands/compromise.ts";
import { consumers } from "./commands/consumers.ts";
import { doctor } from "./commands/doctor.ts";
import { drill } from "./commands/drill.ts";
import { hold } from "./commands/hold.ts";
import { incident } from "./commands/incident.ts";
import { release } from "./commands/release.ts";
import { report } from "./commands/report.ts";
import { resume } from "./commands/resume.ts";
import { rotate } from "./commands/rotate.ts";
import { status } from "./commands/status.ts";
import { stop } from "./commands/stop.ts";
import { supply } from "./commands/supply.ts";
import { sweep } from "./commands/sweep.ts";
import { watch } from "./commands/watch.ts";
import { oneLine } from "./text.ts";

/** Every command, in the order that help shows them. */
const commands: readonly Register[] = [
  apply,
  status,
  rotate,
  watch,
  consumers,
  attest,
  supply,
  hold,
  release,
  stop,
  resume,
  compromise,
  report,
  incident,
  drill,
  sweep,
  audit,
  doctor,
];

const exitCodesText = `
Exit codes: 0 done; 1 refused, failed or something is wrong; 2 wrong usage or a mistake in rekey.yml;
3 AWS, the ledger or the admin function did not answer. Settings: REKEY_TABLE (rekey), REKEY_ADMIN_URL,
REKEY_SWEEP_FUNCTION, REKEY_AUDIT_BUCKET and REKEY_AUDIT_KEY_ID, and what the AWS SDK reads, such as AWS_REGION,
AWS_PROFILE and AWS_ENDPOINT_URL.`;

export interface Invocation {
  readonly terminal: Terminal;
  connect(): Promise<Reach>;
}

/** Runs one command line and answers with the exit code. */
export async function run(args: readonly string[], invocation: Invocation): Promise<ExitCode> {
  const { terminal } = invocation;
  let code: ExitCode = exitCodes.done;
  const program = new Command("rekey")
    .description("rotates API keys without an outage, and proves it")
    .option("--json", "print one JSON object as the last line")
    .addHelpText("after", exitCodesText)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
      outputError: (text) => showError(terminal, usageFailure(text, commandIn(program, args))),
    });
  const wantsJson = (): boolean => program.opts<{ json?: boolean }>().json === true;
  let reach: Promise<Reach> | undefined;
  const cli: Cli = {
    terminal,
    reach: () => {
      reach ??= invocation.connect();
      return reach;
    },
  };
  for (const register of commands) {
    register(program, async (work) => {
      const shown = await work(cli);
      if (wantsJson()) terminal.out(JSON.stringify(shown.json));
      else for (const line of shown.lines) terminal.out(oneLine(line));
      code = shown.exitCode ?? exitCodes.done;
    });
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    const failure = failureFrom(error);
    showError(terminal, failure);
    if (wantsJson()) terminal.out(JSON.stringify(failureJson(failure)));
    return failure.exitCode;
  }
}

function showError(terminal: Terminal, { message, hint }: CliFailure): void {
  const paint = (colour: "red" | "cyan", word: string) =>
    terminal.isColoured ? styleText(colour, word, { validateStream: false }) : word;
  terminal.err(`rekey: ${paint("red", "error")}: ${oneLine(message)}`);
  if (hint !== undefined) terminal.err(`rekey: ${paint("cyan", "hint")}: ${oneLine(hint)}`);
}

function failureJson({ message, hint, facts }: CliFailure): Record<string, unknown> {
  return { ...facts, type: "error", message, ...(hint !== undefined && { hint }) };
}

/** How far the arguments name commands: "rekey incident note". */
function commandIn(program: Command, args: readonly string[]): string {
  let command = program;
  let named = program.name();
  for (const word of args.filter((each) => !each.startsWith("-"))) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
    named += ` ${word}`;
  }
  return named;
}

/** Commander's "error: unknown option '--x'\n(Did you mean --y?)" in our form. */
function usageFailure(text: string, command: string): CliFailure {
  const [first = "", second = ""] = text.trim().split("\n");
  const message = first.replace(/^error: /, "").replace(/\.$/, "");
  const meant = /^\(?Did you mean (?:one of )?(.+?)\?\)?$/.exec(second)?.[1];
  return new CliFailure(message, {
    hint: meant === undefined ? `see \`${command} --help\`` : `did you mean ${meant}?`,
  });
}

const awsHints: Readonly<Record<string, string>> = {
  CredentialsProviderError: "sign in to AWS, for example with `aws sso login`",
  TokenProviderError: "sign in to AWS again with `aws sso login`",
};

const refusedHints: Readonly<Record<string, string>> = {
  ResourceNotFoundException: "there is no such table: check REKEY_TABLE, AWS_REGION and AWS_PROFILE",
  AccessDeniedException:
    "ask for this call on the ledger's table; `aws sts get-caller-identity` shows who you are",
  UnrecognizedClientException: "these are no credentials of this account: sign in to AWS again",
};

/** AWS says no by a name, which stands at the end of our message. */
function refusedHint({ message }: RotationError): string | undefined {
  const name = /^the ledger refused \w+ with (\w+)$/.exec(message)?.[1] ?? "";
  return Object.hasOwn(refusedHints, name) ? refusedHints[name] : undefined;
}

function failureFrom(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error;
  if (error instanceof RotationError) {
    const isPassing = error.retry === "later";
    return new CliFailure(error.message, {
      exitCode: isPassing ? exitCodes.unreachable : exitCodes.refused,
      hint: isPassing
        ? "check AWS_REGION, AWS_PROFILE and AWS_ENDPOINT_URL, then try again"
        : refusedHint(error),
      facts: { error: error.name },
    });
  }
  if (error instanceof Error && Object.hasOwn(awsHints, error.name)) {
    return new CliFailure(error.message.replace(/\.$/, ""), {
      exitCode: exitCodes.unreachable,
      hint: awsHints[error.name],
    });
  }
  throw error;
}
