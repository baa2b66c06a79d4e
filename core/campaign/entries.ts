import type { Campaign, CampaignEntry, CampaignPage } from "./record.ts";

/** Of too many entries those in the middle go: the first say what was ordered, the last how it stands. */
const timelineMax = 200;
const pagesMax = 50;

export function addCampaignEntry(campaign: Campaign, entry: CampaignEntry): Campaign {
  const [first = entry, ...rest] = [...campaign.timeline, entry];
  return { ...campaign, timeline: [first, ...rest.slice(-(timelineMax - 1))] };
}

export function addCampaignPage(campaign: Campaign, page: CampaignPage): Campaign {
  const told = { ...campaign, pages: [...campaign.pages, page].slice(-pagesMax) };
  const where = page.delivered.length === 0 ? "no channel took it" : page.delivered.join(", ");
  return addCampaignEntry(told, { atMs: page.atMs, what: "paged", detail: `${page.reason}: ${where}` });
}
