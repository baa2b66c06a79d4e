import { isUnused, type LedgerKey, parseKeyName } from "../keys.ts";
import type { ExecutionState, KeyId, ListedKey, RotationId } from "../ports.ts";
import { whyNoRunOpens } from "./open.ts";
import { debtKindIn } from "./retiring.ts";
import type { SecretRecord } from "./secret-record.ts";
import { keyToFinish, supersededKeys } from "./superseded.ts";

/** What the ledger knows about all secrets with keys in one provider account. */
export interface AccountView {
  readonly records: readonly SecretRecord[];
  /** Every run that Rekey ever opened on these secrets. */
  readonly runs: ReadonlySet<RotationId>;
  /** Keys that the current version of some secret may hold, whatever the ledger says. */
  readonly mayBeCurrent: ReadonlySet<KeyId>;
  /** Keys that an incident works on. */
  readonly inIncidents: ReadonlySet<KeyId>;
}

/**
 * `accounted`: the ledger knows its purpose. `busy`: its run is still at work. `stray`: Rekey made it, and
 * its run is over. `unknownRun` and `notOurs`: Rekey has no record of it, so it is reported and never
 * deleted.
 */
export type ListedAs = "accounted" | "busy" | "stray" | "unknownRun" | "notOurs";

export function standingOf(key: ListedKey, view: AccountView): ListedAs {
  if (isInUse(key.keyId, view)) return "accounted";
  const made = parseKeyName(key.name);
  if (made === undefined) return "notOurs";
  if (view.records.some(({ lease }) => lease?.runId === made.rotationId)) return "busy";
  return view.runs.has(made.rotationId) ? "stray" : "unknownRun";
}

/** By id, never by name, order or date. */
function isInUse(keyId: KeyId, { records, mayBeCurrent, inIncidents }: AccountView): boolean {
  if (mayBeCurrent.has(keyId) || inIncidents.has(keyId)) return true;
  return records.some(({ run, keys }) => {
    if (run?.retiring.keyId === keyId) return true;
    if (run !== undefined && run.phase !== "opened" && run.incoming.keyId === keyId) return true;
    const known = keys.find((key) => key.keyId === keyId);
    return known !== undefined && !isUnused(known);
  });
}

/** Intended keys of finished runs that the provider does not list: they were never made. */
export function neverCame(record: SecretRecord, listed: ReadonlySet<string>): readonly LedgerKey[] {
  const { lease, run } = record;
  return record.keys.filter(
    (key) =>
      isUnused(key) &&
      !listed.has(key.name) &&
      key.rotationId !== lease?.runId &&
      !(run !== undefined && run.phase !== "opened" && run.incoming.keyId === key.keyId),
  );
}

/** True if Step Functions says that the execution can do nothing any more. */
export function hasEnded({ status }: ExecutionState): boolean {
  return status !== "RUNNING" && status !== "UNKNOWN";
}

/** The reason that is recorded if another function settles an execution that has ended. */
export function endedUnsettled({ status }: ExecutionState): string {
  return `Execution${status}: it ended without settling`;
}

/** True if the lease's run has ended but the lease is still there. */
export function isAbandoned({ lease }: SecretRecord, state: ExecutionState): boolean {
  return lease !== undefined && hasEnded(state);
}

/**
 * Work that only a new run can do, and that nothing prevents: paying a debt, or revoking a superseded key.
 * The text identifies the work, so that tries can be counted.
 */
export function owedBy(record: SecretRecord): string | undefined {
  const { run } = record;
  if (whyNoRunOpens(record) !== undefined) return undefined;
  // What a person aborted goes on when a person, or its schedule, starts a rotation.
  if (run?.aborted !== undefined) return undefined;
  const keyId = keyToFinish(record);
  return keyId && (run?.rotationId ?? keyId);
}

/** Whether a stored debt is still owed. A revoke is not, once only its proof is missing. */
export function isStillOwed(
  record: SecretRecord,
  debt: { readonly kind: string; readonly keyId: KeyId; readonly rotationId: RotationId },
): boolean {
  if (debt.kind === "DiscardOwed")
    return record.keys.some((key) => key.rotationId === debt.rotationId && isUnused(key));
  if (debt.kind === "LabelOwed") return false;
  // No secret's item knows of it: whoever files the certificate removes it.
  if (debt.kind === "CertificateOwed") return true;
  const { run } = record;
  // While a run is at work, the debt that it pays is kept as it is.
  if (run?.retiring.keyId === debt.keyId)
    return run.owed === undefined || debt.kind === debtKindIn(run.phase);
  const left = supersededKeys(record).find(({ keyId }) => keyId === debt.keyId);
  return left !== undefined && debt.kind === debtKindIn(left.state);
}

const backoffMinMs = 15 * 60_000;
const backoffMaxMs = 24 * 3_600_000;

/** Twice as long after every try, up to a day. */
export function nextTryMs(tries: number): number {
  return Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(tries, 10));
}

/** Removes a key that is gone or never existed. The keys of a run at work are left to that run. */
export function forgetKey(record: SecretRecord, name: string): SecretRecord {
  const known = record.keys.find((key) => key.name === name);
  if (known === undefined || known.rotationId === record.lease?.runId || !isUnused(known)) return record;
  return { ...record, seq: record.seq + 1, keys: record.keys.filter((key) => key !== known) };
}
