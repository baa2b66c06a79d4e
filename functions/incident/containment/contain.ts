import { NeedsHuman } from "../../../core/errors.ts";
import { isUndone, whyContained } from "../../../core/incident/orders.ts";
import { isQuarantinable } from "../../../core/incident/plan.ts";
import type { IncidentRecord, KeyInScope, LastUse } from "../../../core/incident/record.ts";
import { assertNotIncoming, markContained, markContaining } from "../../../core/incident/takeover.ts";
import { addToTimeline, changeKey, isPast, refOf } from "../../../core/incident/transitions.ts";
import { containTurn, everybodyMoved, whyCurrentAgain, whyNotContain } from "../../../core/incident/turns.ts";
import type { Policy } from "../../../core/policy.ts";
import type { KeyId, KeyProvider } from "../../../core/ports.ts";
import type { Deps } from "../../deps.ts";
import { assertSameAccount } from "../../secret/same-account.ts";
import { assertNotStopped } from "../../secret/stop-order.ts";
import { changeIncident, waitSecondsFor } from "../record/change.ts";
import { policyOfKey } from "../record/policies.ts";
import { type KeyStepInput, keyOf, recordedAt } from "../record/step-input.ts";
import { currentAgain, noteCurrentAgain } from "./current-again.ts";
import { lookAtUse, withUse } from "./last-use.ts";
import { restoreKeys } from "./undo-containment.ts";

export interface Turn {
  readonly outcome: "over" | "wait" | "prove" | "giveUp";
  readonly seenSeq: number;
  readonly waitSeconds: number;
  readonly reason: string;
}

interface Containing {
  readonly input: KeyStepInput;
  readonly record: IncidentRecord;
  readonly key: KeyInScope;
}

interface Order extends Containing {
  readonly keyId: KeyId;
  readonly policy: Policy;
  readonly provider: KeyProvider;
  /**
   * Started early, beside the other checks. Awaited before the intents are written, so that the intents and
   * the call stay close together.
   */
  readonly use: Promise<LastUse | undefined>;
}

/** Does what the turn says: quarantines if that can be undone and somebody may need the key, otherwise revokes. */
export async function contain(containing: Containing, deps: Deps): Promise<Turn> {
  const { input, record, key } = containing;
  const refusal = whyNotContain(record, key);
  if (refusal !== undefined || key.keyId === undefined) {
    throw new NeedsHuman(`${refOf(key)} is not contained: ${refusal ?? "its id is not known"}`);
  }
  const policy = await policyOfKey({ record, key }, deps);
  await assertNotStopped(policy, deps, { isIncident: true });
  const provider = deps.provider(policy);
  const { keyId } = key;
  if (!provider.capabilities.revoke) return leaveToPerson({ ...containing, keyId, policy }, deps);
  const use = lookAtUse({ record, key, nowMs: input.at, during: "containing" }, deps);
  const order = { ...containing, keyId, policy, provider, use };
  // Also checked if the intent is recorded: the call may not have been made, and consumers that fetched the
  // key again still work with it.
  const again = await currentAgain({ record, key, nowMs: input.at }, deps);
  if (again !== undefined) {
    const seen = { incidentId: record.incidentId, key, again, use: await use, atMs: input.at };
    const noted = await noteCurrentAgain(seen, deps);
    const reason = whyCurrentAgain(noted, again);
    return waitUntil(noted, { input, untilMs: again.lookAgainAtMs, reason });
  }
  const scopes = await quarantineScopes(order, deps);
  const quarantined = scopes === "no" ? "cannot" : await quarantine({ ...order, scopes }, deps);
  if (quarantined === "calledOff") return decideAgain(record);
  if (quarantined !== "cannot") {
    const untilMs = keyOf(quarantined, input.ref).revokeAtMs ?? input.at;
    return waitUntil(quarantined, { input, untilMs, reason: "quarantined" });
  }
  const revoked = await revoke(order, deps);
  return revoked === "calledOff" ? decideAgain(record) : goOn(revoked);
}

/**
 * A person gave an order after the decision: the wait is not stored for an outdated record, and the turn is
 * decided again.
 */
function decideAgain({ seq }: IncidentRecord): Turn {
  return { outcome: "wait", seenSeq: seq, waitSeconds: 1, reason: "the incident was changed meanwhile" };
}

