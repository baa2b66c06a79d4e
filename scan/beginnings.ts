import { endianness } from "node:os";

/** Calls `visit` with every place where a text begins, in their order, and with the group of the text. */
type Beginnings<Group> = (bytes: Uint8Array, visit: (group: Group, at: number) => void) => void;

/**
 * Searches for many short texts in one pass that looks at two bytes at once, so a hundred texts cost as much as one.
 * Nearly every pair of bytes is passed after one look into a table, because no text begins in it. Case counts.
 */
export function beginningsOf<Group extends string>(
  groups: Readonly<Record<Group, readonly string[]>>,
): Beginnings<Group> {
  const marks = new Uint8Array(0x10000);
  const heads = new Uint8Array(headCount);
  const patterns: Pattern<Group>[][] = Array.from({ length: headCount }, () => []);
  for (const pattern of patternsIn(groups)) {
    const [first = 0, second = 0, third = 0] = pattern.bytes;
    mark(marks, pairOf(first, second), beginsHere);
    mark(marks, pairOf(second, third), beganBefore);
    heads[headOf(first, second, third)] = 1;
    patterns[headOf(first, second, third)]?.push(pattern);
  }
  return (bytes, visit) => {
    const visitAt = (at: number) => {
      const head = headOf(bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0);
      // Many pairs have a mark, and hardly one of them a head.
      if (heads[head] === 0) return;
      for (const pattern of patterns[head] ?? []) if (isAt(bytes, at, pattern)) visit(pattern.group, at);
    };
    const pairs = pairsOf(bytes);
    for (let index = 0; index < pairs.length; index += 1) {
      const found = marks[pairs[index] ?? 0] ?? 0;
      if (found === 0) continue;
      if ((found & beganBefore) !== 0 && index > 0) visitAt(index * 2 - 1);
      if ((found & beginsHere) !== 0) visitAt(index * 2);
    }
  };
}

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

/** A text may begin with the first byte of the pair. */
const beginsHere = 1;
/** The pair may be the second and third byte of a text. */
const beganBefore = 2;

function mark(marks: Uint8Array, pair: number, what: number): void {
  marks[pair] = (marks[pair] ?? 0) | what;
}

const isLittleEndian = endianness() === "LE";

function pairOf(first: number, second: number): number {
  return isLittleEndian ? first | (second << 8) : (first << 8) | second;
}

const headCount = 0x1000;

/** A number for three bytes; few others have the same. */
function headOf(first: number, second: number, third: number): number {
  return (first * 67 + second * 31 + third) % headCount;
}

/** The bytes two by two, copied only if they begin at an odd place of their memory. A single last one is left out. */
function pairsOf(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, length } = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(buffer, byteOffset, length >> 1);
}
