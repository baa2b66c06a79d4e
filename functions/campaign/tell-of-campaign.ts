import { duePage } from "../../core/campaign/due-page.ts";
import { addCampaignPage } from "../../core/campaign/entries.ts";
import { whyPersonNow } from "../../core/campaign/progress.ts";
import type { Campaign, CampaignKey, CampaignPage } from "../../core/campaign/record.ts";
import type { PageReason } from "../../core/incident/record.ts";
import type { With } from "../deps.ts";
import { runbookFor } from "../incident/paging/runbook.ts";

interface Telling {
  readonly campaign: Campaign;
  readonly keys: readonly CampaignKey[];
  readonly nowMs: number;
}

const namesShownMax = 25;

/** One page for all keys, where each incident would have sent its own. */
export async function tellOfCampaign(telling: Telling, deps: With<"escalator">): Promise<void> {
  const { campaign, nowMs } = telling;
  const due = duePage(campaign, nowMs);
  if (due === undefined) return;
  const { delivered } = await deps.escalator.page(pageFor(telling, due));
  const sent = { atMs: nowMs, reason: due, needPeople: campaign.figures.needPeople, delivered };
  await deps.ledger.campaigns.changeCampaign(campaign.campaignId, (now) => addCampaignPage(now, sent));
}

function pageFor({ campaign, keys }: Telling, reason: CampaignPage["reason"]) {
  const { campaignId, title, deadlineAtMs } = campaign;
  return {
    ...{ incidentId: campaignId, reason: pageReasonOf[reason], test: false },
    severity: reason === "opened" || reason === "done" ? ("notify" as const) : ("page" as const),
    title: `campaign ${title}: ${titles[reason]}`,
    why: [standing(campaign), ...workList(keys)].join("\n"),
    steps: [`rekey campaign show ${campaignId}`, ...(reason === "paused" ? [resume(campaignId)] : [])],
    runbook: runbookFor("campaign"),
    links: campaign.report === undefined ? [] : [campaign.report.path],
    about: { secretArns: [], deadlineAtMs },
  };
}

const resume = (campaignId: string) => `rekey campaign resume ${campaignId} --reason TEXT`;

const pageReasonOf = {
  ...{ opened: "opened", done: "opened", paused: "needsPerson", needPeople: "needsPerson" },
  deadline: "deadlinePassed",
} as const satisfies Record<CampaignPage["reason"], PageReason>;

const titles: Readonly<Record<CampaignPage["reason"], string>> = {
  opened: "it has begun",
  paused: "it is paused: no further key is started, and open incidents go on",
  needPeople: "keys that need people",
  deadline: "the deadline passes, and keys are not contained",
  done: "what machines can do is done",
};

function standing({ figures, paused }: Campaign): string {
  const { keys, started, contained, replaced, needPeople } = figures;
  const counts = `${contained} of ${keys} keys contained, ${replaced} replaced, ${started} started, ${needPeople} need people`;
  return paused === undefined ? counts : `${counts}. Paused by ${paused.by}: ${paused.why}`;
}

function workList(keys: readonly CampaignKey[]): readonly string[] {
  const open = keys.flatMap((key) => {
    const person = whyPersonNow(key);
    return person === undefined ? [] : [`${key.name}: ${person}`];
  });
  const more = open.length > namesShownMax ? [`and ${open.length - namesShownMax} more`] : [];
  return [...open.slice(0, namesShownMax), ...more];
}
