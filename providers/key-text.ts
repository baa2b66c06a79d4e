/** How an issuer's keys look. Data instead of regular expressions, so that every search is linear in the text. */
export interface KeyText {
  /** How each key begins; empty for keys that are told from other text only by where they stand. */
  readonly prefix: string;
  /** The characters behind the prefix. */
  readonly alphabet: Alphabet;
  /** How many characters follow the prefix. */
  readonly length: { readonly min: number; readonly max: number };
  /** A text that every key holds somewhere behind the prefix. */
  readonly holds?: string;
  /** It is a key's id and no secret: people and screens may see it. */
  readonly isId?: true;
}

/** How a key looks that nothing marks as one: it counts only where it stands under a name that says whose it is. */
export interface UnmarkedKey extends Omit<KeyText, "prefix" | "isId"> {
  /** Parts of such names beside the issuer's own, in lower case without `_` and `-`. */
  readonly names?: readonly string[];
}

/** Whether the whole text may be such a key. */
export function isUnmarkedKey(text: string, kinds: readonly UnmarkedKey[]): boolean {
  return isKeyText(
    text,
    kinds.map((kind) => ({ ...kind, prefix: "" })),
  );
}

/** The first character that is not in the alphabet. */
const otherThan = {
  digits: /[^0-9]/g,
  hex: /[^0-9a-f]/g,
  lowercase: /[^a-z0-9]/g,
  uppercase: /[^A-Z0-9]/g,
  letters: /[^A-Za-z0-9]/g,
  base64: /[^A-Za-z0-9+/=]/g,
  base64url: /[^A-Za-z0-9_-]/g,
  dotted: /[^A-Za-z0-9_.-]/g,
} as const;
export type Alphabet = keyof typeof otherThan;

/** Whether the whole text looks like a key of one of these kinds. */
export function isKeyText(text: string, kinds: readonly KeyText[]): boolean {
  return kinds.some((kind) => lengthAt(text, { at: 0, kind, runEnd: runsIn(text) }) === text.length);
}

/** Every key of these kinds in a text, whole and in its order. Kinds without a prefix are found nowhere. */
export function keyTextsIn(text: string, kinds: readonly KeyText[]): readonly string[] {
  return keySearch(kinds)(text).map(({ text: key }) => key);
}

export interface KeyAt<Kind extends KeyText> {
  readonly at: number;
  readonly text: string;
  readonly kind: Kind;
}

/**
 * One search for the keys of many kinds, which takes as long for a hundred as for one: a single pattern of all
 * prefixes finds where a key may begin. Where two kinds fit, the longer key counts.
 */
export function keySearch<Kind extends KeyText>(
  kinds: readonly Kind[],
): (text: string) => readonly KeyAt<Kind>[] {
  const marked = kinds.filter(({ prefix }) => prefix !== "");
  const prefixes = [...new Set(marked.map(({ prefix }) => prefix))];
  const pattern = prefixes.map((prefix) => prefix.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return (text) => {
    if (prefixes.length === 0) return [];
    const start = new RegExp(pattern, "g");
    const runEnd = runsIn(text);
    const found: KeyAt<Kind>[] = [];
    for (let hit = start.exec(text); hit !== null; hit = start.exec(text)) {
      const { index: at } = hit;
      start.lastIndex = at + 1;
      if (at > 0 && isLetter.test(text[at - 1] ?? "")) continue;
      const key = longestAt(marked, { text, at, runEnd });
      if (key === undefined) continue;
      found.push(key);
      start.lastIndex = at + key.text.length;
    }
    return found;
  };
}

function longestAt<Kind extends KeyText>(
  kinds: readonly Kind[],
  { text, at, runEnd }: { readonly text: string; readonly at: number; readonly runEnd: RunEnd },
): KeyAt<Kind> | undefined {
  let longest: KeyAt<Kind> | undefined;
  for (const kind of kinds) {
    const length = lengthAt(text, { at, kind, runEnd });
    if (length > (longest?.text.length ?? 0)) longest = { at, text: text.slice(at, at + length), kind };
  }
  return longest;
}

const isLetter = /[A-Za-z0-9]/;

/** Where the run of an alphabet's characters ends that begins at or before `at`. */
type RunEnd = (alphabet: Alphabet, at: number) => number;

/** Each run is measured once, however many keys seem to begin in it. */
function runsIn(text: string): RunEnd {
  const known = new Map<Alphabet, { readonly from: number; readonly end: number }>();
  return (alphabet, at) => {
    const run = known.get(alphabet);
    if (run !== undefined && at >= run.from && at < run.end) return run.end;
    const other = otherThan[alphabet];
    other.lastIndex = at;
    const end = other.test(text) ? other.lastIndex - 1 : text.length;
    known.set(alphabet, { from: at, end });
    return end;
  };
}

/** How long the key is that begins at `at`; 0 where none does. */
function lengthAt(
  text: string,
  { at, kind, runEnd }: { readonly at: number; readonly kind: KeyText; readonly runEnd: RunEnd },
): number {
  const { prefix, alphabet, length, holds = "" } = kind;
  if (!text.startsWith(prefix, at)) return 0;
  const start = at + prefix.length;
  const end = runEnd(alphabet, start);
  const tail = end - start;
  if (tail < length.min || tail > length.max) return 0;
  return text.slice(start, end).includes(holds) ? end - at : 0;
}
