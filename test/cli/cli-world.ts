import { createHash } from "node:crypto";
import type { CheckpointVerifier } from "../../audit/checkpoint.ts";
import type { RunCount } from "../../aws/run-costs.ts";
import type { CertificateReader, Reach } from "../../cli/command.ts";
import type { Account } from "../../cli/discover/account.ts";
import { run } from "../../cli/program.ts";
import type { Tags } from "../../cli/read-tags.ts";
import type { Grants } from "../../cli/wide-grants.ts";
import type { Looked } from "../../functions/adapters/scope/trail.ts";
import { sweep } from "../../functions/upkeep/sweep.ts";
import { type AdminWorld, adminWorld, fileWith, NOON_MS } from "../contract/admin-world.ts";

export interface Transcript {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The last line of stdout, for --json. */
  json(): Record<string, unknown>;
}

export interface CliOptions {
  readonly files?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** What commands write, by path. */
  readonly written?: Map<string, string>;
  /** Without it the commands reach no admin function. */
  readonly admin?: boolean;
  /** Without it the log is verified alone. */
  readonly checkpoints?: CheckpointVerifier;
  /** Without it there is no bucket with certificates. */
  readonly certificates?: CertificateReader;
  /** Without it nobody may read who may call the admin function. */
  readonly grants?: Grants;
  /** What the account says of its tags; without it nobody may ask. */
  readonly tags?: Tags;
  /** The template of the deployed stack. */
  readonly template?: object;
  /** What each execution did, by its ARN; all others have no history any more. */
  readonly histories?: ReadonlyMap<string, RunCount>;
  /** What CloudTrail answers; without it, nothing can be asked. */
  readonly reads?: Looked;
  /** What `rekey discover` reads. */
  readonly account?: Account;
  readonly isColoured?: boolean;
  readonly width?: number;
  /** A terminal that can be drawn over: gets each screen. */
  readonly redraw?: (lines: readonly string[]) => void;
  /** Called at each pause, with the number of pauses so far: what happens meanwhile. */
  readonly meanwhile?: (pauses: number) => Promise<void>;
}

/** Runs one command line against the admin function and the ledger in memory. */
export async function rekey(
  world: AdminWorld,
  line: string | readonly string[],
  options: CliOptions = {},
): Promise<Transcript> {
  const out: string[] = [];
  const err: string[] = [];
  let pauses = 0;
  let ids = 0;
  const { checkpoints, certificates, grants, tags, template, histories, reads } = options;
  const reach: Reach = {
    ledger: world.ledger,
    audit: world.audit,
    checkpoints: checkpoints && (async () => checkpoints),
    certificates: certificates && (async () => certificates),
    store: async () => world.store,
    grants: grants && (async () => grants),
    tags: tags && (async () => tags),
    ...(template && { template: async () => JSON.stringify(template) }),
    reads: reads && (async () => reads),
    countRun: async (arn) => histories?.get(arn),
    digest: { sha256Hex: (text) => createHash("sha256").update(text).digest("hex") },
    admin: options.admin === false ? undefined : async (command) => (await world.send(command)).answer,
    sweep: async (dryRun) => sweep.run({ dryRun }, world.depsOf("sweep")),
    nowMs: () => NOON_MS,
    pause: async () => {
      pauses += 1;
      await options.meanwhile?.(pauses);
    },
    newId: () => {
      ids += 1;
      return `id${ids}`;
    },
  };
  const code = await run(typeof line === "string" ? line.split(" ") : line, {
    terminal: {
      isColoured: options.isColoured ?? false,
      width: options.width,
      out: (text) => out.push(text),
      err: (text) => err.push(text),
      redraw: options.redraw,
      readHidden: async () => options.stdin ?? "",
      readFile: async (path) => {
        const text = options.files?.[path];
        if (text === undefined) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
        return text;
      },
      nowMs: () => NOON_MS,
      ...(options.written && { writeNew: async (path, text) => void options.written?.set(path, text) }),
      policyFilesIn: async (path) => {
        const names = Object.keys(options.files ?? {});
        if (names.includes(path) || !path.endsWith("/")) return undefined;
        return names.filter((name) => name.startsWith(path)).sort();
      },
    },
    connect: async () => reach,
    store: reach.store,
    ...(options.account && { account: async () => options.account as Account }),
  });
  return { code, out: out.join("\n"), err: err.join("\n"), json: () => JSON.parse(out.at(-1) ?? "") };
}

/** A world in which these secrets are applied. */
export async function appliedWorld(
  secrets: Readonly<Record<string, string>> = { "billing-key": "" },
  mints = true,
) {
  const world = adminWorld();
  const keys = Object.fromEntries(Object.keys(secrets).map((name) => [name, world.secret(name)]));
  const file = fileWith({ secrets, mints });
  const applied = await rekey(world, "apply", { files: { "rekey.yml": file } });
  expect(applied.err).toBe("");
  expect(applied.code).toBe(0);
  return { world, keys, file };
}
