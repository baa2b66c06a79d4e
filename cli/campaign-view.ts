import { keyStanding } from "../core/campaign/board.ts";
import { whyPersonNow } from "../core/campaign/progress.ts";
import type { Campaign, CampaignKey } from "../core/campaign/record.ts";
import { summaryOf } from "../core/campaign/report.ts";
import { headedTable, type Line } from "./table.ts";
import { shortName, when } from "./text.ts";

export function campaignTable(campaigns: readonly Campaign[], nowMs: number): Line {
  const rows = campaigns.map(({ campaignId, status, title, deadlineAtMs, figures }) => {
    const { contained, keys, needPeople } = figures;
    return [
      campaignId,
      status,
      title,
      `${contained} of ${keys}`,
      String(needPeople),
      when(deadlineAtMs, nowMs),
    ];
  });
  return headedTable(["CAMPAIGN", "STATUS", "COVERS", "CONTAINED", "NEED PEOPLE", "DEADLINE"], rows);
}

interface Seen {
  readonly campaign: Campaign;
  readonly keys: readonly CampaignKey[];
  readonly nowMs: number;
  readonly all: boolean;
}

/** One clock and one list: how it stands, what people have to do, and the keys that are not contained. */
export function campaignLines({ campaign, keys, nowMs, all }: Seen): readonly Line[] {
  const { campaignId, status, title, by, approvedBy, deadlineAtMs, paused, destination, report } = campaign;
  const people = keys.filter((key) => whyPersonNow(key) !== undefined);
  const listed = all ? keys : keys.filter(({ progress }) => progress?.containedAtMs === undefined);
  const second = approvedBy === undefined ? "" : `, approved by ${shortName(approvedBy)}`;
  return [
    `campaign ${campaignId} (${status}): ${title}, ordered by ${shortName(by)}${second}`,
    `${summaryOf(campaign)}; deadline ${when(deadlineAtMs, nowMs)}`,
    ...(paused === undefined ? [] : [`paused by ${shortName(paused.by)}: ${paused.why}`]),
    ...(paused === undefined ? [] : [`go on with: rekey campaign resume ${campaignId} --reason TEXT`]),
    ...(destination === undefined ? [] : [`nothing is written to ${destination} until it is declared clean`]),
    ...(report === undefined ? [] : [`report: ${report.path}`]),
    ...(people.length === 0 ? [] : ["", headedTable(["FOR PEOPLE", "WHAT TO DO"], people.map(taskRow))]),
    ...(listed.length === 0
      ? []
      : [
          "",
          headedTable(
            ["KEY OF", "ACCOUNT", "WAVE", "STANDS", "INCIDENT"],
            listed.slice(0, rowsMax).map(keyRow),
          ),
        ]),
    ...(listed.length > rowsMax ? [`and ${listed.length - rowsMax} more`] : []),
  ];
}

const rowsMax = 60;

function taskRow(key: CampaignKey): readonly string[] {
  return [key.name, whyPersonNow(key) ?? ""];
}

function keyRow(key: CampaignKey): readonly string[] {
  return [key.name, key.account, key.wave, keyStanding(key), key.incidentId ?? ""];
}

/** Changes only with what people want to hear of. */
export function campaignNews({ campaignId, status, figures }: Campaign): string {
  const { keys, started, contained, replaced, needPeople, failed } = figures;
  return `campaign ${campaignId} ${status}: ${started} of ${keys} started, ${contained} contained, ${replaced} replaced, ${needPeople} need people, ${failed} failed`;
}
