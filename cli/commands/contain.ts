import { createHash } from "node:crypto";
import { InputInvalid } from "../../core/errors.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import type { Clock, Digest } from "../../core/ports.ts";
import { controlsText } from "../../core/rotation/death.ts";
import { Secret } from "../../core/secret.ts";
import { utcText } from "../../core/utc.ts";
import type { AlertIdentity } from "../../events/alert.ts";
import { fingerprintsInPaste } from "../../events/fingerprint.ts";
import type { KitContents } from "../../functions/sealed-kit/contents.ts";
import type { LogStart, OfflineLog } from "../../functions/sealed-kit/offline-log.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";

interface Options {
  readonly offline?: boolean;
  readonly kit: string;
  readonly identity: readonly string[];
  readonly keyId?: string;
  readonly keyStdin?: boolean;
  readonly log: string;
  readonly reason: string;
  readonly dryRun?: boolean;
}

const digest: Digest = { sha256Hex: (text) => createHash("sha256").update(text).digest("hex") };
const collect = (value: string, before: readonly string[] = []) => [...before, value];

export const contain: Register = (program, perform) => {
  program
    .command("contain")
    .argument("[secret]", "whose current key leaked: name in rekey.yml, or ARN")
    .option("--offline", "without the deployment: needs a kit and a person of each of its two groups")
    .requiredOption("--kit <file>", "the sealed kit")
    .requiredOption(
      "--identity <file>",
      "the age identity of one person; name two, one of each group",
      collect,
    )
    .option("--key-id <id>", "which key of the secret, by its id at the provider")
    .option(
      "--key-stdin",
      "the leaked key itself, from a pipe or a hidden prompt: it is tried until it is dead",
    )
    .requiredOption("--log <file>", "where everything is written; a file that is there is gone on with")
    .requiredOption("--reason <text>", "why, for the record")
    .option("--dry-run", "open the kit, say which key is meant, and do nothing")
    .action((secret: string | undefined, options: Options) =>
      perform((cli) => containOne(cli, { secret, options })),
    );
};

