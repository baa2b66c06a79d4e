import * as z from "zod";
import { deploymentChain } from "../../../audit/chain.ts";
import { addCampaignEntry } from "../../../core/campaign/entries.ts";
import { failedKeys } from "../../../core/campaign/progress.ts";
import { adminCommand, refused } from "../command.ts";
import { reasonText } from "../inputs.ts";

const campaignText = z.string().regex(/^c-[\w-]{1,78}$/, "is not the id of a campaign");

/** No further incident is opened; those that are open go on, because their keys have leaked. */
export const campaignPause = adminCommand({
  input: z.strictObject({ command: z.literal("campaign-pause"), campaign: campaignText, reason: reasonText }),
  run: async ({ input, caller }, { ledger, audit }) => {
    const known = await ledger.campaigns.campaign(input.campaign);
    if (known === undefined) return unknown(input.campaign);
    if (known.status !== "running") return { outcome: known.status, campaignId: known.campaignId };
    const { principal: by, atMs } = caller;
    const paused = { why: input.reason, by, atMs };
    const now = await ledger.campaigns.changeCampaign(known.campaignId, (campaign) =>
      campaign.status === "running"
        ? addCampaignEntry(
            { ...campaign, status: "paused", paused },
            { atMs, what: "paused", detail: input.reason, by },
          )
        : campaign,
    );
    await audit.append(deploymentChain, {
      id: `${caller.requestId}/campaign-pause`,
      ...{ atMs, actor: by, action: "CampaignPaused" },
      detail: { campaignId: now.campaignId, reason: input.reason },
    });
    return { outcome: now.status, campaignId: now.campaignId };
  },
});

/** Whoever resumes has seen what failed: it pauses itself again only for what fails from now on. */
export const campaignResume = adminCommand({
  input: z.strictObject({
    command: z.literal("campaign-resume"),
    campaign: campaignText,
    reason: reasonText,
  }),
  run: async ({ input, caller }, { ledger, audit }) => {
    const known = await ledger.campaigns.campaign(input.campaign);
    if (known === undefined) return unknown(input.campaign);
    if (known.status !== "paused") return { outcome: known.status, campaignId: known.campaignId };
    const failuresAccepted = failedKeys(await ledger.campaigns.keysOf(known.campaignId));
    const { principal: by, atMs, approvedBy } = caller;
    const detail = approvedBy === undefined ? input.reason : `${input.reason} (approved by ${approvedBy})`;
    const now = await ledger.campaigns.changeCampaign(known.campaignId, (campaign) => {
      if (campaign.status !== "paused") return campaign;
      const { paused: _over, ...rest } = campaign;
      const entry = { atMs, what: "resumed" as const, detail, by };
      return addCampaignEntry({ ...rest, status: "running", failuresAccepted }, entry);
    });
    await audit.append(deploymentChain, {
      id: `${caller.requestId}/campaign-resume`,
      ...{ atMs, actor: by, action: "CampaignResumed" },
      detail: { campaignId: now.campaignId, reason: input.reason, failuresAccepted },
    });
    return { outcome: now.status, campaignId: now.campaignId };
  },
});

/** From now on copies are written there again: a key that strangers can still read there leaks at once. */
export const campaignClean = adminCommand({
  input: z.strictObject({
    command: z.literal("campaign-clean"),
    destination: z.string().min(1).max(64),
    reason: reasonText,
  }),
  run: async ({ input, caller }, { ledger, audit }) => {
    const { destination, reason } = input;
    const breach = await ledger.campaigns.breach(destination);
    if (breach === undefined) {
      const detail = `no campaign holds ${destination} for breached`;
      return refused({ reason: "NotBreached", detail, hint: "see them with `rekey campaign list`" });
    }
    await audit.append(deploymentChain, {
      id: `${caller.requestId}/campaign-clean`,
      ...{ atMs: caller.atMs, actor: caller.principal, action: "DestinationDeclaredClean" },
      detail: { destination, campaignId: breach.campaignId, reason },
    });
    await ledger.campaigns.removeCampaignBreach(destination);
    return { outcome: "clean", destination, campaignId: breach.campaignId };
  },
});

function unknown(campaignId: string) {
  const hint = "see them with `rekey campaign list`";
  return refused({ reason: "UnknownCampaign", detail: `there is no campaign ${campaignId}`, hint });
}