function waitUntil(
  record: IncidentRecord,
  {
    input,
    untilMs,
    reason,
  }: { readonly input: KeyStepInput; readonly untilMs: number; readonly reason: string },
): Turn {
  const waitSeconds = waitSecondsFor({ record, nowMs: input.at, untilMs });
  return { outcome: "wait", seenSeq: record.seq, waitSeconds, reason };
}

function goOn({ seq }: IncidentRecord): Turn {
  return { outcome: "prove", seenSeq: seq, waitSeconds: 1, reason: "accepted" };
}

/**
 * Writes the intent before the call: first in the incident, where it meets people's orders, then in every
 * secret that knows the key. Returns "calledOff" if the incident was called off meanwhile.
 */
async function recordIntent(
  order: Order,
  state: "quarantined" | "revoking",
  deps: Deps,
): Promise<"intended" | "calledOff"> {
  const { input, record, keyId, use } = order;
  const seen = await use;
  const holds = await holdsOver(order, deps);
  const next = state === "revoking" ? ("revoking" as const) : ("quarantining" as const);
  const intended = await changeIncident(
    record.incidentId,
    (now) => {
      const known = keyOf(now, input.ref);
      const isRepeat = known.state === next && known.currentAgain === undefined;
      const isAsked = containTurn(now, known, input.at).turn === "contain";
      if (!isAsked || isRepeat || isPast(known, next)) return now;
      const changed = changeKey(now, input.ref, ({ blocked: _tried, currentAgain: _seen, ...each }) => ({
        ...withUse(each, seen),
        state: next,
        ...(state === "revoking" && { revokeIntendedAtMs: input.at }),
      }));
      const secrets = changed.secrets.map((secret) => {
        const held = holds.get(secret.secretArn);
        return held === undefined ? secret : { ...secret, held };
      });
      const what = state === "revoking" ? ("revokeIntended" as const) : ("quarantineIntended" as const);
      return addToTimeline(
        { ...changed, secrets },
        { atMs: input.at, what, detail: whyContained(now), keyId },
      );
    },
    deps,
  );
  const known = keyOf(intended, input.ref);
  if (known.state !== next || containTurn(intended, known, input.at).turn !== "contain") return "calledOff";
  for (const place of record.secrets) await markIntent({ order, place, state }, deps);
  return "intended";
}

/** The secrets on hold whose key is contained anyway. Throws for a secret that is about to use the key. */
async function holdsOver({ record, keyId }: Order, deps: Deps): Promise<ReadonlyMap<string, string>> {
  const holds = new Map<string, string>();
  for (const { secretArn } of record.secrets) {
    const stored = await deps.ledger.secret(secretArn);
    assertNotIncoming(stored, keyId);
    if (stored.hold) holds.set(secretArn, `${stored.hold.by}: ${stored.hold.reason}`);
  }
  return holds;
}

interface Marking {
  readonly order: Order;
  readonly place: IncidentRecord["secrets"][number];
  readonly state: "quarantined" | "revoking";
}

async function markIntent({ order: { key, keyId }, place, state }: Marking, deps: Deps): Promise<void> {
  await deps.ledger.changeSecret(place.secretArn, (now) => {
    const known = now.keys.find((each) => each.keyId === keyId);
    if (known === undefined && now.run?.retiring.keyId !== keyId) return now;
    const versionId = known?.versionId ?? place.versionId;
    const fingerprint = known?.fingerprint ?? key.fingerprint;
    const contained = {
      ...{ keyId, ...(versionId !== undefined && { versionId }) },
      ...(fingerprint !== undefined && { fingerprint }),
    };
    return markContaining(now, { key: contained, state });
  });
}

