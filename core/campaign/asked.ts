import type { CampaignKey } from "./record.ts";

/** Reading how one key stands takes up to three calls of the ledger; a look at a campaign is due every five seconds. */
const askedMax = 100;
/** A key that is contained and whose consumers moved waits for its report and certificate only. */
const turnsWhenContained = 4;

const callEveryMs = 60_000;
/**
 * The largest campaign, with 2,000 keys, needs 20 turns to ask all of them. This is a prime number above that, so that
 * every key's turn comes even if each call of the function ends after its first look.
 */
const turnsPerCall = 23;

/** The number of a look: of the minute's call that began at `calledAtMs`, and of the looks of that call, from 0. */
export function turnOf(calledAtMs: number, look: number): number {
  return Math.floor(calledAtMs / callEveryMs) * turnsPerCall + look;
}

/**
 * The keys whose incidents are read in this turn (`turnOf`). With more than 100 open ones they are read in turns, by
 * their place in the order, so that the work of a look does not grow with the campaign.
 */
export function whichAreAsked(keys: readonly CampaignKey[], turn: number): readonly CampaignKey[] {
  const open = keys.filter((key) => !isStill(key));
  const turns = Math.ceil(open.length / askedMax);
  return open.filter(
    (key) => (turn + key.place) % Math.max(turns, isAlmostOver(key) ? turnsWhenContained : 1) === 0,
  );
}

/** Nothing changes it any more, or nothing has begun. */
function isStill({ incidentId, progress }: CampaignKey): boolean {
  if (incidentId === undefined) return true;
  return (
    progress?.isOver === true && progress.containedAtMs !== undefined && progress.certificate !== undefined
  );
}

function isAlmostOver({ progress }: CampaignKey): boolean {
  return progress?.containedAtMs !== undefined && progress.hasMoved;
}
