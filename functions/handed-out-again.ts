import { RotationError } from "../core/errors.ts";
import { changeKey, refOf, told } from "../core/incident.ts";
import type { IncidentRecord, KeyInScope, SecretInScope, UseBefore } from "../core/incident-record.ts";
import { isLeftToConsumers } from "../core/incident-turns.ts";
import { fingerprintOf } from "../events/fingerprint.ts";
import { keyIn } from "../stores/value.ts";
import type { Deps } from "./deps.ts";
import { changeIncident } from "./incident-change.ts";
import { withUse } from "./use-before.ts";

/** At most 30 looks at a time: a policy sets containBy to 15 minutes at most. */
const lookAgainMs = 30_000;

export interface HandedOut {
  readonly why: string;
  readonly lookAgainAtMs: number;
}

/**
 * Under switch-first somebody may have put the compromised key back into AWSCURRENT after every consumer had moved:
 * ended now, it would cut them off before the time that was set for it. Asked of nothing that is contained first.
 */
export async function handedOutAgain(
  {
    record,
    key,
    nowMs,
  }: { readonly record: IncidentRecord; readonly key: KeyInScope; readonly nowMs: number },
  deps: Deps,
): Promise<HandedOut | undefined> {
  if (!isLeftToConsumers(record, nowMs)) return undefined;
  const looks = await Promise.all(record.secrets.map((secret) => isCurrentIn(secret, key, deps)));
  const names = record.secrets.flatMap(({ name }, index) => (looks[index] ? [name] : []));
  if (names.length === 0) return undefined;
  return {
    why: `AWSCURRENT of ${names.join(", ")} holds the compromised key again: somebody put it back`,
    lookAgainAtMs: Math.min(nowMs + lookAgainMs, record.containByMs ?? nowMs),
  };
}

/** A secret that nobody can read hands the key to no consumer that could be spared. */
async function isCurrentIn(secret: SecretInScope, key: KeyInScope, deps: Deps): Promise<boolean> {
  const { secretArn } = secret;
  try {
    const [policy, current] = await Promise.all([deps.ledger.policy(secretArn), deps.store.read(secretArn)]);
    if (current.versionId === secret.versionId) return true;
    return fingerprintOf(keyIn(current.text, policy?.field)) === key.fingerprint;
  } catch (error) {
    if (!(error instanceof RotationError) || error.retry !== "never") throw error;
    return false;
  }
}

/** Only a person can take it out again, and until then there is time: they hear of it once, now. */
export async function noteHandedOut(
  seen: {
    readonly incidentId: string;
    readonly key: KeyInScope;
    readonly why: string;
    readonly use: UseBefore | undefined;
    readonly atMs: number;
  },
  deps: Deps,
): Promise<IncidentRecord> {
  const { incidentId, key, why, use, atMs } = seen;
  const ref = refOf(key);
  return changeIncident(
    incidentId,
    (now) => {
      if (now.keys.find((each) => refOf(each) === ref)?.blocked === why) return now;
      const next = changeKey(now, ref, (each) => ({ ...withUse(each, use), blocked: why }));
      return told(next, { atMs, what: "personNeeded", detail: why });
    },
    deps,
  );
}
