import { isRestoreDue, isUndone } from "../../../core/incident/orders.ts";
import type { IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";
import { markReleased, markSound } from "../../../core/incident/takeover.ts";
import { isPast } from "../../../core/incident/transitions.ts";
import type { KeyId } from "../../../core/ports.ts";
import type { Deps } from "../../deps.ts";
import { endWait } from "../record/change.ts";
import { policyOfKey } from "../record/policies.ts";

/**
 * Undoes what an incident did, after it was called off: its runs stop waiting, disabled keys work again, and
 * no secret treats the key as compromised any more. A repeat changes nothing. Returns the keys that were
 * restored.
 */
export async function undoContainment(record: IncidentRecord, deps: Deps): Promise<readonly KeyId[]> {
  const { secrets, keys, incidentId } = record;
  for (const { secretArn } of secrets) await endWait({ secretArn, incidentId, outcome: "calledOff" }, deps);
  const restored = await restoreKeys(record, deps);
  // Read again, because the provider took its time.
  const others = await othersOpen(record, deps);
  const sound = keys.flatMap(({ keyId }) => keyId ?? []).filter((keyId) => !others.some(isAbout(keyId)));
  for (const { secretArn } of secrets)
    for (const keyId of sound) await deps.ledger.changeSecret(secretArn, (now) => markSound(now, keyId));
  return restored;
}

/** Restores the keys whose quarantine a person undid, unless another incident has disabled such a key since. */
export async function restoreKeys(record: IncidentRecord, deps: Deps): Promise<readonly KeyId[]> {
  const undone = record.keys.filter(isUndone);
  if (undone.length === 0) return [];
  const others = await othersOpen(record, deps);
  const restored: KeyId[] = [];
  for (const key of undone) {
    const { keyId } = key;
    if (keyId === undefined || others.some((other) => isAbout(keyId)(other) && hasBegun(other, keyId)))
      continue;
    if (await restoreKey({ record, key, keyId }, deps)) restored.push(keyId);
  }
  return restored;
}

/** Completes an undo later: the function that began it may have died, or a quarantine call may have arrived late. */
export async function finishUndo(
  {
    record,
    nowMs,
    forMs,
  }: { readonly record: IncidentRecord; readonly nowMs: number; readonly forMs: number },
  deps: Deps,
): Promise<void> {
  const isRecent = record.calledOffAtMs !== undefined && nowMs < record.calledOffAtMs + forMs;
  if (isRecent) await undoContainment(record, deps);
  else if (record.keys.some((key) => isRestoreDue(key, { nowMs, forMs }))) await restoreKeys(record, deps);
}

async function othersOpen({ incidentId }: IncidentRecord, deps: Deps): Promise<readonly IncidentRecord[]> {
  const open = await deps.ledger.incidents.openIncidents();
  return open.filter((other) => other.incidentId !== incidentId);
}

const isAbout =
  (keyId: KeyId) =>
  ({ keys }: IncidentRecord): boolean =>
    keys.some((key) => key.keyId === keyId && key.waiver === undefined);

function hasBegun({ keys }: IncidentRecord, keyId: KeyId): boolean {
  return keys.some((key) => key.keyId === keyId && isPast(key, "needsPerson"));
}

interface Restoring {
  readonly record: IncidentRecord;
  readonly key: KeyInScope;
  readonly keyId: KeyId;
}

/**
 * Restores the key exactly as it was before its quarantine, at the provider first. Nothing happens if the key
 * no longer exists.
 */
async function restoreKey({ record, key, keyId }: Restoring, deps: Deps): Promise<boolean> {
  const policy = await policyOfKey({ record, key }, deps);
  const holding = await Promise.all(record.secrets.map(({ secretArn }) => deps.ledger.secret(secretArn)));
  // A rotation that retires this key now has disabled it itself.
  const isRetired = holding.some(
    ({ run, keys }) =>
      run?.retiring.keyId === keyId &&
      run.phase === "quarantined" &&
      !keys.some((known) => known.keyId === keyId && known.compromised),
  );
  if (isRetired) return false;
  const scopes = holding.flatMap(({ keys }) => keys).find((each) => each.keyId === keyId)?.scopes;
  await deps.provider(policy).restore({ keyId, ...(scopes && { scopes }) });
  for (const { secretArn } of record.secrets)
    await deps.ledger.changeSecret(secretArn, (now) => markReleased(now, keyId));
  return true;
}
