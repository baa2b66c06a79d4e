import { isSpent, parseKeyName } from "../../../core/keys.ts";
import { type PromotedRun, promotedRun, type SecretRecord } from "../../../core/rotation/secret-record.ts";
import type { FakeKeyState } from "../../../providers/openai/fake.ts";
import { isDisabled, isProbe } from "../world/shaped.ts";
import { type BoundaryCall, type Invocation, rotationOf } from "../world/surroundings.ts";
import { copiesAreOurs, noPlaceHoldsIt } from "./copy-rules.ts";
import {
  containedIsNotIncoming,
  incidentEndsIt,
  isContained,
  isUndone,
  isWaived,
  mayBeInGap,
} from "./incident-rules.ts";
import { containsItsKey } from "./leak-rules.ts";
import { mayLetGo } from "./letting-go.ts";
import {
  dryRunChangesNothing,
  incidentsAreNotStopped,
  isMovedLate,
  nothingIsBegunWhenStopped,
} from "./outside-change-rules.ts";
import { currentIsOfTheProject, isMadeFor, madeRoom, placeWasIntended } from "./shape-rules.ts";
import { termsAreMet } from "./terms-rules.ts";
import type { WatchedSecret, Witness } from "./witness.ts";

/** What the watch knew about each key at the step before. */
const seenKeys = new WeakMap<Witness, Map<string, FakeKeyState>>();

/** The rules that are asked after every effect, of the provider, the store and the item together. */
export function afterEffect(watch: Witness, call: BoundaryCall): void {
  const seen = seenKeys.get(watch) ?? new Map<string, FakeKeyState>();
  const isFirstLook = seen.size === 0;
  seenKeys.set(watch, seen);
  for (const key of watch.keys) {
    const before = seen.get(key.keyId);
    seen.set(key.keyId, key);
    if (before === undefined) {
      keyWasIntended(watch, key);
      if (!isFirstLook) placeWasIntended(watch, key, call);
    } else if (before.isListed && !key.isListed) {
      if (!madeRoom(watch, { before, call })) keyMayGo(watch, key, call);
    } else if (before.scopes !== key.scopes && isDisabled(key)) disabledKeyIsRecorded(watch, key, call);
  }
  // After what has gone: a hand that came while it went is told by that (goneBefore).
  currentKeysWork(watch);
  currentIsOfTheProject(watch);
  retiringKeyIsNotProbed(watch, call);
  nothingIsBegunWhenStopped(watch, call);
  dryRunChangesNothing(watch, call);
  copiesAreOurs(watch, call);
  if (call.port !== "store" || !call.changes) return;
  oneReadableKeyPerRun(watch);
  retiringVersionIsPinned(watch);
}

/** S1. A key that a hand put there when it was already on its way out is that hand's doing. */
function currentKeysWork(watch: Witness): void {
  for (const secret of watch.secrets.values()) {
    const { keyId } = secret.current;
    if (watch.isUsable(keyId) || mayBeInGap(watch, keyId) || isMovedLate(watch, secret)) continue;
    const isByHand = secret.hand !== undefined && secret.hand.keyId === keyId;
    if (isByHand && watch.excused.has(`${secret.secretArn} ${keyId}`)) continue;
    if (isByHand && keyId !== undefined && goneBefore(watch, { secret, keyId })) continue;
    watch.violate(
      "S1",
      `AWSCURRENT of ${secret.policy.name} holds ${keyId}, which the provider does not accept`,
    );
  }
}

/** Whether the key's end was on its way before the hand moved AWSCURRENT back to it. */
function goneBefore(
  watch: Witness,
  { secret, keyId }: { readonly secret: WatchedSecret; readonly keyId: string },
): boolean {
  const lookedAt = watch.ends.get(keyId);
  const isBefore = lookedAt !== undefined && secret.hand !== undefined && lookedAt < secret.hand.step;
  if (isBefore) watch.excused.add(`${secret.secretArn} ${keyId}`);
  return isBefore;
}

