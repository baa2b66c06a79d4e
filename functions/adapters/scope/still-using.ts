import { type Evidence, isInstance } from "../../../core/adoption/evidence.ts";
import type { Deps, ScopeQuestion } from "../../deps.ts";

const shownMax = 50;

/** Instances that reported a use of the key, accepted or refused, after its replacement was promoted. */
export async function stillUsing(
  key: ScopeQuestion["keys"][number],
  { secrets }: ScopeQuestion,
  { ledger }: Pick<Deps, "ledger">,
): Promise<readonly string[]> {
  const { fingerprint, promotedAtMs } = key;
  if (fingerprint === undefined || promotedAtMs === undefined) return [];
  const names = new Set<string>();
  for (const { secretArn } of secrets) {
    for (const evidence of await ledger.evidence(secretArn)) {
      const name = nameIfUsing(evidence, { fingerprint, promotedAtMs });
      if (name !== undefined) names.add(name);
    }
  }
  return [...names].sort().slice(0, shownMax);
}

function nameIfUsing(
  evidence: Evidence,
  { fingerprint, promotedAtMs }: { readonly fingerprint: string; readonly promotedAtMs: number },
): string | undefined {
  if (!isInstance(evidence)) return undefined;
  const { uses, observedAtMs, environment, consumer, instance } = evidence;
  const wasUsed = uses.some((use) => {
    if (use.fingerprint !== fingerprint) return false;
    const ages = [use.lastSuccessAgoMs, use.lastRefusalAgoMs].filter((age) => age !== null);
    return ages.some((agoMs) => observedAtMs - agoMs > promotedAtMs);
  });
  return wasUsed ? `${environment}/${consumer}/${instance}` : undefined;
}
