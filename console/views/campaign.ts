import { keyStanding } from "../../core/campaign/board.ts";
import { figuresOf, whyPersonNow } from "../../core/campaign/progress.ts";
import type { Campaign, CampaignKey, CampaignWave } from "../../core/campaign/record.ts";
import { shortName } from "../../core/principal.ts";
import { commandLine } from "../command-line.ts";
import type { Advice, CampaignRow, CampaignShown, Tone, WaveRow } from "../shown.ts";
import type { Sources } from "../sources.ts";

const listMax = 500;
const timelineMax = 300;

/** In the order in which they start. */
const waves: Readonly<Record<CampaignWave, string>> = {
  abused: "in use by a stranger: at once",
  people: "a person has a part in it: at once",
  canary: "canaries, tried first",
  rest: "all others",
};

export function campaignRow(campaign: Campaign): CampaignRow {
  const { campaignId, status, title, openedAtMs, deadlineAtMs } = campaign;
  const { keys, started, contained, replaced, needPeople, lastContainedAtMs } = campaign.figures;
  return {
    ...{ campaignId, status, title, openedAtMs, deadlineAtMs },
    ...{ keys, started, contained, replaced, needPeople },
    ...(contained === keys && lastContainedAtMs !== undefined && { containedAtMs: lastContainedAtMs }),
  };
}

/** Every key that one order covers, on one board; undefined if there is no campaign of this id. */
export async function showCampaign(id: string, sources: Sources): Promise<CampaignShown | undefined> {
  const { campaigns } = sources.ledger;
  const campaign = await campaigns.campaign(id);
  if (campaign === undefined) return undefined;
  const keys = await campaigns.keysOf(id);
  const { reason, by, approvedBy, paused, destination, report, timeline } = campaign;
  const isContained = ({ progress }: CampaignKey) => progress?.containedAtMs !== undefined;
  const listed = [...keys.filter((key) => !isContained(key)), ...keys.filter(isContained)];
  return {
    ...{ kind: "campaign", nowMs: sources.nowMs(), ...campaignRow(campaign), reason, by: shortName(by) },
    ...(approvedBy !== undefined && { approvedBy: shortName(approvedBy) }),
    failed: campaign.figures.failed,
    ...(paused !== undefined && { paused: { why: paused.why, by: shortName(paused.by) } }),
    ...(destination !== undefined && { destination }),
    ...(report !== undefined && { report: report.path }),
    waves: wavesOf(keys),
    people: keys.slice(0, listMax).flatMap((key) => {
      const what = whyPersonNow(key);
      return what === undefined ? [] : [{ name: key.name, secretArn: key.secretArn, what }];
    }),
    list: listed.slice(0, listMax).map(keyShown),
    timeline: timeline.slice(-timelineMax).map(({ atMs, what, detail, by: who }) => ({
      ...{ atMs, what, detail },
      ...(who !== undefined && { by: shortName(who) }),
    })),
    advice: adviceFor(campaign),
  };
}

function wavesOf(keys: readonly CampaignKey[]): readonly WaveRow[] {
  return Object.entries(waves).flatMap(([wave, title]) => {
    const own = keys.filter((key) => key.wave === wave);
    if (own.length === 0) return [];
    const { started, contained, replaced, needPeople } = figuresOf(own);
    return [{ title, keys: own.length, started, contained, replaced, needPeople }];
  });
}

function keyShown(key: CampaignKey): CampaignShown["list"][number] {
  const { secretArn, name, account, wave, incidentId, progress } = key;
  return {
    ...{ secretArn, name, account, wave: waves[wave], stands: keyStanding(key), tone: toneOf(key) },
    ...(incidentId !== undefined && { incidentId }),
    hasCertificate: progress?.certificate !== undefined,
  };
}

function toneOf(key: CampaignKey): Tone {
  if (key.progress?.failure !== undefined) return "bad";
  if (whyPersonNow(key) !== undefined) return "warn";
  if (key.progress?.containedAtMs !== undefined) return "good";
  return key.startedAtMs === undefined ? "quiet" : "busy";
}

function adviceFor({ campaignId, status }: Campaign): readonly Advice[] {
  const advise = (what: string, words: readonly string[]): Advice => {
    const command = commandLine(["rekey", ...words]);
    return { what, ...(command !== undefined && { command }) };
  };
  if (status === "done")
    return [advise("see every key in a terminal", ["campaign", "show", campaignId, "--all"])];
  const turn = status === "paused" ? "resume" : "pause";
  const what = status === "paused" ? "go on with it" : "start no further key";
  return [
    advise("follow it in a terminal", ["watch", campaignId]),
    advise(what, ["campaign", turn, campaignId, "--reason", "why"]),
  ];
}
