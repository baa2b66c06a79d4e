import { roughDuration } from "../duration.ts";
import { said } from "../report/report-text.ts";
import { utcText } from "../utc.ts";
import { whyPersonNow } from "./progress.ts";
import type { Campaign, CampaignFigures, CampaignKey } from "./record.ts";

/** The result of every key, for people and for whoever audits the campaign. */
export interface CampaignReport {
  readonly campaignId: string;
  readonly title: string;
  readonly reason: string;
  readonly by: string;
  readonly approvedBy?: string;
  readonly openedAtMs: number;
  readonly deadlineAtMs: number;
  readonly closedAtMs?: number;
  readonly figures: CampaignFigures;
  readonly summary: string;
  readonly keys: readonly KeyResult[];
  readonly timeline: Campaign["timeline"];
}

interface KeyResult
  extends Pick<
    CampaignKey,
    "place" | "secretArn" | "name" | "environment" | "account" | "plan" | "wave" | "why"
  > {
  readonly incidentId?: string;
  readonly containedAtMs?: number;
  readonly isReplaced: boolean;
  /** What a person still has to do. */
  readonly person?: string;
  readonly refusedInstances: number;
  readonly certificate?: { readonly path: string; readonly sha256: string };
}

export function campaignReport(campaign: Campaign, keys: readonly CampaignKey[]): CampaignReport {
  const { campaignId, title, reason, by, approvedBy, openedAtMs, deadlineAtMs, closedAtMs, figures } =
    campaign;
  return {
    ...{ campaignId, title, reason, by, openedAtMs, deadlineAtMs, figures },
    ...(approvedBy !== undefined && { approvedBy }),
    ...(closedAtMs !== undefined && { closedAtMs }),
    summary: summaryOf(campaign),
    keys: keys.map(resultOf),
    timeline: campaign.timeline,
  };
}

export function summaryOf({ figures, openedAtMs, deadlineAtMs }: Campaign): string {
  const { keys, contained, replaced, needPeople, lastContainedAtMs } = figures;
  const counts = `${contained} of ${keys} keys contained, ${replaced} replaced, ${needPeople} need people`;
  if (lastContainedAtMs === undefined) return counts;
  const isInTime = contained === keys && lastContainedAtMs <= deadlineAtMs;
  const took = roughDuration(lastContainedAtMs - openedAtMs);
  return `${counts}; the last after ${took}, ${isInTime ? "within" : "not all within"} the deadline`;
}

function resultOf(key: CampaignKey): KeyResult {
  const { place, secretArn, name, environment, account, plan, wave, why, incidentId, progress } = key;
  const { containedAtMs, isReplaced = false, refusedInstances = 0, certificate } = progress ?? {};
  const person = whyPersonNow(key);
  return {
    ...{ place, secretArn, name, environment, account, plan, wave, why, isReplaced, refusedInstances },
    ...(incidentId !== undefined && { incidentId }),
    ...(containedAtMs !== undefined && { containedAtMs }),
    ...(person !== undefined && { person }),
    ...(certificate !== undefined && { certificate }),
  };
}

export function campaignMarkdown(report: CampaignReport): string {
  const { campaignId, title, reason, by, approvedBy, openedAtMs, deadlineAtMs, summary, keys } = report;
  const people = keys.filter(({ person }) => person !== undefined);
  return [
    `# Campaign ${campaignId}`,
    "",
    `${said(title)}: ${said(reason)}. Ordered by ${said(by)}${approvedBy === undefined ? "" : `, approved by ${said(approvedBy)}`}.`,
    `Opened ${utcText(openedAtMs)}, deadline ${utcText(deadlineAtMs)}.`,
    "",
    `${summary}.`,
    "",
    ...(people.length === 0 ? [] : ["## What people have to do", "", ...people.map(taskText), ""]),
    "## Every key",
    "",
    "| place | secret | account | plan | contained | replaced | incident | certificate |",
    "|---|---|---|---|---|---|---|---|",
    ...keys.map((key) => rowText(key, openedAtMs)),
    "",
  ].join("\n");
}

function taskText({ name, person = "" }: KeyResult): string {
  return `- ${said(name)}: ${said(person)}`;
}

function rowText(key: KeyResult, openedAtMs: number): string {
  const { place, name, account, plan, containedAtMs, isReplaced, incidentId = "none", certificate } = key;
  const contained = containedAtMs === undefined ? "no" : `after ${roughDuration(containedAtMs - openedAtMs)}`;
  const cells = [String(place), said(name), said(account), plan, contained, isReplaced ? "yes" : "no"];
  return `| ${[...cells, incidentId, certificate?.path ?? "none yet"].join(" | ")} |`;
}