async function revoke(order: Order, deps: Deps): Promise<IncidentRecord | "calledOff"> {
  const { input, record, key, keyId, provider } = order;
  const isFirst = key.revokeIntendedAtMs === undefined && key.quarantinedAtMs === undefined;
  if ((await recordIntent(order, "revoking", deps)) === "calledOff") return "calledOff";
  const outcome = await provider.revoke(keyId);
  if (outcome === "alreadyGone") {
    const isAccountKnown = key.account !== undefined;
    await assertSameAccount({ policy: order.policy, provider, keyId, isAccountKnown }, deps);
  }
  for (const { secretArn } of record.secrets) {
    await deps.ledger.changeSecret(secretArn, (now) => markContained(now, { keyId, revokedAtMs: input.at }));
    await deps.audit.append(secretArn, {
      id: `${record.incidentId}/revoke/${keyId}`,
      atMs: input.at,
      actor: record.incidentId,
      action: "CompromisedKeyRevoked",
      detail: { keyId, outcome, plan: record.plan },
    });
  }
  const acceptedAtMs = recordedAt(input.at, deps);
  return changeIncident(
    record.incidentId,
    (now) => {
      if (isPast(keyOf(now, input.ref), "revoking")) return now;
      const accepted = changeKey(now, input.ref, ({ blocked: _tried, ...each }) => ({
        ...each,
        state: "accepted",
        acceptedAtMs,
        dieMs: provider.propagation.dieMs,
        ...(isFirst && outcome === "alreadyGone" && { goneBefore: true }),
      }));
      return addToTimeline(accepted, { atMs: acceptedAtMs, what: "revokeAccepted", detail: outcome, keyId });
    },
    deps,
  );
}

/**
 * A quarantine that fully stops the key can be undone, so it comes first if somebody may still need the key.
 * Returns the scopes with which it can be undone exactly, or "no". If every consumer has moved, nobody needs
 * an undo.
 */
async function quarantineScopes(
  { record, key, keyId, provider }: Order,
  deps: Deps,
): Promise<readonly string[] | undefined | "no"> {
  const { capabilities } = provider;
  const isDone = key.quarantinedAtMs !== undefined || key.state === "revoking";
  if (!isQuarantinable(capabilities, { hasScopes: true }) || isDone || everybodyMoved(record)) return "no";
  for (const { secretArn } of record.secrets) {
    const known = (await deps.ledger.secret(secretArn)).keys.find((each) => each.keyId === keyId);
    if (known?.scopes !== undefined) return known.scopes;
  }
  return isQuarantinable(capabilities, { hasScopes: false }) ? undefined : "no";
}

/** If the provider answers "cannot", the key is revoked at once. */
async function quarantine(
  order: Order & { readonly scopes: readonly string[] | undefined },
  deps: Deps,
): Promise<IncidentRecord | "cannot" | "calledOff"> {
  const { input, record, keyId, provider, policy, scopes } = order;
  if ((await recordIntent(order, "quarantined", deps)) === "calledOff") return "calledOff";
  const outcome = await provider.quarantine({ keyId, ...(scopes && { scopes }) });
  if (outcome === "cannot") return "cannot";
  const after = await changeIncident(
    record.incidentId,
    (now) => {
      if (keyOf(now, input.ref).state !== "quarantining") return now;
      const quarantinedAtMs = recordedAt(input.at, deps);
      const revokeAtMs = input.at + policy.soakMs;
      const next = changeKey(now, input.ref, (each) => ({
        ...each,
        ...{ state: "quarantined", quarantinedAtMs, revokeAtMs },
      }));
      return addToTimeline(next, {
        atMs: quarantinedAtMs,
        what: "quarantined",
        detail: "it can be undone",
        keyId,
      });
    },
    deps,
  );
  // The quarantine was undone while its call was under way: the restore may have reached the provider first,
  // so it is repeated.
  if (isUndone(keyOf(after, input.ref))) await restoreKeys(after, deps);
  return after;
}

/** This provider has no revoke call: a person is paged at once, and Rekey probes until the key is dead. */
async function leaveToPerson(
  { input, record, keyId, policy }: Omit<Order, "provider" | "use">,
  deps: Deps,
): Promise<Turn> {
  const why = `${policy.provider.kind} has no call that revokes a key: a person has to do it now`;
  const now = await changeIncident(
    record.incidentId,
    (known) => {
      if (keyOf(known, input.ref).byHand) return known;
      const next = changeKey(known, input.ref, (each) => ({
        ...each,
        ...{ state: "needsPerson", byHand: true, blocked: { why } },
      }));
      return addToTimeline(next, { atMs: input.at, what: "personNeeded", detail: why, keyId });
    },
    deps,
  );
  return { ...goOn(now), reason: why };
}
