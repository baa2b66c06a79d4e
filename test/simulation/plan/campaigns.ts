import type { Simulated } from "../run/simulated.ts";
import { account } from "../world/account.ts";
import type { PlannedCampaign } from "./campaign-plan.ts";
import { answerOpen } from "./incidents.ts";
import { ruleOfTwo } from "./orders.ts";
import { Random } from "./random.ts";

const stream = 80;
const minuteMs = 60_000;
const [deadlineMinutes, answersMax] = [15, 21];
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const as = (role: string | undefined, who: string) => ({
  principal: `arn:aws:sts::${account}:assumed-role/${role}/${who}`,
  twoPeople: ruleOfTwo,
});
const asks = as(ruleOfTwo.mayAsk[0], "ada");
const approves = as(ruleOfTwo.mayApprove[0], "eve");

/** One person orders a campaign over every key, another confirms it; it is looked at each minute, as its schedule does. */
export async function runCampaign(simulation: Simulated, planned: PlannedCampaign): Promise<void> {
  await pause(planned.atMs);
  const order = { command: "campaign", all: true, reason: "the platform was breached", ...abusedOf(planned) };
  const preview = await simulation.outside.order(order, asks);
  const opened = await giveByTwo(simulation, { ...order, digest: preview?.["digest"] });
  const campaignId = opened?.["campaignId"];
  if (opened?.["outcome"] !== "opened") {
    simulation.watch.violate("campaign", `it is not opened: ${JSON.stringify(opened)}`);
    return;
  }
  await Promise.all([
    lookEachMinute(simulation, planned),
    pauseMeanwhile(simulation, { planned, campaignId }),
    stopMeanwhile(simulation, planned),
    answerMeanwhile(simulation),
  ]);
}

function abusedOf({ abused }: PlannedCampaign) {
  return abused === undefined ? {} : { abused: [`key-${abused}`] };
}

/** Waits for a second person, who is shown it and confirms what was shown. */
async function giveByTwo({ outside, watch }: Simulated, order: Readonly<Record<string, unknown>>) {
  const asked = await outside.order({ command: "", ...order }, asks);
  if (asked?.["outcome"] !== "pending") {
    watch.violate("O7", `${order["command"]} is ${asked?.["outcome"]}, and one person has asked for it`);
    return asked;
  }
  const approve = { command: "approve", order: asked["order"] };
  const shown = await outside.order(approve, approves);
  return outside.order({ ...approve, digest: shown?.["digest"] }, approves);
}

async function lookEachMinute({ world, watch, plan }: Simulated, planned: PlannedCampaign): Promise<void> {
  const dice = new Random(plan.seed, stream);
  for (let atMs = planned.atMs; atMs < plan.calmAtMs && watch.violations.length === 0; atMs += minuteMs) {
    const look = () =>
      world
        .invoke("advance-campaigns", { time: new Date(world.time.nowMs()).toISOString() })
        .catch((error) => watch.violate("campaign", `a look fails: ${String(error)}`));
    if (!dice.chance(planned.callsMissed)) void look();
    if (dice.chance(planned.callsTwice)) void look();
    await pause(minuteMs);
  }
}

/** One person may pause it, and two resume it. */
async function pauseMeanwhile(
  simulation: Simulated,
  { planned, campaignId }: { readonly planned: PlannedCampaign; readonly campaignId: unknown },
): Promise<void> {
  if (planned.pause === undefined) return;
  const { outside, world } = simulation;
  await pause(planned.pause.afterMs);
  const order = { campaign: campaignId, reason: "something looks wrong" };
  await outside.order({ command: "campaign-pause", ...order }, asks);
  await pause(planned.pause.lastsMs);
  const [campaign] = await world.ledger.campaigns.campaigns();
  if (campaign?.status === "paused") await giveByTwo(simulation, { command: "campaign-resume", ...order });
}

/** Whoever is paged looks: a campaign that paused itself is resumed, and what machines could not end, a person ends. */
async function answerMeanwhile(simulation: Simulated): Promise<void> {
  const { world, watch } = simulation;
  for (let minutes = 1; minutes < answersMax && watch.violations.length === 0; minutes++) {
    await pause(minuteMs);
    const [campaign] = await world.ledger.campaigns.campaigns();
    if (campaign?.paused?.by === "rekey") {
      const order = { campaign: campaign.campaignId, reason: "looked into it" };
      await giveByTwo(simulation, { command: "campaign-resume", ...order });
    }
    if (minutes > deadlineMinutes) await answerOpen(simulation);
  }
}

async function stopMeanwhile({ world, watch }: Simulated, { stop }: PlannedCampaign): Promise<void> {
  if (stop === undefined) return;
  await pause(stop.afterMs);
  await world.ledger.putStop({ scope: "all", by: "ops", reason: "an outage", includingIncidents: true });
  watch.stops.set("all", { step: watch.step, what: "all, incidents too", includingIncidents: true });
  await pause(stop.lastsMs);
  await world.ledger.removeStop("all");
  watch.stops.delete("all");
}
