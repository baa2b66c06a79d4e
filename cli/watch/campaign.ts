import { campaignLines, campaignNews } from "../campaign-view.ts";
import { CliFailure, exitCodes, type Reach } from "../command.ts";
import type { Look, Watched } from "./board.ts";

const everyMs = 5_000;

/** One board for all keys of a campaign, until it is done. */
export function campaignBoard(campaignId: string): Watched {
  return { everyMs, again: `rekey watch ${campaignId}`, look: (reach) => lookAt(campaignId, reach) };
}

async function lookAt(campaignId: string, reach: Reach): Promise<Look> {
  const { ledger, nowMs } = reach;
  const campaign = await ledger.campaigns.campaign(campaignId);
  if (campaign === undefined) throw new CliFailure(`there is no campaign ${campaignId}`);
  const keys = await ledger.campaigns.keysOf(campaignId);
  const board = campaignLines({ campaign, keys, nowMs: nowMs(), all: false });
  const look = { board, news: campaignNews(campaign) };
  if (campaign.status !== "done") return look;
  const { figures } = campaign;
  const isGood = figures.contained === figures.keys && figures.needPeople === 0;
  return {
    ...look,
    end: {
      json: { type: "campaign", campaign, keys },
      lines: board,
      ...(!isGood && { exitCode: exitCodes.refused }),
    },
  };
}
