import { deploymentChain } from "../../audit/chain.ts";
import { addCampaignEntry, addCampaignPage } from "../../core/campaign/entries.ts";
import { figuresOf } from "../../core/campaign/progress.ts";
import type { Campaign, CampaignKey } from "../../core/campaign/record.ts";
import { campaignMarkdown, campaignReport } from "../../core/campaign/report.ts";
import type { With } from "../deps.ts";
import { runbookFor } from "../incident/paging/runbook.ts";

interface Filing {
  readonly campaign: Campaign;
  readonly keys: readonly CampaignKey[];
  readonly nowMs: number;
}

/** One report with the result of every key, and the end of the campaign. A repeat files the same report again. */
export async function fileCampaign(
  { campaign: ended, keys, nowMs }: Filing,
  deps: With<"escalator" | "reports">,
): Promise<void> {
  const { campaignId, title, deadlineAtMs } = ended;
  const campaign: Campaign = { ...ended, status: "done", closedAtMs: nowMs, figures: figuresOf(keys) };
  const report = campaignReport(campaign, keys);
  const markdown = campaignMarkdown(report);
  const isAll = report.figures.contained === report.figures.keys;
  const { path } = await deps.reports.file(campaignId, { json: JSON.stringify(report, null, 2), markdown });
  await deps.audit.append(deploymentChain, {
    id: `${campaignId}/done`,
    atMs: nowMs,
    actor: "rekey:campaign",
    action: "CampaignDone",
    detail: { campaignId, path, sha256: deps.digest.sha256Hex(markdown), ...report.figures },
  });
  const { delivered } = await deps.escalator.page({
    ...{ incidentId: campaignId, reason: "opened", severity: "notify", test: false },
    title: `campaign ${title}: ${isAll ? "every key is contained" : "what is left is for people"}`,
    why: report.summary,
    steps: [`rekey campaign show ${campaignId}`],
    runbook: runbookFor("campaign"),
    links: [path],
    about: { secretArns: [], deadlineAtMs },
  });
  const page = { atMs: nowMs, reason: "done" as const, needPeople: report.figures.needPeople, delivered };
  await deps.ledger.campaigns.changeCampaign(campaignId, (now) => {
    if (now.status === "done") return now;
    const { paused: _over, ...rest } = now;
    const done = { ...rest, status: "done" as const, closedAtMs: nowMs, figures: campaign.figures };
    const detail = report.summary;
    return addCampaignEntry(addCampaignPage({ ...done, report: { path, atMs: nowMs } }, page), {
      ...{ atMs: nowMs, what: "done", detail },
    });
  });
}
