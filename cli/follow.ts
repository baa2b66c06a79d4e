import type { AdoptionReason } from "../core/adoption/adoption.ts";
import { roughDuration } from "../core/duration.ts";
import type { RotationId, SecretArn } from "../core/ports.ts";
import { phaseText } from "../core/rotation/progress-text.ts";
import type { SecretRecord } from "../core/rotation/secret-record.ts";
import type { RotationRecord } from "../ledger/entries.ts";
import { type Cli, CliFailure, exitCodes, type Reach, type Shown } from "./command.ts";
import { oneLine } from "./text.ts";

const pollMs = 1_000;
/** A run may wait for its consumers for weeks. This command stops after one. */
const pollsMax = (7 * 24 * 60 * 60 * 1_000) / pollMs;
/** How long a started execution may take until its run opens. */
const openWaitPolls = 60;

interface Followed {
  readonly secretArn: SecretArn;
  readonly rotationId: RotationId;
}

/** Prints what a run does, line by line, until it is over. */
export async function follow(cli: Cli, followed: Followed): Promise<Shown> {
  const reach = await cli.reach();
  let told = "";
  for (let poll = 0; poll < pollsMax; poll += 1) {
    const rotation = await reach.ledger.rotation(followed.secretArn, followed.rotationId);
    if (rotation === undefined && poll >= openWaitPolls) throw neverOpened(followed);
    if (rotation !== undefined && rotation.outcome !== "running") return ending(rotation);
    if (rotation !== undefined) {
      const line = progress(await reach.ledger.secret(followed.secretArn), rotation);
      if (line !== told) cli.terminal.err(`${clockTime(reach)} ${oneLine(line)}`);
      told = line;
    }
    await reach.pause(pollMs);
  }
  throw new CliFailure(`${followed.rotationId} is still running`, {
    hint: `go on with \`rekey watch ${followed.rotationId}\``,
    exitCode: exitCodes.unreachable,
  });
}

function neverOpened({ rotationId }: Followed): CliFailure {
  return new CliFailure(`${rotationId} has not opened`, {
    hint: "look at its execution in Step Functions",
    exitCode: exitCodes.unreachable,
  });
}

function clockTime({ nowMs }: Reach): string {
  return new Date(nowMs()).toISOString().slice(11, 19);
}

function progress(record: SecretRecord, { gate, rotationId }: RotationRecord): string {
  const { run, wait } = record;
  if (run === undefined || run.rotationId !== rotationId) return "waiting for its turn";
  if (wait?.decision === "supply") return "waiting for a person to supply the incoming key: rekey supply";
  const text = phaseText(record);
  if (run.phase !== "promoted" || gate === undefined || gate.verdict === "adopted") return text;
  const reasons = [...gate.blockers, ...gate.reasons.map(reasonText)];
  return reasons.length === 0 ? text : `${text}: ${reasons.join("; ")}`;
}

/** Who is behind, and which source says so. Ages are left out, so that a new line is printed only for news. */
export function reasonText({ consumer, instance, detail, source }: AdoptionReason): string {
  const who = [consumer, instance && `instance ${instance}`].filter(Boolean).join(" ");
  return who === "" ? detail : `${who} ${detail} (${source})`;
}

function ending(rotation: RotationRecord): Shown {
  const { rotationId, outcome, reason, openedAtMs, closedAtMs, death } = rotation;
  const took = closedAtMs === undefined ? "" : ` after ${roughDuration(closedAtMs - openedAtMs)}`;
  const proof = death === undefined ? [] : [`the retiring key ${death.keyId} was ${howDead(death)}`];
  return {
    json: { type: "rotation", ...withoutPolicy(rotation) },
    lines: [
      `${rotationId}: ${outcomeText(rotation)}${took}${reason === undefined ? "" : `: ${reason}`}`,
      ...proof,
    ],
    ...(outcome !== "rotated" && { exitCode: exitCodes.refused }),
  };
}

function howDead({ how, probes }: NonNullable<RotationRecord["death"]>): string {
  return how === "refused" ? `refused ${probes} times` : "gone from the provider's listing";
}

/** A run that found an older one's work still owed makes no key: it only finishes that work. */
function outcomeText({ outcome, opened }: RotationRecord): string {
  const isOnlyDebt = opened.next === "CheckAdoption" || opened.next === "ProveDead";
  if (outcome !== "rotated" || !isOnlyDebt) return outcomeTexts[outcome];
  return "no new key: finished what an earlier rotation still owed";
}

const outcomeTexts: Readonly<Record<RotationRecord["outcome"], string>> = {
  running: "still running",
  rotated: "rotated",
  rolledBack: "rolled back: the key did not change",
  skipped: "skipped",
  superseded: "superseded by another run",
  contained: "contained",
  needsHuman: "needs a person",
};

function withoutPolicy({ policy: _policy, ...rotation }: RotationRecord): Omit<RotationRecord, "policy"> {
  return rotation;
}
