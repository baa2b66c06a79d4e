import { setTimeout as pause } from "node:timers/promises";
import { campaignNews } from "../cli/campaign-view.ts";
import type { Campaign } from "../core/campaign/record.ts";
import type { Start } from "./demonstration.ts";
import { type Estate, type EstatePart, openEstate } from "./estate/estate.ts";
import { showTraffic } from "./estate/traffic.ts";
import type { Screen } from "./screen.ts";
import { troubleIn } from "./summary.ts";

const accounts = 10;
const callsPerSecond = 5;
const consumers = 5;
/** One key in fifty belongs to a provider that makes none by API. */
const assistedShare = 0.02;
const runMaxMs = 30 * 60_000;
const pollMs = 2_000;

const usual = "rotate: manual, overlap: 10m, quiet: 1s, signals: [client], soak: 1s";

/** Everything leaked: one order, waves, one clock. */
export async function runCampaign(start: Start & { readonly keys: number }): Promise<number> {
  const { shown, ending, keys } = start;
  const estate = await openEstate({
    ...{ parts: partsOf(keys), callsPerSecond, consumers },
    onProgress: (text) => shown.say(text),
    onOpen: (close) => ending.before(close),
  });
  try {
    const preview = JSON.parse(await estate.rekey("--json", "compromise", "--all", "--reason", "npm start"));
    shown.say(`the preview has ${preview.keys.length} keys; opening exactly this (--digest)`);
    await estate.rekey("compromise", "--all", "--reason", "npm start", "--digest", preview.digest);
    estate.cloud.fire("advance-campaigns");
    const campaign = await done(estate, shown);
    const summary = summaryOf(estate, campaign);
    const complaints = [...complaintsOf(summary, keys), ...troubleIn(estate.cloud)];
    conclude({ shown, summary, campaign, complaints, estate });
    return complaints.length === 0 ? 0 : 1;
  } finally {
    await estate.close();
  }
}

function partsOf(keys: number): readonly EstatePart[] {
  const assisted = Math.max(1, Math.round(keys * assistedShare));
  const each = Math.floor((keys - assisted) / (accounts - 1));
  const left = keys - assisted - each * (accounts - 1);
  const minting = Array.from({ length: accounts - 1 }, (_, index) => ({
    ...{ account: `openai-${index + 1}`, kind: "openai" as const, secrets: each + (index < left ? 1 : 0) },
    block: `${usual}, incident: { containBy: 6m }`,
  }));
  const block = `${usual}, incident: { containBy: 1m }`;
  return [
    ...minting.filter(({ secrets }) => secrets > 0),
    { account: "anthropic-1", kind: "anthropic", secrets: assisted, block, isIdle: true },
  ];
}

async function done({ ledger, cloud }: Estate, shown: Screen): Promise<Campaign> {
  for (const untilMs = Date.now() + runMaxMs; Date.now() < untilMs; ) {
    const [campaign] = await ledger.campaigns.campaigns();
    if (campaign !== undefined) {
      const elapsedMs = Date.now() - campaign.openedAtMs;
      const text = campaignNews(campaign).replace(`campaign ${campaign.campaignId} `, "");
      shown.step({ elapsedMs, name: "campaign", secret: "", text });
      if (campaign.status === "paused") throw new Error(`it paused itself: ${campaign.paused?.why}`);
      if (campaign.status === "done") return campaign;
    }
    await pause(pollMs);
  }
  throw new Error(
    [`the campaign is not over after ${runMaxMs / 60_000} min`, ...troubleIn(cloud)].join("; "),
  );
}

interface CampaignSummary {
  readonly type: "campaign";
  readonly keys: number;
  readonly contained: number;
  readonly replaced: number;
  readonly needPeople: number;
  readonly deadlineMs: number;
  readonly lastContainedMs: number | null;
  readonly failedRequests: number;
  readonly overBudget: number;
}

/** What Rekey reports is compared with the providers: a key is contained when its own account refuses it. */
function summaryOf({ accounts: all, secrets, fleet }: Estate, campaign: Campaign): CampaignSummary {
  const { figures, openedAtMs, deadlineAtMs } = campaign;
  const accepted = new Set(
    all.flatMap(({ fake }) => fake.state().flatMap(({ keyId, isAccepted }) => (isAccepted ? [keyId] : []))),
  );
  const refused = secrets.filter(({ keyId }) => !accepted.has(keyId)).length;
  const { lastContainedAtMs } = figures;
  return {
    ...{ type: "campaign", keys: secrets.length, contained: Math.min(figures.contained, refused) },
    ...{ replaced: figures.replaced, needPeople: figures.needPeople, deadlineMs: deadlineAtMs - openedAtMs },
    lastContainedMs: lastContainedAtMs === undefined ? null : lastContainedAtMs - openedAtMs,
    failedRequests: fleet.tally().failed,
    overBudget: all.reduce((sum, { overBudget }) => sum + overBudget(), 0),
  };
}

function complaintsOf(summary: CampaignSummary, keys: number): readonly string[] {
  const { contained, replaced, needPeople, deadlineMs, lastContainedMs, failedRequests, overBudget } =
    summary;
  const late = lastContainedMs === null || lastContainedMs > deadlineMs;
  return [
    ...(contained === keys ? [] : [`${keys - contained} keys still work`]),
    ...(replaced + needPeople === keys ? [] : [`${replaced} were replaced, and ${needPeople} need people`]),
    ...(late ? ["the last key was contained after the deadline"] : []),
    ...(failedRequests === 0 ? [] : [`${failedRequests} requests of consumers failed`]),
    ...(overBudget === 0 ? [] : [`${overBudget} calls were more than their account's budget`]),
  ];
}

function conclude(end: {
  readonly shown: Screen;
  readonly estate: Estate;
  readonly summary: CampaignSummary;
  readonly campaign: Campaign;
  readonly complaints: readonly string[];
}): void {
  const { shown, estate, summary, campaign, complaints } = end;
  const { keys, contained, replaced, needPeople, lastContainedMs, failedRequests, overBudget } = summary;
  const lastSeconds = ((lastContainedMs ?? 0) / 1000).toFixed(1);
  shown.verdict({
    isGood: contained === keys,
    text: `${contained} of ${keys} keys contained, the last after ${lastSeconds} s`,
  });
  shown.verdict({ isGood: true, text: `${replaced} replaced, ${needPeople} on the list for people` });
  showTraffic(shown, { estate, failedRequests, overBudget });
  const { dynamodb = {} } = estate.cloud.requests();
  const perKey = Object.entries(dynamodb).map(([name, calls]) => `${name} ${Math.round(calls / keys)}`);
  shown.say(`calls of the ledger for each key, the programs' reports included: ${perKey.join(", ")}`);
  if (campaign.report !== undefined) shown.say(`report: ${campaign.report.path}`);
  if (complaints.length > 0)
    shown.error(complaints, "`rekey campaign show` says which keys, while the cloud runs");
  shown.summary(summary);
}
