import { utcText } from "../utc.ts";
import type { Campaign, CampaignKey } from "./record.ts";

/** What `rekey watch` and the console page show: the campaigns that are not done, and the incidents of none of them. */
export function campaignsAtWork<
  Line extends Pick<Campaign, "campaignId" | "status">,
  Incident extends { readonly campaignId?: string },
>(
  every: readonly Line[],
  incidents: readonly Incident[],
): { readonly campaigns: readonly Line[]; readonly incidents: readonly Incident[] } {
  const campaigns = every.filter(({ status }) => status !== "done");
  // The campaign's one line stands for its incidents.
  const told = new Set(campaigns.map(({ campaignId }) => campaignId));
  const isTold = ({ campaignId }: Incident) => campaignId !== undefined && told.has(campaignId);
  return { campaigns, incidents: incidents.filter((incident) => !isTold(incident)) };
}

/** How one key of a campaign stands, in words. */
export function keyStanding({
  startedAtMs,
  progress,
}: Pick<Partial<CampaignKey>, "startedAtMs" | "progress">): string {
  if (startedAtMs === undefined) return "waits for its turn";
  if (progress?.containedAtMs !== undefined) return `contained ${utcText(progress.containedAtMs)}`;
  if (progress?.failure !== undefined) return progress.failure;
  return progress?.isReplaced === true ? "replaced, its consumers move" : "begun";
}
