import { NeedsHuman } from "../core/errors.ts";
import { changeKey, isPast, refOf, told } from "../core/incident.ts";
import { whyContained } from "../core/incident-person.ts";
import { isQuarantinable } from "../core/incident-plan.ts";
import type { IncidentRecord, KeyInScope, UseBefore } from "../core/incident-record.ts";
import { markContained, markContaining } from "../core/incident-takeover.ts";
import { everybodyMoved, whyHandedOut, whyNotContain } from "../core/incident-turns.ts";
import type { Policy } from "../core/policy.ts";
import type { KeyId, KeyProvider } from "../core/ports.ts";
import { assertNotStopped } from "./brake.ts";
import type { Deps } from "./deps.ts";
import { handedOutAgain, noteHandedOut } from "./handed-out-again.ts";
import { changeIncident } from "./incident-change.ts";
import { policyOfKey } from "./incident-policy.ts";
import { incidentOf, type KeyStepInput, keyOf, recordedAt } from "./incident-step.ts";
import { waitSecondsFor } from "./incident-wait.ts";
import { restoreKey } from "./restore-key.ts";
import { lookAtUse, withUse } from "./use-before.ts";

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
  /** Under way beside what else is asked first; waited for before the intents, so that these stay together. */
  readonly use: Promise<UseBefore | undefined>;
}

/** Does what the turn says: quarantines where that can be undone and somebody may need it, else revokes. */
export async function contain(containing: Containing, deps: Deps): Promise<Turn> {
  const { input, record, key } = containing;
  const refusal = whyNotContain(record, key);
  if (refusal !== undefined || key.keyId === undefined) {
    throw new NeedsHuman(`${refOf(key)} is not contained: ${refusal ?? "its id is not known"}`);
  }
  const policy = await policyOfKey(key, deps);
  await assertNotStopped(policy, deps, { incident: true });
  const provider = deps.provider(policy);
  const { keyId } = key;
  if (!provider.capabilities.revoke) return leaveToPerson({ ...containing, keyId, policy }, deps);
  const use = lookAtUse({ record, key, nowMs: input.at, during: "containing" }, deps);
  const order = { ...containing, keyId, policy, provider, use };
  // Also when it is recorded as begun: perhaps it was not done, and whoever fetched the key again still works with it.
  const handedOut = await handedOutAgain({ record, key, nowMs: input.at }, deps);
  if (handedOut !== undefined) {
    const seen = { incidentId: record.incidentId, key, handedOut, use: await use, atMs: input.at };
    const noted = await noteHandedOut(seen, deps);
    const reason = whyHandedOut(noted, handedOut);
    return waitUntil(noted, { input, untilMs: handedOut.lookAgainAtMs, reason });
  }
  const scopes = await quarantineScopes(order, deps);
  if (scopes !== "no" && (await quarantine({ ...order, scopes }, deps))) {
    const now = await incidentOf(input, deps);
    const untilMs = keyOf(now, input.ref).revokeAtMs ?? input.at;
    return waitUntil(now, { input, untilMs, reason: "accepted" });
  }
  return goOn(await revoke(order, deps));
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

/** The intent comes first, in every secret that knows the key: whoever crashes now has revoked it already. */
async function recordIntent(
  { input, record, key, keyId, use }: Order,
  state: "quarantined" | "revoking",
  deps: Deps,
): Promise<void> {
  const seen = await use;
  const holds = new Map<string, string>();
  for (const { secretArn, versionId } of record.secrets) {
    const stored = await deps.ledger.secret(secretArn);
    if (stored.hold) holds.set(secretArn, `${stored.hold.by}: ${stored.hold.reason}`);
    const known = stored.keys.find((each) => each.keyId === keyId);
    const place = {
      keyId,
      versionId: known?.versionId ?? versionId ?? "",
      fingerprint: known?.fingerprint ?? key.fingerprint ?? "",
    };
    const isHere = known !== undefined || stored.run?.retiring.keyId === keyId;
    if (isHere)
      await deps.ledger.changeSecret(secretArn, (now) => markContaining(now, { key: place, state }));
  }
  const next = state === "revoking" ? ("revoking" as const) : ("quarantining" as const);
  await changeIncident(
    record.incidentId,
    (now) => {
      const known = keyOf(now, input.ref);
      const isRepeat = known.state === next && known.handedOutAgain === undefined;
      if (isPast(known, next) || isRepeat) return now;
      const intended = changeKey(now, input.ref, ({ blocked: _tried, handedOutAgain: _seen, ...each }) => ({
        ...withUse(each, seen),
        state: next,
        ...(state === "revoking" && { revokeIntendedAtMs: input.at }),
      }));
      const secrets = intended.secrets.map((secret) => {
        const held = holds.get(secret.secretArn);
        return held === undefined ? secret : { ...secret, held };
      });
      const what = state === "revoking" ? ("revokeIntended" as const) : ("quarantineIntended" as const);
      return told({ ...intended, secrets }, { atMs: input.at, what, detail: whyContained(now), keyId });
    },
    deps,
  );
}

async function revoke(order: Order, deps: Deps): Promise<IncidentRecord> {
  const { input, record, key, keyId, provider } = order;
  const isFirst = key.revokeIntendedAtMs === undefined && key.quarantinedAtMs === undefined;
  await recordIntent(order, "revoking", deps);
  const outcome = await provider.revoke(keyId);
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
      return told(accepted, { atMs: acceptedAtMs, what: "revokeAccepted", detail: outcome, keyId });
    },
    deps,
  );
}

/**
 * A quarantine that contains can be undone, so it comes first where somebody may still need the key: the scopes
 * with which it can be undone exactly, or "no". Once everybody has moved there is nobody to undo it for.
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

/** False when the provider cannot: then the key is revoked at once. */
async function quarantine(
  order: Order & { readonly scopes: readonly string[] | undefined },
  deps: Deps,
): Promise<boolean> {
  const { input, record, keyId, provider, policy, scopes } = order;
  await recordIntent(order, "quarantined", deps);
  const outcome = await provider.quarantine({ keyId, ...(scopes && { scopes }) });
  if (outcome === "cannot") return false;
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
      return told(next, { atMs: quarantinedAtMs, what: "quarantined", detail: "it can be undone", keyId });
    },
    deps,
  );
  const key = keyOf(after, input.ref);
  // Undone while the call was on its way: the person's restore may have come before it.
  if (key.state === "waiting") await restoreKey({ record: after, key, keyId }, deps);
  return true;
}

/** No call of this provider revokes: a person is paged at once, and Rekey watches for the key's death. */
async function leaveToPerson(
  { input, record, keyId, policy }: Omit<Order, "provider" | "use">,
  deps: Deps,
): Promise<Turn> {
  const blocked = `${policy.provider.kind} has no call that revokes a key: a person has to do it now`;
  const now = await changeIncident(
    record.incidentId,
    (known) => {
      if (keyOf(known, input.ref).byHand) return known;
      const next = changeKey(known, input.ref, (each) => ({
        ...each,
        ...{ state: "needsPerson", byHand: true, blocked },
      }));
      return told(next, { atMs: input.at, what: "personNeeded", detail: blocked, keyId });
    },
    deps,
  );
  return { ...goOn(now), reason: blocked };
}
