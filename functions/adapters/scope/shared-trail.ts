import type { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import type { Clock } from "../../../core/ports.ts";
import { type Looked, type Lookup, lookUpReads } from "./trail.ts";

/** CloudTrail shows an event some minutes after it happened, so a reading that is a minute old misses hardly more than a new one. */
const sharedForMs = 60_000;

interface Kept {
  readonly lookup: Lookup;
  readonly looked: Promise<Looked>;
}

/**
 * Reads the event history once for all incidents that ask within a minute. On the day when everything leaked a
 * thousand incidents want the same pages, and an account may ask for two pages a second.
 */
export function sharedTrail(client: Pick<CloudTrailClient, "send">, clock: Clock) {
  const kept = new Map<Lookup["eventName"], Kept>();
  return async (lookup: Lookup): Promise<Looked> => {
    const before = kept.get(lookup.eventName);
    if (before !== undefined && covers(before.lookup, lookup)) {
      const looked = await before.looked.catch(() => undefined);
      if (looked !== undefined && looked.ended !== "failed") return within(looked, lookup);
    }
    const looked = lookUpReads(client, lookup, clock);
    kept.set(lookup.eventName, { lookup, looked });
    return looked;
  };
}

function covers(earlier: Lookup, { sinceMs, untilMs, stopAtMs }: Lookup): boolean {
  return (
    earlier.sinceMs <= sinceMs &&
    earlier.stopAtMs <= stopAtMs &&
    Math.abs(untilMs - earlier.untilMs) <= sharedForMs
  );
}

function within({ reads, reachedBackToMs, ...rest }: Looked, { sinceMs, untilMs }: Lookup): Looked {
  return {
    ...rest,
    reads: reads.filter(({ atMs }) => atMs >= sinceMs && atMs <= untilMs),
    reachedBackToMs: Math.max(sinceMs, reachedBackToMs),
  };
}