/** S3: the intent comes before the call, and names one key: a mint is never blindly retried. */
function keyWasIntended(watch: Witness, { name, keyId }: FakeKeyState): void {
  if (parseKeyName(name) === undefined) return;
  if (!watch.intended.has(name)) watch.violate("S3", `${keyId} (${name}) exists, and no intent names it`);
  if (watch.keys.some((key) => key.name === name && key.keyId !== keyId))
    watch.violate("S3", `${keyId} is the second key called ${name}`);
}

/** S3: of the keys that one run made, one at most has a labelled version and lives. */
function oneReadableKeyPerRun(watch: Witness): void {
  for (const { secretArn, policy } of watch.secrets.values()) {
    const runs = new Map<string, string>();
    for (const { labels, text } of watch.world.store.versions(secretArn)) {
      if (labels.length === 0) continue;
      const key = watch.keyState(watch.keyIdIn(text, policy));
      const run = key?.isListed ? parseKeyName(key.name)?.rotationId : undefined;
      if (key === undefined || run === undefined) continue;
      if ((runs.get(run) ?? key.keyId) !== key.keyId)
        watch.violate("S3", `${run} has two keys in labelled versions of ${policy.name}`);
      runs.set(run, key.keyId);
    }
  }
}

/** The pin keeps the retiring version from being purged for as long as its key may be needed to prove it dead. */
function retiringVersionIsPinned(watch: Witness): void {
  for (const { secretArn, policy, record, hand } of watch.secrets.values()) {
    const run = promotedRun(record?.run);
    if (run === undefined || run.phase === "dead" || hand !== undefined) continue;
    if (isWaived(watch, run.retiring.keyId)) continue;
    const versions = watch.world.store.versions(secretArn);
    const version = versions.find(({ versionId }) => versionId === run.retiring.versionId);
    if (!version?.labels.includes("REKEY_RETIRING"))
      watch.violate("S4", `the retiring version of ${policy.name} is not pinned in phase ${run.phase}`);
  }
}

/** S2, S4, S5: what a deleted key has to be. */
function keyMayGo(watch: Witness, key: FakeKeyState, call: BoundaryCall): void {
  const { keyId, name } = key;
  watch.ends.set(keyId, lookedAtCurrent(watch, call));
  containsItsKey(watch, key, call);
  if (isContained(watch, { keyId, end: "deleted" })) {
    incidentsAreNotStopped(watch, keyId, call);
    containedIsNotIncoming(watch, keyId);
    return;
  }
  for (const { record, policy } of watch.secrets.values()) {
    const run = record?.run;
    const known = record?.keys.find((one) => one.keyId === keyId);
    if (run?.retiring.keyId === keyId) {
      const phase = run.phase;
      const isRecorded = phase === "revoking" || phase === "revoked" || phase === "dead";
      if (!isRecorded && !isEarlierRuns(watch, keyId, { run, call }))
        watch.violate(
          "S4",
          `the retiring key ${keyId} of ${policy.name} goes in phase ${phase}, without a recorded intent`,
        );
      noPlaceHoldsIt(watch, keyId);
      return;
    }
    if (known?.state === "current" || known?.state === "retiring")
      watch.violate("S2", `${keyId}, which is ${known.state} in ${policy.name}, is deleted`);
    if (run !== undefined && run.phase !== "opened" && run.incoming.keyId === keyId)
      watch.violate(
        "S5",
        `${keyId}, the incoming key of ${run.rotationId} in phase ${run.phase}, is deleted`,
      );
  }
  if (parseKeyName(name) === undefined && !watch.wasRetiring.has(keyId) && !isMadeFor(watch, keyId))
    watch.violate("S2", `${keyId} (${name}) is deleted, and Rekey never recorded it as retiring`);
  if (watch.wasCurrent.has(keyId) && !watch.wasLetGo.has(keyId))
    watch.violate("S2", `${keyId} (${name}) was current and is deleted, and no gate has let it go`);
}

