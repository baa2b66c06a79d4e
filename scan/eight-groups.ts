/** How many bytes of a text's beginning the search compares. */
export const byteCount = 4;
const groupCount = 8;

/** For each byte of a beginning the groups that it fits, one bit for each, by its lower and by its upper four bits. */
export type Tables = readonly { readonly low: Uint8Array; readonly high: Uint8Array }[];

/**
 * Divides texts into eight groups for `placesOf`. A place that fits a group fits each of its bytes alone, so a group of
 * unlike texts fits many places in which no text begins. Therefore those two are joined, again and again, that together
 * fit the fewest places more than each for itself.
 */
export function tablesOf(texts: readonly Uint8Array[]): Tables {
  const groups = [
    ...new Map(texts.map((text) => groupOf(text)).map((group) => [group.fits.join(), group])).values(),
  ];
  const partners = groups.map((group, index) => nearest(group, groups.slice(index + 1)));
  while (groups.length > groupCount) {
    let least = 0;
    for (const [index, { more }] of partners.entries())
      if (more < (partners[least]?.more ?? 0)) least = index;
    const [one, other] = [groups[least], partners[least]?.group];
    if (one === undefined || other === undefined) break;
    for (const gone of [one, other]) {
      const index = groups.indexOf(gone);
      groups.splice(index, 1);
      partners.splice(index, 1);
    }
    const joint = joined(one, other);
    groups.unshift(joint);
    partners.unshift(nearest(joint, groups.slice(1)));
    for (const [index, { group }] of partners.entries()) {
      if (group !== one && group !== other) continue;
      const own = groups[index];
      if (own !== undefined) partners[index] = nearest(own, groups.slice(index + 1));
    }
  }
  return Array.from({ length: byteCount }, (_, at) => ({
    low: halfTable(groups.map(({ fits }) => (fits[at] ?? 0) & 0xffff)),
    high: halfTable(groups.map(({ fits }) => (fits[at] ?? 0) >>> 16)),
  }));
}

interface Group {
  /** For each byte of a beginning: bit n is set if a byte may have n as its lower four bits, bit 16 + n as its upper. */
  readonly fits: readonly number[];
  /** How many places of a usual text fit, in parts of all. */
  readonly share: number;
}

interface Partner {
  readonly group?: Group;
  readonly more: number;
}

function groupOf(text: Uint8Array): Group {
  const fits = Array.from({ length: byteCount }, (_, at) => {
    const byte = text[at];
    return byte === undefined ? -1 : (1 << (byte & 15)) | (1 << (16 + (byte >> 4)));
  });
  return { fits, share: shareOf(fits) };
}

function joined(one: Group, other: Group): Group {
  const fits = one.fits.map((each, at) => each | (other.fits[at] ?? 0));
  return { fits, share: shareOf(fits) };
}

function nearest(own: Group, others: readonly Group[]): Partner {
  let best: Partner = { more: Number.POSITIVE_INFINITY };
  for (const group of others) {
    const more = joined(own, group).share - own.share - group.share;
    if (more < best.more) best = { group, more };
  }
  return best;
}

function shareOf(fits: readonly number[]): number {
  let share = 1;
  for (const each of fits) {
    let [low, high] = [0, 0];
    for (let half = 0; half < 16; half += 1) {
      if ((each & (1 << half)) !== 0) low += 1;
      if ((each & (1 << (16 + half))) !== 0) high += weights[half] ?? 0;
    }
    share *= (low * high) / weightsTogether;
  }
  return share;
}

/** By a byte's upper four bits: small letters stand most often in a text, then the space and the signs beside it. */
const weights = [2, 1, 6, 2, 2, 2, 10, 8, 1, 1, 1, 1, 1, 1, 1, 1];
const weightsTogether = 16 * weights.reduce((sum, weight) => sum + weight, 0);

function halfTable(fits: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, half) =>
    fits.reduce((bits, each, group) => bits | (((each >> half) & 1) << group), 0),
  );
}
