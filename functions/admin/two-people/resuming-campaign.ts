import { figuresOf } from "../../../core/campaign/progress.ts";
import type { AdminDeps } from "../../deps.ts";
import type { Given, What } from "./what.ts";

/**
 * Further keys are replaced and contained from then on, as if the campaign were opened now. What failed so far no
 * longer pauses it, so the second person sees how much that is: if more fails meanwhile, it is another order.
 */
export async function resumingCampaign(given: Given, { ledger }: AdminDeps): Promise<What | undefined> {
  const campaign = await ledger.campaigns.campaign(String(given["campaign"]));
  if (campaign?.paused === undefined) return undefined;
  const { title, paused } = campaign;
  const { keys, started, failed } = figuresOf(await ledger.campaigns.keysOf(campaign.campaignId));
  return {
    order: "campaign resume: the keys that are still to come are replaced and contained",
    ...{ campaign: campaign.campaignId, covers: title, reason: String(given["reason"]) },
    ...{ pausedBy: paused.by, pausedBecause: paused.why },
    ...{ stillToCome: String(keys - started), failedSoFar: String(failed) },
  };
}