/**
 * An earlier run recorded the intent, and its call was frozen until somebody had put the key back into AWSCURRENT
 * and an incident had begun to replace it from there.
 */
function isEarlierRuns(
  watch: Witness,
  keyId: string,
  { run, call }: { readonly run: { readonly rotationId: string }; readonly call: BoundaryCall },
): boolean {
  const rotationId = rotationOf(call.invocation.input);
  return rotationId !== undefined && rotationId !== run.rotationId && watch.wasLetGo.has(keyId);
}

/** A hand that comes between this look and the effect cannot be seen by anybody. */
function lookedAtCurrent(watch: Witness, { invocation }: BoundaryCall): number {
  const looks = watch.lives.get(invocation.id)?.readCurrent ?? [];
  // The credential that deletes is read from the store too, and says nothing about AWSCURRENT.
  const ofSecrets = [...looks].flatMap(([secretArn, step]) => (watch.secrets.has(secretArn) ? [step] : []));
  return Math.max(0, ...ofSecrets) || watch.step;
}

function disabledKeyIsRecorded(watch: Witness, key: FakeKeyState, call: BoundaryCall): void {
  const { keyId } = key;
  containsItsKey(watch, key, call);
  watch.ends.set(keyId, lookedAtCurrent(watch, call));
  if (isContained(watch, { keyId, end: "disabled" })) {
    containedIsNotIncoming(watch, keyId);
    return;
  }
  const isRecorded = [...watch.secrets.values()].some(({ record }) => {
    const run = record?.run;
    return run?.retiring.keyId === keyId && promotedRun(run) !== undefined && run.phase !== "promoted";
  });
  const wasRecorded = watch.wasQuarantined.has(keyId);
  if (!isRecorded && !wasRecorded && !isUndone(watch, keyId))
    watch.violate("S4", `${keyId} is quarantined without a recorded intent`);
}

/** A probe is a use: it would be taken for a consumer's (S8). */
function retiringKeyIsNotProbed(watch: Witness, { port, operation, invocation }: BoundaryCall): void {
  if (port !== "provider" || !isProbe(operation)) return;
  for (const { record, policy } of watch.secrets.values()) {
    const run = record?.run;
    // A probe of an incident belongs to no run: it is of a key that the incident has contained.
    const rotationId = rotationOf(invocation.input);
    if (run === undefined || rotationId === undefined || record?.lease?.runId !== rotationId) continue;
    const phase = run.phase;
    const isOver = phase === "revoking" || phase === "revoked" || phase === "dead";
    const wasUsed = watch.lastProbed === run.retiring.keyId;
    if (wasUsed && !isOver)
      watch.violate("S8", `the retiring key of ${policy.name} is probed in phase ${phase}`);
  }
}

/** The incoming version is current when PromoteVersion says so, and no longer pending. */
export function promotionIsTidy(watch: Witness, { input }: Invocation): void {
  const { secretArn, rotationId } = input as { readonly secretArn: string; readonly rotationId: string };
  const secret = watch.secrets.get(secretArn);
  const run = promotedRun(secret?.record?.run);
  if (secret === undefined || secret.hand !== undefined || run?.rotationId !== rotationId) return;
  const versions = watch.world.store.versions(secretArn);
  const version = versions.find(({ versionId }) => versionId === run.incoming.versionId);
  if (version?.labels.includes("AWSPENDING"))
    watch.violate("L3", `AWSPENDING stays on the promoted version of ${secret.policy.name}`);
}

// ---- the item --------------------------------------------------------------------------------------------

interface Change {
  readonly secret: WatchedSecret;
  readonly before: SecretRecord;
  readonly next: SecretRecord;
}

