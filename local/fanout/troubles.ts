import { setTimeout as pause } from "node:timers/promises";
import type { Place, Trouble } from "./places.ts";

const pollMs = 250;
/** A look at every place takes some seconds, and comes again after a wait. */
const namedMaxMs = 90_000;

/** What Rekey says of a place while the key that is replaced lives on. */
export interface Said {
  /** The name of the reason; an incident has its sentence alone. */
  readonly reason?: string;
  readonly detail: string;
}

export interface NamedTrouble {
  readonly name: string;
  readonly kind: string;
  readonly trouble: string;
  /** Absent if Rekey said nothing of the place. */
  readonly said?: Said;
}

/** How far the replacement is, and what holds it up. */
export interface Replacing {
  /** The key that is replaced: somebody puts it back by hand. */
  readonly former: string;
  isPromoted(): Promise<boolean>;
  /** The place uses the new key. */
  isUsed(place: string): Promise<boolean>;
  said(): Promise<readonly Said[]>;
}

interface Troubled {
  readonly place: Place;
  readonly trouble: Trouble;
}

/** Plants each place's trouble in its time, and gives what Rekey said of each, once it has named all of them. */
export async function troubled(
  places: readonly Place[],
  replacing: Replacing,
): Promise<readonly NamedTrouble[]> {
  const all = places.flatMap((place) => (place.trouble ? [{ place, trouble: place.trouble }] : []));
  const waiting = new Set<Troubled>(all);
  let named: readonly NamedTrouble[] = [];
  for (const untilMs = Date.now() + namedMaxMs; Date.now() < untilMs; await pause(pollMs)) {
    for (const each of waiting) {
      if (!(await isTime(each, replacing))) continue;
      each.trouble.plant(replacing.former);
      waiting.delete(each);
    }
    const said = waiting.size === 0 ? await replacing.said() : [];
    named = all.map((each) => namedIn(each, said));
    if (named.every((each) => each.said !== undefined)) break;
  }
  return named;
}

export function mendAll(places: readonly Place[]): void {
  for (const { trouble } of places) trouble?.mend();
}

async function isTime({ place, trouble }: Troubled, replacing: Replacing): Promise<boolean> {
  switch (trouble.from) {
    case "start":
      return true;
    case "promoted":
      return replacing.isPromoted();
    case "used":
      return replacing.isUsed(place.name);
  }
}

/** A place that is merely slow is no trouble: its sentence has the words of what was planted there. */
function namedIn({ place, trouble }: Troubled, all: readonly Said[]): NamedTrouble {
  const found = all.find(({ detail }) => detail.includes(` at ${place.name}`) && trouble.says.test(detail));
  if (found === undefined) return { name: place.name, kind: place.kind, trouble: trouble.what };
  const { reason, detail } = found;
  const said = { ...(reason !== undefined && { reason }), detail };
  return { name: place.name, kind: place.kind, trouble: trouble.what, said };
}
