import { together } from "../../consumers/together.ts";
import type { Evidence } from "../../core/adoption/evidence.ts";
import { whichAreAsked } from "../../core/campaign/asked.ts";
import { progressOf } from "../../core/campaign/progress.ts";
import type { CampaignKey } from "../../core/campaign/record.ts";
import { isReporting } from "../../core/policy.ts";
import type { Fingerprint } from "../../core/ports.ts";
import { currentKey } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";

const atOnceMax = 16;

/** Every key of the campaign, with how its incident stood when its turn to be asked last came. */
export async function refreshKeys(
  { campaignId, turn }: { readonly campaignId: string; readonly turn: number },
  deps: Pick<Deps, "ledger">,
): Promise<readonly CampaignKey[]> {
  const keys = await deps.ledger.campaigns.keysOf(campaignId);
  const asked = new Set(whichAreAsked(keys, turn));
  const work = (key: CampaignKey) => (asked.has(key) ? refreshed({ campaignId, key }, deps) : key);
  return together(keys, { atOnceMax, work: async (key) => work(key) });
}

async function refreshed(
  { campaignId, key }: { readonly campaignId: string; readonly key: CampaignKey },
  deps: Pick<Deps, "ledger">,
): Promise<CampaignKey> {
  const { incidentId = "", place } = key;
  const record = await deps.ledger.incidents.incident(incidentId);
  if (record === undefined) return key;
  const wasMoving = key.progress?.isReplaced === true && !key.progress.isOver;
  const refused = wasMoving ? await refusedInstances(key, deps) : (key.progress?.refusedInstances ?? 0);
  const progress = progressOf(key, record, refused);
  if (JSON.stringify(progress) === JSON.stringify(key.progress)) return key;
  return deps.ledger.campaigns.changeCampaignKey({ campaignId, place }, (now) => ({ ...now, progress }));
}

/** Instances whose last request with the replacement was refused: their users see failures. */
async function refusedInstances({ secretArn }: CampaignKey, { ledger }: Pick<Deps, "ledger">) {
  const incoming = currentKey(await ledger.secret(secretArn))?.fingerprint;
  if (incoming === undefined) return 0;
  return (await ledger.evidence(secretArn)).filter((item) => isRefused(item, incoming)).length;
}

function isRefused(item: Evidence, incoming: Fingerprint): boolean {
  if (!isReporting(item.kind) || !("uses" in item)) return false;
  return item.uses.some(({ fingerprint, lastRefusalAgoMs, lastSuccessAgoMs }) => {
    if (fingerprint !== incoming || lastRefusalAgoMs === null) return false;
    return lastSuccessAgoMs === null || lastRefusalAgoMs < lastSuccessAgoMs;
  });
}
