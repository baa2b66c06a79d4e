import { isOver } from "../../core/incident/plan.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import type { Policy } from "../../core/policy.ts";
import type { Digest } from "../../core/ports.ts";
import { shortName } from "../../core/principal.ts";
import { currentKey, type SecretRecord } from "../../core/rotation/secret-record.ts";
import { hashLimit, scheduleFor } from "../../core/schedule.ts";
import type { Debt, KeyHistory, RotationRecord } from "../../ledger/entries.ts";
import { commandFor } from "../command-line.ts";
import type { FleetRow, IncidentRow, Tone } from "../shown.ts";
import { phaseText } from "./phase.ts";

export interface SecretFacts {
  readonly policy: Policy;
  readonly record: SecretRecord;
  readonly rotations: readonly RotationRecord[];
  readonly keys: readonly KeyHistory[];
  readonly debts: readonly Debt[];
  readonly digest: Digest;
  readonly nowMs: number;
}

export function fleetRow(facts: SecretFacts): FleetRow {
  const { policy, record, debts } = facts;
  const { secretArn, name, environment, mode, maxAgeMs, schedule } = policy;
  const keyId = currentKey(record)?.keyId;
  const sinceMs = sinceWhen(facts);
  const nextAtMs = nextRotation(facts);
  const rotationId = record.lease?.runId ?? latest(facts.rotations)?.rotationId;
  const wants = wantedOf(facts, sinceMs);
  return {
    ...{ secretArn, name, environment, mode, maxAgeMs, provider: policy.provider.kind, debts: debts.length },
    consumers: policy.consumers === "none" ? 0 : policy.consumers.length,
    state: stateOf(facts, sinceMs),
    ...(keyId !== undefined && { keyId }),
    ...(sinceMs !== undefined && { sinceMs }),
    ...(nextAtMs !== undefined && { nextAtMs }),
    ...(schedule !== undefined && { schedule }),
    ...(rotationId !== undefined && { rotationId }),
    ...(wants !== undefined && { wants }),
  };
}

export function latest(rotations: readonly RotationRecord[]): RotationRecord | undefined {
  return rotations.reduce<RotationRecord | undefined>(
    (newest, each) => (newest === undefined || each.openedAtMs > newest.openedAtMs ? each : newest),
    undefined,
  );
}

/** When the current key was promoted, or else adopted. */
function sinceWhen({ record, rotations, keys }: SecretFacts): number | undefined {
  const current = currentKey(record);
  if (current?.keyId === undefined) return undefined;
  if (current.promotedAtMs !== undefined) return current.promotedAtMs;
  const promotedBy = rotations.find(({ incomingKeyId }) => incomingKeyId === current.keyId);
  return promotedBy?.openedAtMs ?? keys.find(({ keyId }) => keyId === current.keyId)?.atMs;
}

/** The same computation that made the schedule; undefined for cron, whose expression says it. */
function nextRotation({ policy, digest, nowMs }: SecretFacts): number | undefined {
  if (policy.schedule?.startsWith("rate(") !== true) return undefined;
  const hash = Number.parseInt(digest.sha256Hex(policy.secretArn).slice(0, 12), 16) % hashLimit;
  const target = { group: "", machineArn: "", roleArn: "" };
  return scheduleFor(policy, { nowMs, hash, target })?.startAtMs;
}

export function stateOf(
  { policy, record, rotations, debts, nowMs }: SecretFacts,
  sinceMs?: number,
): { readonly tone: Tone; readonly text: string } {
  const { frozen, hold, lease, run, wait } = record;
  if (frozen) return { tone: "bad", text: `frozen: ${frozen.reason}` };
  if (lease?.kind === "incident")
    return { tone: "bad", text: `held by incident ${lease.incidentId ?? lease.runId}` };
  if (lease) return { tone: wait?.decision === "supply" ? "warn" : "busy", text: phaseText(run, wait) };
  const last = latest(rotations);
  if (debts.length > 0) return { tone: "warn", text: debts.map(debtText).join("; ") };
  if (hold) return { tone: "warn", text: `on hold by ${shortName(hold.by)}: ${hold.reason}` };
  if (last?.outcome === "needsHuman")
    return { tone: "bad", text: `needs a person: ${last.reason ?? "see its run"}` };
  if (policy.mode === "index") return { tone: "quiet", text: "watched for leaks" };
  if (sinceMs !== undefined && nowMs - sinceMs > policy.maxAgeMs)
    return { tone: "warn", text: "key is older than its policy allows" };
  return { tone: "good", text: "current" };
}

function debtText({ kind, reason }: Debt): string {
  return `${kind}: ${reason}`;
}

/** The first thing that a person has to do, worst first. */
function wantedOf(facts: SecretFacts, sinceMs: number | undefined): FleetRow["wants"] {
  const { policy, record, rotations, debts, nowMs } = facts;
  const command = (...words: readonly string[]) => {
    const line = commandFor(["rekey", ...words], policy);
    return line === undefined ? {} : { command: line };
  };
  if (record.frozen)
    return { tone: "bad", what: "AWSCURRENT was changed outside Rekey", ...command("release", "--unfreeze") };
  if (record.wait?.decision === "supply")
    return { tone: "bad", what: "waits for a key that a person makes", ...command("supply") };
  const last = latest(rotations);
  const gate = record.lease === undefined ? undefined : last?.gate;
  if (gate?.verdict === "overdue")
    return { tone: "bad", what: "consumers have not moved in time", ...command("consumers") };
  if (record.lease === undefined && last?.outcome === "needsHuman")
    return { tone: "bad", what: last.reason ?? "the last rotation needs a person", ...command("rotate") };
  const [debt] = debts;
  if (debt !== undefined && record.lease === undefined)
    return { tone: "warn", what: debtText(debt), ...command("rotate") };
  const isOld = sinceMs !== undefined && nowMs - sinceMs > policy.maxAgeMs;
  if (isOld && policy.mode === "rotate" && record.lease === undefined && record.hold === undefined)
    return { tone: "warn", what: "key is older than its policy allows", ...command("rotate") };
  return undefined;
}

export function incidentRow(record: IncidentRecord): IncidentRow {
  const { incidentId, status, plan, test, detectedAtMs, deadlineAtMs, keys, secrets, match } = record;
  const deaths = keys.map(({ deadAtMs }) => deadAtMs).filter((atMs) => atMs !== undefined);
  return {
    ...{ incidentId, status, plan, test, detectedAtMs, deadlineAtMs, isOver: isOver(status) },
    about: secrets.map(({ name }) => name).join(", ") || match.text,
    ...(keys.length > 0 && deaths.length === keys.length && { deadAtMs: Math.max(...deaths) }),
  };
}
