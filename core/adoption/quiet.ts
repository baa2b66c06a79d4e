import type { Evidence, ProviderEvidence } from "./evidence.ts";
import type { AdoptionReason, AdoptionView } from "./view.ts";

/**
 * Reasons why the retiring key does not yet count as unused for the quiet window, by every signal in the
 * policy (S8).
 */
export function useNotQuiet(view: AdoptionView): readonly AdoptionReason[] {
  const { consumers, signals, isAdminCredential } = view.policy;
  if (consumers === "none" && signals.length === 0 && isAdminCredential !== true) return [];
  const provider = signals.includes("provider");
  return [...windowOpen(view), ...(provider ? whyProviderNotQuiet(view) : [])];
}

export function providerEvidenceIn(evidence: readonly Evidence[]): ProviderEvidence | undefined {
  return evidence.find((item): item is ProviderEvidence => item.kind === "provider");
}

/**
 * If the provider's figures are an hour late, they do not show the last hour. So the lag is added to the
 * window: otherwise a key in steady use could look quiet.
 */
export function quietNeededMs({ policy, evidence }: AdoptionView): number {
  const lagMs = policy.signals.includes("provider") ? (providerEvidenceIn(evidence)?.lagMs ?? 0) : 0;
  return policy.quietMs + lagMs;
}

function windowOpen(view: AdoptionView): readonly AdoptionReason[] {
  const remainingMs = view.promotedAtMs + quietNeededMs(view) - view.nowMs;
  if (remainingMs <= 0) return [];
  const detail = "the quiet window since the promotion is still open";
  return [{ reason: "QuietWindowOpen", source: "policy", remainingMs, detail }];
}

/** Both times come from the provider's clock, so our clock's skew cannot revoke early (T1). */
function whyProviderNotQuiet(view: AdoptionView): readonly AdoptionReason[] {
  const use = providerEvidenceIn(view.evidence)?.retiring;
  if (use === undefined || use.keyId !== view.retiring.keyId) {
    const detail = "the provider has not said when the retiring key was last used";
    return [{ reason: "ProviderSilent", source: "provider", detail }];
  }
  const still = { reason: "RetiringKeyStillUsed", source: "provider" } as const;
  if (use.lastUsedAtMs === undefined) {
    const { requests = 0 } = use;
    return requests === 0 ? [] : [{ ...still, detail: `the provider counted ${requests} requests with it` }];
  }
  const agoMs = use.seenAtMs - use.lastUsedAtMs;
  const remainingMs = quietNeededMs(view) - agoMs;
  return remainingMs <= 0 ? [] : [{ ...still, agoMs, remainingMs, detail: "the provider saw it used" }];
}
