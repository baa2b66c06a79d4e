import * as z from "zod";
import { together } from "../../consumers/together.ts";
import { turnOf } from "../../core/campaign/asked.ts";
import { addCampaignEntry } from "../../core/campaign/entries.ts";
import { canariesEnd, figuresOf, isDone, whyPause } from "../../core/campaign/progress.ts";
import type { Campaign, CampaignKey } from "../../core/campaign/record.ts";
import { whichStart } from "../../core/campaign/waves.ts";
import type { With } from "../deps.ts";
import { stopwatch } from "../incident/record/step-input.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { escalator } from "../wiring/parts/escalator.ts";
import { reports } from "../wiring/parts/reports.ts";
import { fileCampaign } from "./file-campaign.ts";
import { refreshKeys } from "./refresh-keys.ts";
import { startKey } from "./start-key.ts";
import { tellOfCampaign } from "./tell-of-campaign.ts";

/** The function is called each minute and looks this often meanwhile; the last look ends before the next call. */
const lapMs = 5_000;
const lapsMax = 10;
/** Of the function's 58 s. No look begins later, or a slow one would be cut off and reported as an error. */
const lastLookMs = 45_000;
const atOnceMax = 16;

/** Brings every campaign that is not done one step further: what moved, what failed, which keys come next. */
export const advanceCampaigns = step({
  name: "advance-campaigns",
  input: z.object({ time: stampedAt.optional() }),
  run: async ({ time }, deps: With<"escalator" | "reports">) => {
    const calledAtMs = time ?? deps.clock.nowMs();
    const now = stopwatch(calledAtMs, deps);
    let started = 0;
    for (let lap = 0; lap < lapsMax && now() - calledAtMs <= lastLookMs; lap += 1) {
      const open = (await deps.ledger.campaigns.campaigns()).filter(({ status }) => status !== "done");
      if (open.length === 0) return { outcome: lap === 0 ? "idle" : "done", started };
      for (const campaign of open)
        started += await advance({ campaign, nowMs: now(), turn: turnOf(calledAtMs, lap) }, deps);
      if (lap + 1 < lapsMax) await deps.clock.pause(lapMs);
    }
    return { outcome: "atWork", started };
  },
});

export const handler = onLambda(advanceCampaigns, wiring({ escalator, reports }));

interface Advancing {
  readonly campaign: Campaign;
  readonly nowMs: number;
}

/** How many keys it started. */
async function advance(
  { campaign: known, nowMs, turn }: Advancing & { readonly turn: number },
  deps: With<"escalator" | "reports">,
): Promise<number> {
  const { campaignId } = known;
  const keys = await refreshKeys({ campaignId, turn }, deps);
  const campaign = await deps.ledger.campaigns.changeCampaign(campaignId, (now) =>
    judged({ campaign: now, keys, nowMs }),
  );
  const starting = campaign.status === "running" ? nextOf({ campaign, keys, nowMs }) : [];
  await together(starting, { atOnceMax, work: (key) => startKey({ campaign, key, nowMs }, deps) });
  await tellOfCampaign({ campaign, keys, nowMs }, deps);
  if (starting.length === 0 && isDone(keys)) await fileCampaign({ campaign, keys, nowMs }, deps);
  return starting.length;
}

interface Judging extends Advancing {
  readonly keys: readonly CampaignKey[];
}

/** The campaign with new figures: paused if something failed; its canaries are over if they moved or took too long. */
function judged({ campaign, keys, nowMs }: Judging): Campaign {
  const { openedAtMs } = campaign;
  const counted = { ...campaign, figures: figuresOf(keys) };
  if (campaign.status !== "running") return counted;
  const why = whyPause(campaign, keys);
  if (why !== undefined) {
    const paused = { why, by: "rekey", atMs: nowMs };
    return addCampaignEntry(
      { ...counted, status: "paused", paused },
      { atMs: nowMs, what: "paused", detail: why },
    );
  }
  const ended = canariesEnd(keys, { openedAtMs, nowMs });
  if (campaign.canariesEndedAtMs !== undefined || ended === undefined) return counted;
  const detail = ended === "canariesMoved" ? "every canary moved" : "the canaries took too long to wait for";
  return addCampaignEntry({ ...counted, canariesEndedAtMs: nowMs }, { atMs: nowMs, what: ended, detail });
}

/** Includes keys whose start was recorded but not their incident: the function may have died between the two writes. */
function nextOf({ campaign, keys, nowMs }: Judging): readonly CampaignKey[] {
  const areCanariesOver = campaign.canariesEndedAtMs !== undefined;
  const cutOff = keys.filter(
    ({ startedAtMs, incidentId }) => startedAtMs !== undefined && incidentId === undefined,
  );
  return [...cutOff, ...whichStart({ keys, areCanariesOver, lapMs, nowMs })];
}
