import type { AdoptionReason } from "../adoption/adoption.ts";
import { sayDuration } from "../adoption/reason-text.ts";
import { promotedRun, type Run, type SecretRecord } from "./secret-record.ts";

const phaseTexts: Readonly<Record<Run["phase"], string>> = {
  opened: "making the incoming key",
  staged: "proving that the incoming key works",
  proven: "promoting the incoming key",
  promoting: "promoting the incoming key",
  promoted: "waiting for the consumers",
  quarantined: "the retiring key is disabled, and can still be restored",
  revoking: "revoking the retiring key",
  revoked: "watching the retiring key until it is dead",
  dead: "the retiring key is dead",
};

/** The part of the gate's last answer that says what is in the way. */
export interface GateReasons {
  readonly verdict: "adopted" | "waiting" | "overdue" | "retained";
  readonly reasons: readonly (Pick<AdoptionReason, "consumer" | "instance" | "source"> &
    Partial<Pick<AdoptionReason, "reason" | "detail">>)[];
  readonly blockers: readonly string[];
}

export interface ProgressView {
  /** The secret's name in `rekey.yml`, for the commands that a person may run. */
  readonly name: string;
  readonly record: Pick<SecretRecord, "run" | "wait" | "order">;
  readonly gate: GateReasons | undefined;
  readonly nowMs: number;
}

/** What the run that holds a secret does now, without what it waits for. */
export function phaseText({ run, wait }: Pick<SecretRecord, "run" | "wait">): string {
  if (run === undefined) return "opening";
  return wait?.decision === "supply" ? "waiting for the incoming key" : phaseTexts[run.phase];
}

const namedMax = 3;

/** For whom or what a run waits, and for how long at most; undefined if it is at work. */
export function waitsFor({ name, record, gate, nowMs }: ProgressView): string | undefined {
  const { run, wait, order } = record;
  if (wait?.decision === "supply") return `waits for \`rekey supply ${name}\``;
  if (order !== undefined && order.approval === undefined)
    return `waits for \`rekey approve ${run?.rotationId ?? name}\` by a second person`;
  const promoted = promotedRun(run);
  if (
    promoted?.phase !== "promoted" ||
    gate === undefined ||
    gate.verdict === "adopted" ||
    gate.verdict === "retained"
  )
    return undefined;
  const whom = listed([...new Set([...gate.reasons.map(who), ...gate.blockers])]);
  if (whom === "") return undefined;
  const leftMs = promoted.deadlineAtMs - nowMs;
  return leftMs <= 0
    ? `overdue: waits for ${whom}`
    : `waits for ${whom}, at most ${sayDuration(leftMs)} more`;
}

function who({ consumer, instance, source }: GateReasons["reasons"][number]): string {
  return instance ?? consumer ?? `the ${source}'s signal`;
}

function listed(names: readonly string[]): string {
  const more = names.length - namedMax;
  return more > 0 ? `${names.slice(0, namedMax).join(", ")} and ${more} more` : names.join(", ");
}
