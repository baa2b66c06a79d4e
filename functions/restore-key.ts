import { refOf } from "../core/incident.ts";
import { markRestored } from "../core/incident-person.ts";
import type { IncidentRecord, KeyInScope } from "../core/incident-record.ts";
import { markReleased, markSound } from "../core/incident-takeover.ts";
import type { KeyId } from "../core/ports.ts";
import type { Deps } from "./deps.ts";
import { policyOfKey } from "./incident-policy.ts";

interface Restoring {
  readonly record: IncidentRecord;
  readonly key: KeyInScope;
  readonly keyId: KeyId;
}

/** Exactly as the key was before its quarantine, at the provider first. */
export async function restoreKey({ record, key, keyId }: Restoring, deps: Deps): Promise<void> {
  const policy = await policyOfKey(key, deps);
  const holding = await Promise.all(record.secrets.map(({ secretArn }) => deps.ledger.secret(secretArn)));
  const scopes = holding.flatMap(({ keys }) => keys).find((each) => each.keyId === keyId)?.scopes;
  await deps.provider(policy).restore({ keyId, ...(scopes && { scopes }) });
  for (const { secretArn } of record.secrets) {
    await deps.ledger.changeSecret(secretArn, (now) => markReleased(now, keyId));
  }
  if (record.status === "falseAlarm") await callSound({ record, keyId }, deps);
  // Moves no decision, so it wakes nobody.
  await deps.ledger.incidents.changeIncident(record.incidentId, (now) => markRestored(now, refOf(key)));
}

/** In every secret that the incident took for holding a compromised key. */
export async function callSound(
  { record, keyId }: Pick<Restoring, "record" | "keyId">,
  deps: Pick<Deps, "ledger">,
): Promise<void> {
  for (const { secretArn } of record.secrets)
    await deps.ledger.changeSecret(secretArn, (now) => markSound(now, keyId));
}
