import { wantsIncomingUse } from "../../consumers/provider.ts";
import { SecretUnusable } from "../../core/errors.ts";
import type { IncidentRecord, KeyInScope } from "../../core/incident/record.ts";
import { markSeenDead } from "../../core/incident/takeover.ts";
import { addToTimeline, changeKey } from "../../core/incident/transitions.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyProvider } from "../../core/ports.ts";
import {
  afterProbe,
  type CountedProbe,
  controlsText,
  type DeathWatch,
  isDead,
  isRepeatDue,
} from "../../core/rotation/death.ts";
import { currentKey } from "../../core/rotation/secret-record.ts";
import type { Secret } from "../../core/secret.ts";
import { keyIn as keyInValue } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";
import { type LiveKey, probeDeath } from "../secret/probe-death.ts";
import { askRevokeAgain } from "../secret/repeat-revoke.ts";
import { assertSameAccount } from "../secret/same-account.ts";
import { stopFor } from "../secret/stop-order.ts";
import { onLambda, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { changeIncident, endWait } from "./record/change.ts";
import { policyOfKey } from "./record/policies.ts";
import { incidentOf, keyOf, keyStepInput, recordedAt, stopwatch } from "./record/step-input.ts";

const probesPerLapMax = 10;
const burstMaxMs = 6_000;
/** One live key is enough, so a few secrets are asked for theirs. */
const liveSecretsMax = 5;
const lapSecondsMax = 6 * 3_600;
/**
 * Each pause is this share of the time since the revoke, so that a key that never dies fits into one
 * execution's history.
 */
const lapShare = 0.05;

interface Death {
  readonly outcome: "dead" | "alive";
  readonly seenSeq: number;
  readonly waitSeconds: number;
}

/** Checks whether the compromised key is dead: refused several times in a row, or gone from the listing. */
export const proveContained = step({
  name: "prove-contained",
  input: keyStepInput,
  run: async (input, deps: Deps): Promise<Death> => {
    const nowMs = stopwatch(input.at, deps);
    const record = await incidentOf(input, deps);
    const key = keyOf(record, input.ref);
    if (key.state === "dead") return { outcome: "dead", seenSeq: record.seq, waitSeconds: 1 };
    const policy = await policyOfKey({ record, key }, deps);
    const watch = { ref: input.ref, record, key, nowMs, policy, provider: deps.provider(policy) };
    const secret = await plaintextOf(watch, deps);
    return secret === undefined ? byListing(watch, deps) : byProbing({ ...watch, secret }, deps);
  },
});

export const handler = onLambda(proveContained, wiring());

interface Watch {
  readonly ref: string;
  readonly record: IncidentRecord;
  readonly key: KeyInScope;
  readonly nowMs: () => number;
  readonly policy: Policy;
  readonly provider: KeyProvider;
}

/** Read from any secret that still has the version. If none has, nobody holds the plaintext any more. */
async function plaintextOf({ record, key }: Watch, deps: Deps): Promise<Secret | undefined> {
  if (record.match.by === "none") return undefined;
  for (const { secretArn, versionId } of [...record.secrets, key]) {
    // A key that is known only from the history has no version.
    if (secretArn === undefined || versionId === undefined) continue;
    const policy = await deps.ledger.policy(secretArn);
    try {
      const { text } = await deps.store.read(secretArn, versionId);
      return keyInValue(text, policy?.field);
    } catch (error) {
      if (!(error instanceof SecretUnusable)) throw error;
    }
  }
  return undefined;
}

async function byProbing(watch: Watch & { readonly secret: Secret }, deps: Deps): Promise<Death> {
  const { provider, secret, ref, nowMs } = watch;
  const { probeEveryMs } = provider.propagation;
  const live = await liveKeys(watch.record, deps);
  let { key, record } = watch;
  for (let probes = 0, elapsedMs = 0; probes < probesPerLapMax; probes++) {
    const said = await probeDeath({ provider, secret, live }, deps);
    const answer = said.answer === "refused" && mayBeTooNew(watch) ? "inconclusive" : said.answer;
    const one = { ...said, answer, atMs: nowMs() };
    record = await noteProbe({ ...watch, record, one }, deps);
    key = keyOf(record, ref);
    if (isDead(watchOf(key), provider.propagation, one))
      return recordDeath({ ...watch, record, key, how: key.goneBefore ? "alreadyDead" : "refused" }, deps);
    elapsedMs += probeEveryMs;
    if (elapsedMs > burstMaxMs) break;
    await deps.clock.pause(probeEveryMs);
  }
  return stillAlive({ ...watch, record: await revokeAgain({ ...watch, record, key }, deps), key });
}

/** What the secrets of the incident hand out, or will, but for keys that the incident itself contains. */
async function liveKeys(record: IncidentRecord, deps: Deps): Promise<readonly LiveKey[]> {
  const live: LiveKey[] = [];
  for (const { secretArn, replacement } of record.secrets.slice(0, liveSecretsMax)) {
    // The provider would count the call as the use that a consumer still has to show.
    const policy = await deps.ledger.policy(secretArn);
    if (replacement === "promoted" && policy !== undefined && wantsIncomingUse(policy)) continue;
    const secret = await deps.ledger.secret(secretArn);
    const { run } = secret;
    const incoming = run === undefined || run.phase === "opened" ? undefined : run.incoming;
    const { keyId, versionId } = incoming ?? currentKey(secret) ?? {};
    const isContained = record.keys.some((key) => key.keyId === keyId);
    if (keyId !== undefined && versionId !== undefined && !isContained)
      live.push({ secretArn, versionId, keyId });
  }
  return live;
}

async function revokeAgain(watch: Watch, deps: Deps): Promise<IncidentRecord> {
  const { ref, record, key, nowMs, policy, provider } = watch;
  const { keyId, acceptedAtMs, revokesAgain = 0, lastRevokeAtMs = acceptedAtMs, refusals } = key;
  if (keyId === undefined || key.byHand === true || lastRevokeAtMs === undefined || refusals > 0)
    return record;
  if (!isRepeatDue({ revokesAgain, lastRevokeAtMs }, nowMs())) return record;
  if ((await stopFor(policy, deps, { isIncident: true })) !== undefined) return record;
  const outcome = await askRevokeAgain(provider, keyId);
  const atMs = nowMs();
  return deps.ledger.incidents.changeIncident(record.incidentId, (now) =>
    addToTimeline(
      changeKey(now, ref, (each) => ({ ...each, lastRevokeAtMs: atMs, revokesAgain: revokesAgain + 1 })),
      { atMs, what: "revokeRepeated", detail: `the key still answers; the provider says ${outcome}`, keyId },
    ),
  );
}

/** A key that was never current may be refused because it is not active yet. It could still be accepted later. */
function mayBeTooNew({ key, record, nowMs, provider }: Watch): boolean {
  if (key.standing !== "incoming") return false;
  return nowMs() < (key.acceptedAtMs ?? record.takenUpAtMs ?? 0) + provider.propagation.activateMs;
}

function watchOf({ refusals, firstRefusedAtMs, compared }: KeyInScope): DeathWatch | undefined {
  return firstRefusedAtMs === undefined
    ? undefined
    : { refusals, firstRefusedAtMs, ...(compared && { compared }) };
}

/** Counting probes changes no decision, so it wakes nobody. */
async function noteProbe(
  { ref, record, one }: Watch & { readonly one: CountedProbe },
  deps: Deps,
): Promise<IncidentRecord> {
  const { controls } = one;
  return deps.ledger.incidents.changeIncident(record.incidentId, (now) =>
    changeKey(now, ref, (key) => {
      const { firstRefusedAtMs: _first, compared: _compared, ...rest } = key;
      const watch = afterProbe(watchOf(key), one) ?? { refusals: 0 };
      return { ...rest, ...watch, probes: key.probes + 1, ...(controls !== undefined && { controls }) };
    }),
  );
}

/**
 * Without the plaintext, absence from the listing is the only proof. The credential of another account would
 * not list the key either, so this one has to list a key that the ledger knows to exist.
 */
async function byListing(watch: Watch, deps: Deps): Promise<Death> {
  const { key, provider, policy } = watch;
  // Of a key whose id nobody knows no listing can say that it is gone.
  if (key.keyId === undefined || (await provider.find(key.keyId)) !== undefined) return stillAlive(watch);
  // Who deleted the key with this credential has its account. If it was gone before, that shows nothing.
  const isAccountKnown = key.account !== undefined && key.goneBefore !== true;
  await assertSameAccount({ policy, provider, keyId: key.keyId, isAccountKnown }, deps);
  return recordDeath({ ...watch, how: key.goneBefore ? "alreadyDead" : "listing" }, deps);
}

function stillAlive({ record, key, nowMs }: Watch): Death {
  const sinceMs = nowMs() - (key.acceptedAtMs ?? record.takenUpAtMs ?? nowMs());
  const waitSeconds = Math.round(Math.min(lapSecondsMax, Math.max(1, (sinceMs / 1000) * lapShare)));
  return { outcome: "alive", seenSeq: record.seq, waitSeconds };
}

type How = NonNullable<KeyInScope["how"]>;

async function recordDeath(proof: Watch & { readonly how: How }, deps: Deps): Promise<Death> {
  const { ref, record, key, how, nowMs } = proof;
  const deadAtMs = Math.max(recordedAt(nowMs(), deps), key.acceptedAtMs ?? 0);
  for (const { secretArn } of record.secrets)
    await noteDeath({ secretArn, key, record, how, deadAtMs }, deps);
  const next = await changeIncident(
    record.incidentId,
    (now) => {
      if (keyOf(now, ref).state === "dead") return now;
      const dead = changeKey(now, ref, ({ blocked: _over, ...each }) => ({
        ...each,
        ...{ state: "dead", how, deadAtMs },
        // If a person revoked it by hand, nobody reported when the provider accepted it: at the latest now.
        ...(each.byHand && each.acceptedAtMs === undefined && { acceptedAtMs: deadAtMs }),
      }));
      const { keyId } = key;
      return addToTimeline(dead, {
        ...{ atMs: deadAtMs, what: "dead", detail: wordsFor[how] },
        ...(keyId !== undefined && { keyId }),
      });
    },
    deps,
  );
  // The branch that watches the consumers ends with containment, so it is woken now.
  const { incidentId } = record;
  for (const { secretArn } of record.secrets)
    await endWait({ secretArn, incidentId, outcome: "contained" }, deps);
  return { outcome: "dead", seenSeq: next.seq, waitSeconds: 1 };
}

const wordsFor: Readonly<Record<How, string>> = {
  refused: "the provider refused it several times in a row",
  listing: "gone from the provider's listing; nobody holds the plaintext to try it",
  alreadyDead: "it was dead before Rekey asked",
};

/** Writes the record of death to every secret that held the key. The item drops the key; its history stays. */
async function noteDeath(
  death: {
    readonly secretArn: string;
    readonly key: KeyInScope;
    readonly record: IncidentRecord;
    readonly how: How;
    readonly deadAtMs: number;
  },
  deps: Deps,
): Promise<void> {
  const { secretArn, key, how, deadAtMs } = death;
  const { keyId, fingerprint, probes, acceptedAtMs, controls } = key;
  if (keyId === undefined) return;
  const known = (await deps.ledger.secret(secretArn)).keys.find((each) => each.keyId === keyId);
  const seen = fingerprint ?? known?.fingerprint;
  const { incidentId } = death.record;
  await deps.ledger.putKey({
    ...{ secretArn, name: keyId, keyId, rotationId: incidentId, state: "dead", atMs: deadAtMs },
    ...(seen !== undefined && { fingerprint: seen }),
  });
  await deps.audit.append(secretArn, {
    id: `${incidentId}/death/${keyId}`,
    atMs: deadAtMs,
    actor: incidentId,
    action: "DeathRecorded",
    detail: {
      keyId,
      fingerprint: seen ?? "unknown",
      how,
      probes,
      revokedAtMs: acceptedAtMs ?? deadAtMs,
      deadAtMs,
      controls: controls === undefined ? "none" : controlsText(controls),
    },
  });
  await deps.ledger.changeSecret(secretArn, (now) => markSeenDead(now, keyId));
}
