import { styleText } from "node:util";
import { Command, CommanderError } from "commander";
import { RotationError } from "../core/errors.ts";
import type { SecretStore } from "../core/ports.ts";
import {
  type Cli,
  CliFailure,
  EndsEarly,
  type ExitCode,
  exitCodes,
  type NamedCommand,
  type Perform,
  type Reach,
  type Terminal,
} from "./command.ts";
import { commandGroups } from "./command-table.ts";
import type { Account } from "./discover/account.ts";
import { whyNoConnection } from "./no-connection.ts";
import manifest from "./package.json" with { type: "json" };
import type { Where } from "./stack-outputs.ts";
import { printed, wrapped } from "./table.ts";
import { oneLine } from "./text.ts";

const exitCodesText = `
Exit codes: 0 done; 1 refused, failed or something is wrong; 2 wrong usage or a mistake in rekey.yml;
3 AWS, the ledger or the admin function did not answer. The deployment is found by its stack's outputs; where they
are set, REKEY_TABLE, REKEY_ADMIN_URL, REKEY_SWEEP_FUNCTION, REKEY_AUDIT_BUCKET and REKEY_AUDIT_KEY_ID win, and with
REKEY_TABLE and no --stage the stack is not asked for. The AWS SDK's own settings, such as AWS_ENDPOINT_URL, count.`;

export interface Invocation {
  readonly terminal: Terminal;
  /** Reaches the deployment that the options name. */
  connect(where: Where): Promise<Reach>;
  store(where: Where): Promise<SecretStore>;
  /** Reads the account that the options name. */
  readonly account?: (where: Where) => Promise<Account>;
}

/** Runs one command line and returns its exit code. */
export async function run(args: readonly string[], invocation: Invocation): Promise<ExitCode> {
  const { terminal } = invocation;
  let code: ExitCode = exitCodes.done;
  const program = new Command("rekey")
    .description("rotates API keys without an outage, and proves it")
    .version(manifest.version, "-V, --version", "print the version")
    .option("--json", "print one JSON object as the last line")
    .option("--stage <stage>", "the deployment: REKEY_STAGE, or production, without it")
    .option("--region <region>", "its AWS Region, in place of AWS_REGION")
    .option("--profile <profile>", "the AWS profile to use, in place of AWS_PROFILE")
    .addHelpText("after", exitCodesText)
    .exitOverride()
    // Commander leaves a description as one long line where it has less than 40 columns: in 60, most have less.
    .configureHelp(terminal.width === undefined ? {} : { minWidthToWrap: 20 })
    .configureOutput({
      getOutHelpWidth: () => terminal.width ?? 80,
      writeOut: (text) => terminal.out(fitted(text.trimEnd(), terminal.width)),
      writeErr: (text) => terminal.err(text.trimEnd()),
      outputError: (text) => showError(terminal, usageFailure(text, commandIn(program, args))),
    });
  const wantsJson = (): boolean => program.opts<{ json?: boolean }>().json === true;
  let reach: Promise<Reach> | undefined;
  const cli: Cli = {
    terminal,
    account: async () => {
      if (invocation.account === undefined) throw new CliFailure("there is no AWS account here");
      return invocation.account(program.opts<Where>());
    },
    reach: () => {
      reach ??= invocation.connect(program.opts<Where>());
      return reach;
    },
    store: () => invocation.store(program.opts<Where>()),
  };
  const perform: Perform = async (work) => {
    const shown = await work(cli).catch((error: unknown) => {
      if (error instanceof EndsEarly) return error.shown;
      throw error;
    });
    if (wantsJson()) terminal.out(JSON.stringify(shown.json));
    else {
      const width = shown.isFile === true ? undefined : terminal.width;
      for (const line of printed(shown.lines, width)) terminal.out(line);
    }
    code = shown.exitCode ?? exitCodes.done;
  };
  try {
    for (const { heading, commands } of commandGroups) {
      program.commandsGroup(heading);
      for (const command of commands) await addCommand(program, { command, args, perform });
    }
    program.commandsGroup("Help:").helpCommand("help [command]", "show the help of a command");
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

interface Adding {
  readonly command: NamedCommand;
  readonly args: readonly string[];
  readonly perform: Perform;
}

/** The command as help lists it; with its arguments and options only where the command line names it. */
async function addCommand(program: Command, { command, args, perform }: Adding): Promise<void> {
  const { name, does, load } = command;
  const named = args.filter((word) => !word.startsWith("-")).slice(0, 2);
  if (!named.includes(name)) {
    program.command(name).description(does);
    return;
  }
  (await load())(program, perform);
  program.commands.find((each) => each.name() === name)?.description(does);
}

/** Help's own paragraphs, which Commander prints as they are; what is indented it has broken itself. */
function fitted(text: string, width: number | undefined): string {
  if (width === undefined) return text;
  return text
    .split("\n")
    .flatMap((line) => (line.startsWith(" ") ? [line] : wrapped(line, width)))
    .join("\n");
}

function showError(terminal: Terminal, { message, hint }: CliFailure): void {
  const paint = (colour: "red" | "cyan", word: string) =>
    terminal.isColoured ? styleText(colour, word, { validateStream: false }) : word;
  const tell = (colour: "red" | "cyan", word: string, text: string) => {
    const indent = " ".repeat(`rekey: ${word}: `.length);
    const width = terminal.width === undefined ? Number.POSITIVE_INFINITY : terminal.width - indent.length;
    const [first = "", ...others] = wrapped(oneLine(text), Math.max(1, width));
    terminal.err(`rekey: ${paint(colour, word)}: ${first}`);
    for (const line of others) terminal.err(`${indent}${line}`);
  };
  tell("red", "error", message);
  if (hint !== undefined) tell("cyan", "hint", hint);
}

function failureJson({ message, hint, facts }: CliFailure): Record<string, unknown> {
  return { ...facts, type: "error", message, ...(hint !== undefined && { hint }) };
}

/** The part of the arguments that names commands, such as "rekey incident note". */
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

/** Turns Commander's "error: unknown option '--x'\n(Did you mean --y?)" into our form. */
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

/** The hint for AWS's error name, which is at the end of our message. */
function refusedHint({ message }: RotationError): string | undefined {
  const name = /^the ledger refused \w+ with (\w+)$/.exec(message)?.[1] ?? "";
  return Object.hasOwn(refusedHints, name) ? refusedHints[name] : undefined;
}

function failureFrom(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error;
  if (error instanceof RotationError) {
    const isPassing = error.retry === "later";
    const line = isPassing ? whyNoConnection(error.message) : undefined;
    return new CliFailure(line === undefined ? error.message : `${line}: ${error.message}`, {
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
  if (error instanceof Error && /^(?:AccessDenied(?:Exception)?|UnauthorizedOperation)$/.test(error.name)) {
    return new CliFailure(`AWS refused a call: ${error.message.slice(0, messageMax)}`, {
      hint: "ask for the right that it names; `aws sts get-caller-identity` shows who you are",
      facts: { error: error.name },
    });
  }
  return unexpected(error);
}

/** A fault of ours, or of a service that answers with what nobody thought of. The trace is for us; most people need the sentence. */
function unexpected(error: unknown): CliFailure {
  if (process.env["REKEY_TRACE"] === "1") throw error;
  const { name, message } = error instanceof Error ? error : { name: "an error", message: String(error) };
  return new CliFailure(`an unexpected error: ${name}: ${message.slice(0, messageMax)}`, {
    hint: "an order may have taken effect: see `rekey status`; with REKEY_TRACE=1 it shows where it broke",
    facts: { error: name },
  });
}

const messageMax = 1_000;
