import type { Command } from "commander";
import type { AuditLog } from "../audit/chain.ts";
import type { CheckpointVerifier } from "../audit/checkpoint.ts";
import type { Envelope } from "../audit/dsse.ts";
import type { RunCount } from "../aws/run-costs.ts";
import type { Digest, SecretStore } from "../core/ports.ts";
import type { Looked, Lookup } from "../functions/adapters/scope/trail.ts";
import type { Answer } from "../functions/admin/command.ts";
import type { KitAnswer } from "../functions/sealed-kit/entries.ts";
import type { Swept } from "../functions/upkeep/swept.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Account } from "./discover/account.ts";
import type { Tags } from "./read-tags.ts";
import type { Line } from "./table.ts";
import type { Grants } from "./wide-grants.ts";

/** 0 done; 1 refused, failed or a problem found; 2 wrong usage or a mistake in rekey.yml; 3 no answer. */
export const exitCodes = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/**
 * Everything that commands call. Reads go straight to the ledger with the caller's own permissions, so they
 * work while everything else is down. Changes go through the admin function, as the caller's principal.
 */
export interface Reach {
  readonly ledger: Ledger;
  readonly audit: Pick<AuditLog, "verify" | "entries">;
  /** The log together with its signed checkpoints; undefined if no bucket and key are configured. */
  readonly checkpoints: (() => Promise<CheckpointVerifier>) | undefined;
  /** Filed certificates, and the DER of the key that signs them; undefined like `checkpoints`. */
  readonly certificates: (() => Promise<CertificateReader>) | undefined;
  /** The secrets that rotate, as the caller may write them. */
  store(): Promise<SecretStore>;
  readonly digest: Digest;
  /** Runs the sweep that normally runs on a schedule, with the caller's own permission to invoke it. */
  sweep(dryRun: boolean): Promise<Swept>;
  /** Makes a sealed kit now; absent where the function's name is not known. */
  readonly exportKit?: (() => Promise<KitAnswer>) | undefined;
  /** Who may call the admin function; absent if its ARN is not known. */
  readonly grants?: (() => Promise<Grants>) | undefined;
  /** The tags that these resources have. */
  readonly tags?: ((arns: readonly string[]) => Promise<Tags>) | undefined;
  /** The template that the deployment's stack was made of; absent where no stack is known. */
  readonly template?: (() => Promise<string>) | undefined;
  /** CloudTrail's records of reads, with the caller's own permission; absent where nothing can be asked. */
  readonly reads?: ((lookup: Lookup) => Promise<Looked>) | undefined;
  /** What one execution did; undefined where its history is gone. */
  readonly countRun?: ((executionArn: string) => Promise<RunCount | undefined>) | undefined;
  /** Undefined if no address is configured. */
  readonly admin: ((command: Readonly<Record<string, unknown>>) => Promise<Answer>) | undefined;
  nowMs(): number;
  pause(ms: number): Promise<void>;
  newId(): string;
}

export interface CertificateReader {
  read(path: string): Promise<string | undefined>;
  publicKey(): Promise<Uint8Array>;
}

export interface Terminal {
  /** Whether errors may be shown in colour. */
  readonly isColoured: boolean;
  /** Characters in a line of the result; undefined where nothing has to fit, such as a pipe. */
  readonly width?: number | undefined;
  /** One line of the result. */
  out(line: string): void;
  /** Progress, errors and hints. */
  err(line: string): void;
  /** Shows these lines in the place of those that it showed before; undefined where nothing can be drawn over. */
  readonly redraw?: ((lines: readonly string[]) => void) | undefined;
  /** A secret from a pipe, or from a prompt that shows nothing. */
  readHidden(prompt: string): Promise<string>;
  readFile(path: string): Promise<string>;
  /** A new file that only the caller may read, with its folders; fails if it exists. Undefined where there are no files. */
  readonly writeNew?: (path: string, text: string) => Promise<void>;
  /** Adds whole lines to a file that only the caller may read; each is on the disk before the call returns. */
  readonly appendTo?: (path: string) => (line: string) => void;
  nowMs(): number;
  /** Every YAML file in a folder and its folders, in order; undefined if the path is no folder. */
  policyFilesIn(path: string): Promise<readonly string[] | undefined>;
}

/** What a command has while it runs. */
export interface Cli {
  readonly terminal: Terminal;
  reach(): Promise<Reach>;
  /** The secrets, with the caller's own permissions; needs no deployment. */
  store(): Promise<SecretStore>;
  /** The caller's AWS account, whether or not there is a deployment in it. */
  account(): Promise<Account>;
}

/** What a command says in the end: lines and tables, or with --json one object. */
export interface Shown {
  /** Has a `type`, but for a certificate, which is printed byte for byte as it was signed. */
  readonly json: Readonly<Record<string, unknown>> & ({ readonly type: string } | Envelope);
  readonly lines: readonly Line[];
  /** The lines are a file's, which somebody copies from the screen: none is broken. */
  readonly isFile?: boolean;
  readonly exitCode?: ExitCode;
}

export type Perform = (work: (cli: Cli) => Promise<Shown>) => Promise<void>;
/** Declares one command: its arguments, its options, and what it does. */
export type Register = (program: Command, perform: Perform) => void;

/** One command by its name. Its file is loaded only when somebody calls it, so that help needs no client of AWS. */
export interface NamedCommand {
  readonly name: string;
  readonly does: string;
  load(): Promise<Register>;
}

interface FailureOptions {
  readonly hint?: string | undefined;
  readonly exitCode?: ExitCode;
  /** Added to the object that --json prints. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** What a command says where it ends before its own answer: an order that waits for a second person. */
export class EndsEarly extends Error {
  override readonly name = "EndsEarly";
  readonly shown: Shown;

  constructor(shown: Shown) {
    super("the order waits");
    this.shown = shown;
  }
}

/** Why a command failed: lower case, no full stop, and a hint at the next step. */
export class CliFailure extends Error {
  override readonly name = "CliFailure";
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(message: string, { hint, exitCode = exitCodes.refused, facts = {} }: FailureOptions = {}) {
    super(message);
    this.hint = hint;
    this.exitCode = exitCode;
    this.facts = facts;
  }
}