/** The rules that are asked of every write to a secret's item, at the instant of the write. */
export function afterRecord(watch: Witness, change: Change): void {
  const { secret, before, next } = change;
  const { name } = secret.policy;
  if (next.fence < before.fence)
    watch.violate("S4", `the fence of ${name} went from ${before.fence} to ${next.fence}`);
  if (before.lease && next.lease && before.lease.runId !== next.lease.runId && next.lease.kind !== "incident")
    watch.violate("S4", `the lease of ${name} went from ${before.lease.runId} to ${next.lease.runId}`);
  writerHoldsFence(watch, change);
  nothingOpensOnHold(watch, change);
  nobodyLeavesInFlight(watch, change);
  settledRunIsOver(watch, change);
  termsAreMet(watch, change);
  const run = next.run;
  waitIsNews(watch, change);
  if (run === undefined) {
    closedRunIsDone(watch, change);
    return;
  }
  if (before.run === undefined) {
    if (promotedRun(run) === undefined) retiringIsCurrent(watch, secret, run.retiring.keyId);
    else retiringWasLeft(watch, change);
  }
  if (run.phase === "proven" && before.run?.phase === "staged")
    keyIsProven(watch, secret, run.incoming.keyId);
  const promoted = promotedRun(run);
  const phaseBefore = before.run?.phase;
  if (promoted === undefined || promoted.phase === phaseBefore) return;
  watch.wasRetiring.add(run.retiring.keyId);
  if (promoted.phase === "quarantined") watch.wasQuarantined.add(run.retiring.keyId);
  if (promoted.phase === "revoking") watch.wasLetGo.add(run.retiring.keyId);
  const { keyId } = run.retiring;
  const isIncidents = isContained(watch, { keyId, end: "disabled" }) || isUndone(watch, keyId);
  const isLetGo = promoted.phase === "quarantined" || promoted.phase === "revoking";
  // What a take-over left is as far gone as it was: its run recorded that, and was asked then.
  if (isLetGo && !isIncidents && before.run !== undefined)
    mayLetGo(watch, { secret: change.secret, before, run: promoted });
  if (promoted.phase === "dead") keyIsDead(watch, promoted);
}

/** S4: whoever settles a run that is not its own has seen its execution closed. */
function settledRunIsOver(watch: Witness, { before: { lease }, next, secret }: Change): void {
  if (lease === undefined || next.lease?.runId === lease.runId) return;
  const by = watch.call?.invocation.functionName;
  if (by !== "sweep" && by !== "settle-closed") return;
  const run = watch.world.runs.get(lease.executionArn);
  if (run !== undefined && run.outcome === undefined && run.redrives === 0)
    watch.violate("S4", `${by} takes ${secret.policy.name} from ${lease.runId}, which is at work`);
}

/** A hold keeps new runs out, and a secret that somebody else touched waits for a person. */
function nothingOpensOnHold(watch: Witness, { before, next, secret }: Change): void {
  if (before.lease !== undefined || next.lease?.kind !== "rotation") return;
  const why = before.hold ? "held" : before.frozen ? "frozen" : undefined;
  if (why) watch.violate("S2", `${next.lease.runId} opens on ${secret.policy.name}, which is ${why}`);
}

/** Whoever leaves a secret would leave what its run has made, and its lease, to nobody. */
function nobodyLeavesInFlight(watch: Witness, { before, next, secret }: Change): void {
  if (before.lease === undefined || next.hold?.leaving === undefined) return;
  if (before.hold?.leaving !== undefined) return;
  watch.violate("S4", `${secret.policy.name} is left while ${before.lease.runId} holds it`);
}

/** No wake-up is lost: a wait is stored only while nothing has changed since its decision. */
function waitIsNews(watch: Witness, { before, next, secret }: Change): void {
  if (next.wait === undefined || next.wait.token === before.wait?.token) return;
  const input = watch.call?.invocation.input as { readonly seenSeq?: number } | undefined;
  const seenSeq = input?.seenSeq;
  if (seenSeq !== undefined && seenSeq !== before.seq)
    watch.violate(
      "L3",
      `a wake-up of ${secret.policy.name} is lost: its wait is stored for ${seenSeq} at ${before.seq}`,
    );
}

