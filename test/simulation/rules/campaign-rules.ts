import { whyPersonNow } from "../../../core/campaign/progress.ts";
import type { Campaign, CampaignKey } from "../../../core/campaign/record.ts";
import type { TableRecord } from "../../../core/ports.ts";
import type { Simulated } from "../run/simulated.ts";
import type { Witness } from "./witness.ts";

const paused = new WeakMap<Witness, number>();
const started = new WeakMap<Witness, Set<string>>();
/** A look that was under way when somebody paused the campaign ends what it has begun. */
const lookMs = 5_000;

/** Asked of every write to a campaign, or to one of its keys, at the instant of the write. */
export function afterCampaign(watch: Witness, { id, body }: Pick<TableRecord, "id" | "body">): void {
  if (id === "all") notePause(watch, body as Campaign);
  else if (id !== "breaches") keyIsAsItIsSaid(watch, body as CampaignKey);
}

function notePause(watch: Witness, { status }: Campaign): void {
  if (status !== "paused") paused.delete(watch);
  else if (!paused.has(watch)) paused.set(watch, watch.world.time.nowMs());
}

/** What is called contained is dead for everybody, and while the campaign is paused no further key is started. */
function keyIsAsItIsSaid(
  watch: Witness,
  { name, fingerprint = "", progress, startedAtMs }: CampaignKey,
): void {
  watch.look();
  const keyId = watch.byFingerprint.get(fingerprint);
  if (progress?.containedAtMs !== undefined && watch.keyState(keyId)?.isAccepted === true)
    watch.violate("L6", `the campaign calls ${keyId} of ${name} contained, and it is accepted`);
  const known = started.get(watch) ?? new Set<string>();
  started.set(watch, known);
  if (startedAtMs === undefined || known.has(name)) return;
  known.add(name);
  const sinceMs = paused.get(watch);
  if (sinceMs !== undefined && watch.world.time.nowMs() > sinceMs + lookMs)
    watch.violate("S2", `the campaign starts ${name}, and it is paused since ${sinceMs}`);
}

/** At the end every key is contained, or stands on the list of what people have to do, with a reason. */
export async function campaignEnded({ plan, world, watch }: Simulated): Promise<void> {
  if (plan.campaign === undefined) return;
  const [campaign] = await world.ledger.campaigns.campaigns();
  const keys = campaign === undefined ? [] : await world.ledger.campaigns.keysOf(campaign.campaignId);
  if (keys.length !== plan.secrets.length)
    watch.violate("campaign", `${keys.length} keys of ${plan.secrets.length} are in it`);
  for (const key of keys) {
    const { name, progress, startedAtMs } = key;
    const isSeenTo = progress?.containedAtMs !== undefined || (whyPersonNow(key) ?? "") !== "";
    if (!isSeenTo) watch.violate("campaign", `${name} is neither contained nor on the list (${startedAtMs})`);
  }
  if (campaign?.status === "running" && keys.every(({ progress }) => progress?.isOver))
    watch.violate("campaign", "every key is seen to, and the campaign is not done");
  if (campaign?.status === "done" && campaign.report === undefined)
    watch.violate("campaign", "it is done, and nobody has its report");
}
