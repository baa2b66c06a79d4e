import type { Campaign, CampaignKey } from "../core/campaign/record.ts";
import { InputInvalid } from "../core/errors.ts";
import type { TableKey } from "../core/ports.ts";
import type { Documents } from "./documents.ts";

export type * from "../core/campaign/record.ts";

/** A place that was breached. Nothing is written there until a person declares it clean. */
export interface Breach {
  readonly destination: string;
  readonly campaignId: string;
  readonly by: string;
  readonly sinceMs: number;
}

/** The campaigns of a ledger, used as `ledger.campaigns`. */
export function campaignsIn(at: Documents) {
  return {
    campaigns: () => at.all<Campaign>({ kind: "CAMPAIGN", id: "all" }),
    campaign: (campaignId: string) => at.read<Campaign>(campaignAt(campaignId)),
    keysOf: (campaignId: string) => at.all<CampaignKey>({ kind: "CAMPAIGN", id: campaignId }),

    /** Writes the campaign unless it exists already; after its keys, so that nobody works on half of them. */
    openCampaign: (campaign: Campaign) =>
      at.change<Campaign>(campaignAt(campaign.campaignId), (stored) => stored ?? campaign),
    changeCampaign: (campaignId: string, change: (now: Campaign) => Campaign) =>
      at.change<Campaign>(campaignAt(campaignId), (stored) => change(known(stored, campaignId))),

    addCampaignKey: (campaignId: string, key: CampaignKey) =>
      at.change<CampaignKey>(keyAt(campaignId, key.place), (stored) => stored ?? key),
    changeCampaignKey: (
      { campaignId, place }: { readonly campaignId: string; readonly place: number },
      change: (now: CampaignKey) => CampaignKey,
    ) => at.change<CampaignKey>(keyAt(campaignId, place), (stored) => change(known(stored, campaignId))),

    breaches: () => at.all<Breach>({ kind: "CAMPAIGN", id: "breaches" }),
    breach: (destination: string) => at.read<Breach>(breachAt(destination)),
    putCampaignBreach: (breach: Breach) =>
      at.change<Breach>(breachAt(breach.destination), (stored) => stored ?? breach),
    removeCampaignBreach: (destination: string) => at.remove(breachAt(destination)),
  };
}

function known<Body>(stored: Body | undefined, campaignId: string): Body {
  if (stored === undefined) throw new InputInvalid(`there is no campaign ${campaignId}`);
  return stored;
}

const campaignAt = (campaignId: string): TableKey => ({ kind: "CAMPAIGN", id: "all", sort: campaignId });
const breachAt = (destination: string): TableKey => ({ kind: "CAMPAIGN", id: "breaches", sort: destination });
const keyAt = (campaignId: string, place: number): TableKey => ({
  kind: "CAMPAIGN",
  id: campaignId,
  sort: String(place).padStart(6, "0"),
});
