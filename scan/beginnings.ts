import { headOf, placesOf, textMax } from "./sixteen-at-once.ts";

/** Calls `visit` with every place where a text begins, in their order, and with the group of the text. */
type Beginnings<Group> = (bytes: Uint8Array, visit: (group: Group, at: number) => void) => void;

/**
 * Searches for many short texts in one pass, so a hundred texts cost as much as one: of all places only those are
 * looked at whose first bytes may be those of a text. Case counts.
 */
export function beginningsOf<Group extends string>(
  groups: Readonly<Record<Group, readonly string[]>>,
): Beginnings<Group> {
  const all = patternsIn(groups);
  const places = placesOf(all.map(({ bytes }) => bytes));
  const { text, found } = places;
  const patterns = new Map<number, Pattern<Group>[]>();
  for (const pattern of all) {
    const head = headOf(pattern.bytes, 0);
    patterns.set(head, [...(patterns.get(head) ?? []), pattern]);
  }
  return (bytes, visit) => {
    const { length } = bytes;
    for (let from = 0; from < length; from += partMax) {
      const isWhole = length <= textMax;
      text.set(isWhole ? bytes : bytes.subarray(from, from + textMax));
      const searched = Math.min(partMax, length - from);
      const count = places.search(searched);
      for (let index = 0; index < count; index += 1) {
        const at = found[index] ?? 0;
        if (at >= searched) break;
        for (const pattern of patterns.get(headOf(text, at)) ?? [])
          if (isAt(bytes, from + at, pattern)) visit(pattern.group, from + at);
      }
    }
  };
}

/** Less than the room by a step of the search, so that all bytes of a text's beginning are there. */
const partMax = textMax - 16;

interface Pattern<Group> {
  readonly group: Group;
  readonly bytes: Uint8Array;
}

/** With fewer characters a text would begin nearly everywhere. */
const lengthMin = 3;

function patternsIn<Group extends string>(
  groups: Readonly<Record<Group, readonly string[]>>,
): readonly Pattern<Group>[] {
  return (Object.keys(groups) as Group[]).flatMap((group) =>
    groups[group].map((text) => {
      if (text.length < lengthMin) throw new RangeError(`"${text}" is too short to search for`);
      return { group, bytes: Buffer.from(text, "latin1") };
    }),
  );
}

function isAt(bytes: Uint8Array, at: number, { bytes: pattern }: Pattern<string>): boolean {
  for (let index = 0; index < pattern.length; index += 1)
    if (bytes[at + index] !== pattern[index]) return false;
  return true;
}