/** L6: a promoted run leaves the item only when its retiring key is dead, kept by the policy, or a person answers for it. */
function closedRunIsDone(watch: Witness, { before, next, secret }: Change): void {
  const run = promotedRun(before.run);
  if (run === undefined || incidentEndsIt(watch, run.incoming.keyId)) return;
  const kept = next.keys.find(({ keyId }) => keyId === run.retiring.keyId)?.retained === true;
  if (kept && run.phase === "promoted" && secret.policy.retain) return;
  if (run.phase !== "dead" && !isWaived(watch, run.retiring.keyId))
    watch.violate("L6", `the run on ${secret.policy.name} is closed while its retiring key is ${run.phase}`);
}

/** S4: a function of a run may change the run, the lease and the keys only while its run holds the fence. */
function writerHoldsFence(watch: Witness, { before, next, secret }: Change): void {
  const input = watch.call?.invocation.input;
  const rotationId = rotationOf(input);
  if (rotationId === undefined || !isOwned(watch.call?.invocation.functionName)) return;
  const fence = (input as { readonly fence?: number }).fence;
  const isHolder = before.lease?.runId === rotationId && (fence === undefined || fence === before.fence);
  if (!isHolder && !sameParts(before, next))
    watch.violate(
      "S4",
      `${rotationId} writes the item of ${secret.policy.name}, which ${before.lease?.runId ?? "nobody"} holds`,
    );
}

const sameParts = (a: SecretRecord, b: SecretRecord) =>
  JSON.stringify([a.run, a.lease, a.keys]) === JSON.stringify([b.run, b.lease, b.keys]);

const isOwned = (functionName: string | undefined) =>
  functionName !== undefined && !["open-rotation", "record-evidence", "sweep"].includes(functionName);

function retiringIsCurrent(watch: Witness, secret: WatchedSecret, keyId: string): void {
  const { hand, current } = secret;
  const id = watch.call?.invocation.id;
  const life = id === undefined ? undefined : watch.lives.get(id);
  if (current.keyId === keyId || (hand !== undefined && hand.step > (life?.startedStep ?? 0))) return;
  watch.violate(
    "S2",
    `the run on ${secret.policy.name} takes ${keyId} for the retiring key, and AWSCURRENT holds ${current.keyId}`,
  );
}

/** A run that starts as promoted takes up what a take-over left behind, and nothing else. */
function retiringWasLeft(watch: Witness, { before, next, secret }: Change): void {
  const { retiring, phase } = next.run ?? {};
  const known = before.keys.find((key) => key.keyId === retiring?.keyId);
  const isLeft = known !== undefined && isSpent(known) && known.compromised !== true;
  const isSame = known?.state === (phase === "promoted" ? "retiring" : phase);
  if (!isLeft || !isSame || before.lease !== undefined)
    watch.violate(
      "S2",
      `a run on ${secret.policy.name} takes up ${retiring?.keyId} as ${phase}: it is ${known?.state}`,
    );
}

function keyIsProven(watch: Witness, secret: WatchedSecret, keyId: string): void {
  watch.look();
  if (watch.isUsable(keyId)) secret.proven.add(keyId);
}

/** L6: done means that the provider was seen to refuse it. */
function keyIsDead(watch: Witness, { retiring, death }: PromotedRun): void {
  watch.look();
  if (watch.keyState(retiring.keyId)?.isAccepted)
    watch.violate("L6", `${retiring.keyId} is called dead and is accepted`);
  if ((death?.refusals ?? 0) === 0 && watch.keyState(retiring.keyId)?.isListed)
    watch.violate("L6", `${retiring.keyId} is called dead, and nobody saw it refused`);
}