async function containOne(
  cli: Cli,
  { secret, options }: { readonly secret: string | undefined; readonly options: Options },
): Promise<Shown> {
  if (options.offline !== true)
    throw new CliFailure("this works with a sealed kit alone: say --offline", {
      hint: "while the deployment answers, use `rekey compromise`: it also replaces the key",
      exitCode: exitCodes.usage,
    });
  const { kit, openedBy } = await opened(cli, options);
  const { terminal } = cli;
  const ageMinutes = Math.round((terminal.nowMs() - kit.exportedAtMs) / 60_000);
  terminal.err(
    `rekey: the kit of ${kit.environment} was made ${utcText(kit.exportedAtMs)}, ${ageMinutes} min ago: what changed since is not in it`,
  );
  const { identity, leaked, what } = await keyMeant(cli, { kit, secret, options });
  if (options.dryRun) {
    const json = { type: "contain", outcome: "dryRun", kitId: kit.kitId, what } as const;
    return {
      json,
      lines: [`${what} would be ended at its provider`, "nothing was done; leave --dry-run away to go on"],
    };
  }
  const begun: LogStart = {
    ...({ type: "kit", kitId: kit.kitId, environment: kit.environment } as const),
    ...{ exportedAtMs: kit.exportedAtMs, openedBy: [...openedBy] },
  };
  const { write, earlier } = await logFor(cli, { path: options.log, begun });
  const [{ containOffline }, { offlineDeps }, { logLines }, { providerFor }] = await Promise.all([
    import("../../functions/sealed-kit/contain-offline.ts"),
    import("../../functions/sealed-kit/offline-deps.ts"),
    import("../../functions/sealed-kit/offline-log.ts"),
    import("../../functions/wiring/base.ts"),
  ]);
  const clock: Clock = {
    nowMs: terminal.nowMs,
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
  const { providerHosts, allowLoopback } = kit;
  const deps = await offlineDeps({
    ...{ kit, clock, digest, leaked, log: logLines(kit, { write, earlier: earlier.records }) },
    provider: (base) => providerFor({ ...base, providerHosts, allowLoopback }),
  });
  const said = new Set<string>();
  const contained = await containOffline(
    {
      ...{
        identity,
        reason: options.reason,
        by: `offline/${openedBy.join("+")}`,
        exportedAtMs: kit.exportedAtMs,
      },
      onLap: (record) => {
        for (const { atMs, detail, what: happened } of record.timeline.filter(isProgress))
          tellOnce(`${utcText(atMs)} ${happened}: ${detail}`, { said, terminal });
      },
    },
    deps,
  );
  if (contained.outcome === "refused")
    throw new CliFailure(contained.detail, { hint: "nothing was changed at the provider" });
  return shown(contained.incident, { why: contained.why, log: options.log });
}

function isProgress({ what }: IncidentRecord["timeline"][number]): boolean {
  return what !== "reported" && what !== "alertAppended";
}

function tellOnce(
  line: string,
  { said, terminal }: { readonly said: Set<string>; readonly terminal: Cli["terminal"] },
): void {
  if (said.has(line)) return;
  said.add(line);
  terminal.err(`rekey: ${line}`);
}

async function opened(cli: Cli, { kit: path, identity: files }: Options) {
  const { openSealed, recipientsOf } = await import("../../functions/sealed-kit/seal.ts");
  const { unpackKit } = await import("../../functions/sealed-kit/contents.ts");
  const sealed = await cli.terminal.readFile(path);
  const identities: string[] = [];
  for (const file of files) {
    const found = (await cli.terminal.readFile(file)).match(/^AGE-SECRET-KEY-1[0-9A-Z]+$/gm) ?? [];
    if (found.length === 0)
      throw new CliFailure(`${file} has no age identity in it`, {
        hint: "it is a line that begins with AGE-SECRET-KEY-1, as age-keygen and `rekey kit identity` write it",
        exitCode: exitCodes.usage,
      });
    identities.push(...found);
  }
  try {
    const kit = unpackKit(await openSealed(sealed, identities));
    return { kit, openedBy: await recipientsOf(identities) };
  } catch (error) {
    if (!(error instanceof InputInvalid)) throw error;
    throw new CliFailure(error.message, { exitCode: exitCodes.usage });
  }
}

interface Meant {
  readonly identity: AlertIdentity;
  readonly leaked?: Secret;
  readonly what: string;
}

interface Asked {
  readonly kit: KitContents;
  readonly secret: string | undefined;
  readonly options: Options;
}

async function keyMeant(cli: Cli, { kit, secret, options: { keyId, keyStdin } }: Asked): Promise<Meant> {
  if (keyStdin) {
    const text = (await cli.terminal.readHidden("the leaked key (not shown): ")).trim();
    const values = fingerprintsInPaste(text);
    if (values.length > 0)
      return {
        identity: { kind: "fingerprint", values },
        leaked: new Secret(text),
        what: "the key that you gave",
      };
    throw new CliFailure("that is too short for a key", { exitCode: exitCodes.usage });
  }
  const policy = kit.policies.find(({ name, secretArn }) => name === secret || secretArn === secret);
  if (policy === undefined) {
    const names = kit.policies.map(({ name }) => name).join(", ");
    const message =
      secret === undefined ? "say which key: a secret, or --key-stdin" : `the kit knows no secret ${secret}`;
    throw new CliFailure(message, { hint: `it has ${names.slice(0, 500)}`, exitCode: exitCodes.usage });
  }
  const { keys = [] } = kit.secrets.find(({ secretArn }) => secretArn === policy.secretArn) ?? {};
  const key = keys.find((each) => (keyId === undefined ? each.state === "current" : each.keyId === keyId));
  if (key?.keyId === undefined)
    throw new CliFailure(`the kit knows no such key of ${policy.name}`, {
      hint: `it has ${keys.map((each) => `${each.keyId} (${each.state})`).join(", ")}`,
    });
  const { kind: provider, account } = policy.provider;
  const what = `key ${key.keyId} of ${policy.name} (${account})`;
  return { identity: { kind: "keyId", provider, keyId: key.keyId }, what };
}

/** Begins the log, or goes on with one of the same kit. */
async function logFor(
  { terminal }: Cli,
  { path, begun }: { readonly path: string; readonly begun: LogStart },
): Promise<{ readonly write: (line: string) => void; readonly earlier: Pick<OfflineLog, "records"> }> {
  const { readLog } = await import("../../functions/sealed-kit/offline-log.ts");
  if (terminal.appendTo === undefined) throw new CliFailure("no file can be written here");
  const before = await terminal.readFile(path).catch(() => "");
  if (before === "") {
    const write = terminal.appendTo(path);
    write(JSON.stringify(begun));
    return { write, earlier: { records: [] } };
  }
  const read = readLog(before);
  const mistake =
    "mistake" in read
      ? read.mistake
      : read.start.kitId === begun.kitId
        ? undefined
        : "it is a log of another kit";
  if ("mistake" in read || mistake !== undefined)
    throw new CliFailure(`${path} cannot be gone on with: ${mistake}`, {
      hint: "name a new file",
      exitCode: exitCodes.usage,
    });
  const write = terminal.appendTo(path);
  if (!before.endsWith("\n")) write("");
  return { write, earlier: read };
}

function shown(
  incident: IncidentRecord,
  { why, log }: { readonly why: string | undefined; readonly log: string },
): Shown {
  const lines = incident.keys.map(({ keyId, state, how, controls, acceptedAtMs, deadAtMs }) => {
    if (state !== "dead")
      return `key ${keyId} is not dead yet (${state})${why === undefined ? "" : `: ${why}`}`;
    const times = `revoked ${utcText(acceptedAtMs ?? deadAtMs ?? 0)}, seen dead ${utcText(deadAtMs ?? 0)}`;
    return `key ${keyId} is dead: ${times} (${how}${controls === undefined ? "" : `; ${controlsText(controls)}`})`;
  });
  const isDead = incident.keys.every(({ state }) => state === "dead");
  const next = isDead
    ? [
        "programs that still use it fail until they are given another key by hand",
        `when the deployment answers again: rekey kit reconcile ${log}`,
      ]
    : [`run the same command again with --log ${log}: it goes on`];
  return {
    json: {
      type: "contain",
      outcome: isDead ? "contained" : "notContained",
      incidentId: incident.incidentId,
      log,
      keys: incident.keys,
    },
    lines: [...lines, ...next],
    ...(!isDead && { exitCode: exitCodes.refused }),
  };
}
