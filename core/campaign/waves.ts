import type { CampaignKey } from "./record.ts";

/**
 * Calls of a provider that one incident makes from its opening to the proof of death, at OpenAI 21, and as many again
 * as keep a third of the account for what is asked twice: incidents that wait for their account are slower.
 */
const callsPerKey = 30;
/** Of Secrets Manager's 50 writes a second half is left to everybody else; one incident makes eight. */
const startsPerSecondMax = 3;
/** Keys of one consumer that are on their way at once: each of them makes it fetch, or restart. */
const atOncePerConsumerMax = 25;
/** Incidents at once, of all accounts: an execution, its waits and its reports each. */
const atOnceMax = 300;

interface Lap {
  readonly keys: readonly CampaignKey[];
  readonly areCanariesOver: boolean;
  readonly lapMs: number;
  readonly nowMs: number;
}

/**
 * The keys whose incidents are opened now, the most dangerous first. No provider, no quota and no shared consumer is
 * asked for too much at once.
 */
export function whichStart({ keys, areCanariesOver, lapMs, nowMs }: Lap): readonly CampaignKey[] {
  const room = roomIn(keys, { lapMs, nowMs });
  const waiting = keys.filter(({ startedAtMs, fingerprint }) => startedAtMs === undefined && fingerprint);
  return waiting.filter((key) => isItsTurn(key, areCanariesOver) && room.take(key));
}

/** A key that a stranger uses waits for no canary, nor does one that waits for a person in any case. */
function isItsTurn({ wave }: CampaignKey, areCanariesOver: boolean): boolean {
  return wave !== "rest" || areCanariesOver;
}

function roomIn(keys: readonly CampaignKey[], { lapMs, nowMs }: Pick<Lap, "lapMs" | "nowMs">) {
  const atWork = keys.filter(isAtWork);
  const consumers = new Map<string, number>();
  for (const key of atWork) for (const name of key.consumers) count(consumers, name);
  const dueAt = new Map<string, number>();
  const starts = keys.flatMap((key) => {
    const { startedAtMs: atMs } = key;
    return atMs === undefined ? [] : [{ key, atMs }];
  });
  for (const { key, atMs } of starts.toSorted((one, other) => one.atMs - other.atMs))
    takeTurn(dueAt, key, { atMs, lapMs });
  let left = Math.min(atOnceMax - atWork.length, Math.ceil((startsPerSecondMax * lapMs) / 1000));
  const take = (key: CampaignKey): boolean => {
    const { wave, account, consumers: names } = key;
    const isUrgent = wave === "abused";
    const isPaced = nowMs >= (dueAt.get(account) ?? 0);
    const isFree = names.every((name) => (consumers.get(name) ?? 0) < atOncePerConsumerMax);
    if (left <= 0 || (!isUrgent && !(isPaced && isFree))) return false;
    left -= 1;
    takeTurn(dueAt, key, { atMs: nowMs, lapMs });
    for (const name of names) count(consumers, name);
    return true;
  };
  return { take };
}

/** So many looks may be late, as between two calls of the function: what was missed by then is made up for. */
const lateLooksMax = 3;

/**
 * An account's next key is due when the calls of its last one are answered. Looks come seldom and late, so a key counts
 * from when it was due, not from when it was started; how many an account makes up for is bounded.
 */
function takeTurn(
  dueAt: Map<string, number>,
  { account, callsPerSecond }: CampaignKey,
  { atMs, lapMs }: { readonly atMs: number; readonly lapMs: number },
): void {
  const paceMs = (callsPerKey * 1000) / callsPerSecond;
  const sinceMs = Math.max(dueAt.get(account) ?? atMs, atMs - lateLooksMax * lapMs);
  dueAt.set(account, sinceMs + paceMs);
}

/** Its consumers are still moving, or it makes calls of its provider. */
function isAtWork({ startedAtMs, progress }: CampaignKey): boolean {
  return startedAtMs !== undefined && progress?.isOver !== true && progress?.hasMoved !== true;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
