import * as z from "zod";
import { observeKey } from "../../consumers/provider.ts";
import { together } from "../../consumers/together.ts";
import { type Evidence, isOfNobody } from "../../core/adoption/evidence.ts";
import { afterLook, notAsked, whyNotAdopted } from "../../core/adoption/observation.ts";
import { AccountBusy, RotationError } from "../../core/errors.ts";
import { mistakesIn, type Policy } from "../../core/policy.ts";
import type { Fingerprint, KeyId } from "../../core/ports.ts";
import { standingReasons } from "../../core/rotation/gate.ts";
import { refusalText } from "../../core/rotation/refusal.ts";
import type { Secret } from "../../core/secret.ts";
import { whyNotRotateIn } from "../../core/store-fitness.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { assertMayBeKept } from "../../providers/key-of.ts";
import { keyIn } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";
import { whichAtProvider } from "../secret/key-at-provider.ts";
import { sharedWith } from "../secret/shared-key.ts";
import { stopFor } from "../secret/stop-order.ts";
import { whenFree } from "../secret/when-free.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";

const atOnceMax = 8;
/** Well within the function's ten minutes. What an account's budget does not let it reach has its turn the next time. */
const observeMsMax = 8 * 60_000;

/**
 * Looks at every secret under `mode: observe` with the reasons that a rotation's gate has, and keeps the answer. It makes,
 * moves and revokes nothing. A secret that cannot be looked at keeps its last answer, and the others go on.
 */
export const observeSecrets = step({
  name: "observe-secrets",
  input: z.object({ time: stampedAt.optional() }),
  run: async ({ time }, deps: Deps) => {
    const nowMs = time ?? deps.clock.nowMs();
    const observed = (await deps.ledger.policies()).filter(({ mode }) => mode === "observe");
    const policies = await longestAgoFirst(observed, deps);
    const untilMs = deps.clock.nowMs() + observeMsMax;
    const looks = await together(policies, {
      atOnceMax,
      work: (policy) => observeOne({ policy, nowMs, untilMs }, deps),
    });
    const count = (verdict: string) => looks.filter((each) => each === verdict).length;
    return {
      ...{ outcome: "observed", secrets: policies.length, failed: count("failed") },
      ...{ later: count("later"), wouldOpen: count("wouldOpen"), wouldNotOpen: count("wouldNotOpen") },
    };
  },
});

export const handler = onLambda(observeSecrets, wiring());

/** An account's budget may not be enough for all of them at once: then the others have their turn the next time. */
async function longestAgoFirst(policies: readonly Policy[], { ledger }: Deps): Promise<readonly Policy[]> {
  const looks = await together(policies, {
    atOnceMax,
    work: async (policy) => ({ policy, atMs: (await ledger.observation(policy.secretArn))?.atMs ?? 0 }),
  });
  return looks.toSorted((one, other) => one.atMs - other.atMs).map(({ policy }) => policy);
}

interface Observing {
  readonly policy: Policy;
  readonly nowMs: number;
}

async function observeOne(
  { untilMs, ...observing }: Observing & { readonly untilMs: number },
  deps: Deps,
): Promise<string> {
  const { secretArn } = observing.policy;
  const one = { functionName: "observe-secrets", secretArn, untilMs };
  try {
    return await whenFree(one, deps, () => look(observing, deps));
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    if (error instanceof AccountBusy) return "later";
    deps.log({ step: "observe-secrets", secretArn, outcome: "failed", error: error.name });
    return "failed";
  }
}

async function look({ policy, nowMs }: Observing, deps: Deps): Promise<string> {
  const { secretArn, overlapMs } = policy;
  const { versionId, text } = await deps.store.current(secretArn);
  const secret = keyIn(text, policy.field);
  assertMayBeKept(policy.provider.kind, secret);
  const fingerprint = fingerprintOf(secret);
  const which = await keyIdOf({ policy, secret }, deps);
  const evidence = await evidenceOf({ policy, nowMs, keyId: which.keyId }, deps);
  const current = { keyId: which.keyId ?? "", versionId, fingerprint };
  const reasons = whyNotAdopted({ policy, current, nowMs, evidence });
  const blockers = [...which.blockers, ...(await blockersOf({ policy, nowMs, fingerprint }, deps))];
  const seen = { atMs: nowMs, overlapMs, blockers, reasons, unasked: notAsked(policy) };
  const answer = await deps.ledger.changeObservation(secretArn, (before) =>
    afterLook(before, { ...seen, ...(which.keyId !== undefined && { keyId: which.keyId }) }),
  );
  return answer.verdict;
}

/** A rotation would not open on a key that the provider does not show; one that does not answer says nothing. */
async function keyIdOf(
  key: { readonly policy: Policy; readonly secret: Secret },
  deps: Deps,
): Promise<{ readonly keyId?: KeyId; readonly blockers: readonly string[] }> {
  try {
    const { keyId } = await whichAtProvider(key, deps.provider(key.policy));
    return { keyId, blockers: [] };
  } catch (error) {
    if (!(error instanceof RotationError) || error.retry === "later") throw error;
    return { blockers: [refusalText({ reason: error.name, detail: error.message })] };
  }
}

/** What is stored, and what the provider says now of the current key. */
async function evidenceOf(
  { policy, nowMs, keyId }: Observing & { readonly keyId: KeyId | undefined },
  deps: Deps,
): Promise<readonly Evidence[]> {
  const stored = (await deps.ledger.evidence(policy.secretArn)).filter((item) => !isOfNobody(item));
  if (keyId === undefined || !policy.signals.includes("provider")) return stored;
  const sinceMs = nowMs - policy.overlapMs;
  return [...stored, await observeKey({ keyId, sinceMs, nowMs }, deps.provider(policy))];
}

/** What keeps every rotation from its revoke, or from opening. Windows and freezes say when, not whether. */
async function blockersOf(
  { policy, nowMs, fingerprint }: Observing & { readonly fingerprint: Fingerprint },
  deps: Deps,
): Promise<readonly string[]> {
  const { secretArn, retain } = policy;
  const record = await deps.ledger.secret(secretArn);
  const stop = await stopFor(policy, deps);
  const others = await sharedWith({ fingerprint, secretArn }, deps);
  const facts = { record, policy: { retain }, nowMs, sharedWith: others };
  const standing = standingReasons({ ...facts, ...(stop && { stop: stop.detail }) });
  const wanted = { ...policy, mode: "rotate" } as const;
  const mistakes = [
    ...mistakesIn(wanted, deps.provider(policy)).map(({ message }) => message),
    ...whyNotRotateIn(deps.store.capabilities(secretArn)),
  ];
  return [
    ...mistakes.map((detail) => refusalText({ reason: "PolicyInvalid", detail })),
    ...standing.map(refusalText),
  ];
}
