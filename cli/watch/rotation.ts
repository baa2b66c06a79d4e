import { roughDuration } from "../../core/duration.ts";
import type { RotationId, SecretArn } from "../../core/ports.ts";
import { phaseText } from "../../core/rotation/progress-text.ts";
import { promotedRun, type SecretRecord } from "../../core/rotation/secret-record.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import { CliFailure, exitCodes, type Reach, type Shown } from "../command.ts";
import { consumerView } from "../consumer-view.ts";
import { reasonText } from "../reason-text.ts";
import { type Line, table } from "../table.ts";
import { until } from "../text.ts";
import type { Look, Watched } from "./board.ts";

const everyMs = 1_000;
/** How long a started execution may take until its run opens. */
const openMaxMs = 60_000;

interface Which {
  readonly secretArn: SecretArn;
  readonly rotationId: RotationId;
}

/** One rotation, until it is over. */
export function rotationBoard(which: Which): Watched {
  let unopenedMs = 0;
  return {
    everyMs,
    again: `rekey watch ${which.rotationId}`,
    look: async (reach, seenAs) => {
      const rotation = await reach.ledger.rotation(which.secretArn, which.rotationId);
      if (rotation !== undefined) return lookAt(rotation, { ...reach, ...seenAs });
      unopenedMs += everyMs;
      if (unopenedMs > openMaxMs) throw neverOpened(which);
      return { board: [`${which.rotationId}  has not opened yet`], news: undefined };
    },
  };
}

async function lookAt(
  rotation: RotationRecord,
  { ledger, nowMs, isDrawn }: Pick<Reach, "ledger" | "nowMs"> & { readonly isDrawn: boolean },
): Promise<Look> {
  if (rotation.outcome !== "running") return { board: [], news: undefined, end: ending(rotation) };
  const { secretArn, policy } = rotation;
  const record = await ledger.secret(secretArn);
  const news = progress(record, rotation);
  if (!isDrawn) return { board: [], news };
  const evidence = await ledger.evidence(secretArn);
  const { lines } = consumerView({ policy, record, rotation, evidence, nowMs: nowMs() });
  return { board: [...headOf({ rotation, record, nowMs: nowMs() }), ...lines], news };
}

interface Seen {
  readonly rotation: RotationRecord;
  readonly record: SecretRecord;
  readonly nowMs: number;
}

function headOf({ rotation, record, nowMs }: Seen): readonly Line[] {
  const { rotationId, policy, trigger, openedAtMs, retiringKeyId, incomingKeyId } = rotation;
  const run = record.run?.rotationId === rotationId ? record.run : undefined;
  const promoted = promotedRun(run);
  const rows = [
    ["doing", run === undefined ? "waiting for its turn" : phaseText(record)],
    ["started", `${roughDuration(nowMs - openedAtMs)} ago by ${trigger}`],
    ...(retiringKeyId === undefined ? [] : [["retiring key", retiringKeyId]]),
    ...(incomingKeyId === undefined ? [] : [["incoming key", incomingKeyId]]),
    ...(promoted === undefined ? [] : [["consumers overdue", until(promoted.deadlineAtMs, nowMs)]]),
  ];
  return [`${policy.name}  ${rotationId}`, table(rows)];
}

function neverOpened({ rotationId }: Which): CliFailure {
  return new CliFailure(`${rotationId} has not opened`, {
    hint: "look at its execution in Step Functions",
    exitCode: exitCodes.unreachable,
  });
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
    ...(outcome !== "rotated" && outcome !== "retained" && { exitCode: exitCodes.refused }),
  };
}

function howDead({ how, probes }: NonNullable<RotationRecord["death"]>): string {
  return how === "refused" ? `refused ${probes} times` : "gone from the provider's listing";
}

/** A run that finds work still owed by an earlier run makes no key: it only finishes that work. */
function outcomeText({ outcome, opened }: RotationRecord): string {
  const isOnlyDebt = opened.next === "CheckAdoption" || opened.next === "ProveDead";
  if (outcome !== "rotated" || !isOnlyDebt) return outcomeTexts[outcome];
  return "no new key: finished what an earlier rotation still owed";
}

const outcomeTexts: Readonly<Record<RotationRecord["outcome"], string>> = {
  running: "still running",
  rotated: "rotated",
  retained: "the incoming key is in use; the retiring key is kept, as the policy says",
  rolledBack: "rolled back: the key did not change",
  skipped: "skipped",
  superseded: "superseded by another run",
  contained: "contained",
  needsHuman: "needs a person",
};

function withoutPolicy({ policy: _policy, ...rotation }: RotationRecord): Omit<RotationRecord, "policy"> {
  return rotation;
}
