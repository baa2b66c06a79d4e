import type { ProviderEvidence } from "../core/adoption/evidence.ts";
import { isOnlyRestarted, type Policy } from "../core/policy.ts";
import type { KeyId, KeyProvider, KeyUse } from "../core/ports.ts";

interface Question {
  readonly policy: Policy;
  readonly retiringKeyId: KeyId;
  readonly incomingKeyId: KeyId;
  readonly promotedAtMs: number;
  readonly nowMs: number;
}

/** What the provider saw of both keys. The incoming one is asked about only if a policy demands use of it. */
export async function observeProvider(question: Question, provider: KeyProvider): Promise<ProviderEvidence> {
  const { policy, retiringKeyId, incomingKeyId, nowMs } = question;
  const lagMs = provider.propagation.usageLagMs;
  const sinceMs = Math.max(question.promotedAtMs, nowMs - policy.quietMs - lagMs);
  const ask = async (keyId: KeyId) => heard(await provider.use({ keyId, sinceMs }), provider);
  const retiring = await ask(retiringKeyId);
  const incoming = wantsIncomingUse(policy) ? await ask(incomingKeyId) : undefined;
  return {
    kind: "provider",
    observedAtMs: nowMs,
    lagMs,
    ...(retiring && { retiring }),
    ...(incoming && { incoming }),
  };
}

/** What the provider saw of the only key of an observed secret. */
export async function observeKey(
  { keyId, sinceMs, nowMs }: { readonly keyId: KeyId; readonly sinceMs: number; readonly nowMs: number },
  provider: KeyProvider,
): Promise<ProviderEvidence> {
  const incoming = heard(await provider.use({ keyId, sinceMs }), provider);
  return {
    ...{ kind: "provider", observedAtMs: nowMs, lagMs: provider.propagation.usageLagMs },
    ...(incoming && { incoming }),
  };
}

/**
 * "No use seen" counts only from a provider that reports last-used times or request counts. Otherwise it
 * proves nothing.
 */
function heard(use: KeyUse | undefined, { capabilities }: KeyProvider): KeyUse | undefined {
  const isSilent = use?.lastUsedAtMs === undefined && use?.requests === undefined && !capabilities.lastUsed;
  return isSilent ? undefined : use;
}

/** True if a consumer has to be seen using the incoming key; then Rekey's own calls with it would mislead. */
export function wantsIncomingUse({ consumers }: Policy): boolean {
  return (
    consumers !== "none" && consumers.some((consumer) => consumer.demandUse || isOnlyRestarted(consumer))
  );
}
