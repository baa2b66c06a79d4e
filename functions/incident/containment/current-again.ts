import { RotationError } from "../../../core/errors.ts";
import type {
  CurrentAgain,
  IncidentRecord,
  KeyInScope,
  LastUse,
  SecretInScope,
} from "../../../core/incident/record.ts";
import { addToTimeline, changeKey, refOf } from "../../../core/incident/transitions.ts";
import { isLeftToConsumers, whyCurrentAgain } from "../../../core/incident/turns.ts";
import type { VersionId } from "../../../core/ports.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import { keyIn } from "../../../stores/value.ts";
import type { Deps } from "../../deps.ts";
import { changeIncident } from "../record/change.ts";
import { keyOf } from "../record/step-input.ts";
import { withUse } from "./last-use.ts";

/** At most 30 looks: a policy sets containBy to 15 minutes at most. */
const lookAgainMs = 30_000;

/**
 * Under switch-first somebody may have made the compromised key current again after every consumer had
 * moved: ended now, it would cut them off before the time that was set for it. Asked of nothing that is
 * contained first.
 */
export async function currentAgain(
  {
    record,
    key,
    nowMs,
  }: { readonly record: IncidentRecord; readonly key: KeyInScope; readonly nowMs: number },
  deps: Deps,
): Promise<CurrentAgain | undefined> {
  if (!isLeftToConsumers(record, nowMs)) return undefined;
  const looks = await Promise.all(record.secrets.map((secret) => currentWith(secret, key, deps)));
  const places = record.secrets.flatMap(({ secretArn }, index) => {
    const versionId = looks[index];
    return versionId === undefined ? [] : [{ secretArn, versionId }];
  });
  if (places.length === 0) return undefined;
  return { places, lookAgainAtMs: Math.min(nowMs + lookAgainMs, record.containByMs ?? nowMs) };
}

/**
 * Returns the current version id if it contains the compromised key. An unreadable secret cannot be serving
 * the key, so it counts as not holding it.
 */
async function currentWith(
  secret: SecretInScope,
  key: KeyInScope,
  deps: Deps,
): Promise<VersionId | undefined> {
  const { secretArn } = secret;
  try {
    const [policy, { versionId, text }] = await Promise.all([
      deps.ledger.policy(secretArn),
      deps.store.current(secretArn),
    ]);
    const isIt =
      versionId === secret.versionId || fingerprintOf(keyIn(text, policy?.field)) === key.fingerprint;
    return isIt ? versionId : undefined;
  } catch (error) {
    if (!(error instanceof RotationError) || error.retry !== "never") throw error;
    return undefined;
  }
}

/**
 * Only a person can make another version current, and until `containBy` there is time: people are paged
 * once, now.
 */
export async function noteCurrentAgain(
  seen: {
    readonly incidentId: string;
    readonly key: KeyInScope;
    readonly again: CurrentAgain;
    readonly use: LastUse | undefined;
    readonly atMs: number;
  },
  deps: Deps,
): Promise<IncidentRecord> {
  const { incidentId, key, again, use, atMs } = seen;
  const ref = refOf(key);
  return changeIncident(
    incidentId,
    (now) => {
      const known = keyOf(now, ref).currentAgain;
      const why = whyCurrentAgain(now, again);
      const next = changeKey(now, ref, (each) => ({ ...withUse(each, use), currentAgain: again }));
      const isTold = known !== undefined && whyCurrentAgain(now, known) === why;
      return isTold ? next : addToTimeline(next, { atMs, what: "personNeeded", detail: why });
    },
    deps,
  );
}
