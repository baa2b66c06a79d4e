import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  visit,
  type YAMLMap,
} from "yaml";

/** The position of a mistake, counted from 1 as in editors. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface PlacedMessage extends Place {
  readonly message: string;
}

export type Path = readonly (string | number)[];

export interface YamlFile {
  readonly value: unknown;
  /** The position of a field, or of the deepest part of the path that the file has. */
  placeOf(path: Path, part: "key" | "value"): Place;
}

/** About twice as large as a file with a thousand secrets. */
const textMax = 1_048_576;
const aliasesMax = 100;
/** Blocks that are merged into one block, and how many levels of blocks a merged one may merge itself. */
const mergedMax = 10;
const mergeDepthMax = 3;
/** Field names that have a meaning in JavaScript itself. */
const reservedKeys: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

export interface ReadYaml {
  /** What can be read beside the mistakes; undefined if the text is not YAML at all. */
  readonly file: YamlFile | undefined;
  readonly mistakes: readonly PlacedMessage[];
}

/**
 * Reads one YAML document into plain data, and keeps the position of each field in the text. A field that is there
 * twice and an alias without an anchor do not keep the rest from being checked.
 */
export function readYaml(text: string): ReadYaml {
  if (text.length > textMax) return onlyMistake(`the file has more than ${textMax} characters`);
  // Each line of a program or a picture would be a mistake of its own.
  if (text.includes("\0")) return onlyMistake("this is no text file");
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      ...{ lineCounter: lines, uniqueKeys: true, prettyErrors: false, merge: true },
    });
    const syntax = syntaxMistakes(document, lines);
    const mistakes = [...syntax, ...takeOutRefused(document, lines)];
    if (syntax.some(({ message }) => message !== syntaxMessages["DUPLICATE_KEY"])) {
      return { file: undefined, mistakes };
    }
    const value: unknown = document.toJS({ maxAliasCount: aliasesMax });
    const placeOf: YamlFile["placeOf"] = (path, part) => placeIn(document, { path, part, lines });
    return { file: { value, placeOf }, mistakes };
  } catch (error) {
    if (error instanceof RangeError) return onlyMistake("the file is nested too deeply");
    if (error instanceof ReferenceError) return onlyMistake("its aliases expand to too much");
    throw error;
  }
}

function onlyMistake(message: string): ReadYaml {
  return { file: undefined, mistakes: [{ line: 1, column: 1, message }] };
}

function syntaxMistakes(document: Document, lines: LineCounter): readonly PlacedMessage[] {
  const found = [...document.errors, ...document.warnings];
  const fatal = found.filter(({ code }) => code === "RESOURCE_EXHAUSTION");
  return (fatal.length > 0 ? fatal.slice(0, 1) : found).map(({ pos, code }) => ({
    ...placeAt(pos[0], lines),
    message: syntaxMessages[code] ?? `this is not YAML (${code.toLowerCase().replaceAll("_", " ")})`,
  }));
}

/** The library's own messages quote the text, which may be a key that was pasted into the wrong file. */
const syntaxMessages: Readonly<Record<string, string>> = {
  RESOURCE_EXHAUSTION: "the file is nested too deeply",
  DUPLICATE_KEY: "this field is there twice",
  MULTIPLE_DOCS: "a policy file is one document: take out the second ---",
  TAB_AS_INDENT: "indent with spaces, not with tabs",
  TAG_RESOLVE_FAILED: "tags such as !this are not supported",
  BAD_INDENT: "the indentation is not even",
};

/**
 * Refuses names that have a meaning in JavaScript, aliases without an anchor, and aliases inside their own
 * anchor. Each is taken out of the document, so that the rest can be read.
 */
function takeOutRefused(document: Document, lines: LineCounter): readonly PlacedMessage[] {
  const found: PlacedMessage[] = [];
  const refuse = (node: Node, message: string) => found.push({ ...placeAt(node.range?.[0], lines), message });
  visit(document, {
    Pair(_index, { key, value }) {
      if (!isScalar(key)) return undefined;
      const why = reservedKeys.has(String(key.value))
        ? `"${String(key.value)}" cannot be a name`
        : isMergeKey(key) && whyNotMerge(value, { document, depth: 1 });
      if (!why) return undefined;
      refuse(key, why);
      return visit.REMOVE;
    },
    Alias(_index, alias, ancestors) {
      const meant = alias.resolve(document);
      if (meant !== undefined && !ancestors.includes(meant)) return undefined;
      const message =
        meant === undefined
          ? "no anchor of this name stands before it"
          : "an alias cannot stand inside what it means";
      refuse(alias, message);
      const nothing = new Scalar(null);
      nothing.range = alias.range ?? null;
      return nothing;
    },
  });
  return found;
}

/** Each level multiplies the work, so a few lines could otherwise keep a computer busy for hours. */
function whyNotMerge(
  value: unknown,
  { document, depth }: { readonly document: Document; readonly depth: number },
): string | undefined {
  const sources = isSeq(value) ? value.items : [value];
  if (sources.length > mergedMax) return `at most ${mergedMax} blocks can be merged into one`;
  if (depth > mergeDepthMax) return `a merged block merges others ${mergeDepthMax} levels deep at most`;
  for (const source of sources) {
    if (!isAlias(source)) return "write an alias of a block, such as <<: *base";
    const block = source.resolve(document);
    if (block === undefined) return "no anchor of this name stands before it";
    if (!isMap(block)) return "write an alias of a block, such as <<: *base";
    for (const pair of block.items) {
      if (!isScalar(pair.key) || !isMergeKey(pair.key)) continue;
      const why = whyNotMerge(pair.value, { document, depth: depth + 1 });
      if (why !== undefined) return why;
    }
  }
  return undefined;
}

interface Search {
  readonly path: Path;
  readonly part: "key" | "value";
  readonly lines: LineCounter;
}

function placeIn(document: Document, { path, part, lines }: Search): Place {
  let node: Node | null | undefined = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const [depth, name] of path.entries()) {
    const container: unknown = isAlias(node) ? node.resolve(document) : node;
    if (isMap(container)) {
      const pair = pairIn(container, { name: String(name), document });
      if (pair === undefined) break;
      const value = pair.value as Node | null;
      const isLast = depth === path.length - 1;
      const wanted = isLast && part === "value" && isScalar(value) ? value : (pair.key as Node);
      offset = wanted.range?.[0] ?? offset;
      node = value;
    } else if (isSeq(container) && typeof name === "number") {
      node = container.items[name] as Node | undefined;
      offset = node?.range?.[0] ?? offset;
    } else break;
  }
  return placeAt(offset, lines);
}

/** The field of a block; if the block does not have it itself, that of a block that is merged into it. */
function pairIn(
  block: YAMLMap,
  { name, document }: { readonly name: string; readonly document: Document },
): Pair<unknown, unknown> | undefined {
  const own = block.items.find(({ key }) => isScalar(key) && String(key.value) === name);
  if (own !== undefined) return own;
  const merged = block.items.filter(({ key }) => isScalar(key) && isMergeKey(key)).map(({ value }) => value);
  const sources = merged.flatMap((value) => (isSeq(value) ? value.items : [value]));
  return sources
    .map((source) => (isAlias(source) ? source.resolve(document) : source))
    .flatMap((source) => (isMap(source) ? (pairIn(source, { name, document }) ?? []) : []))[0];
}

function isMergeKey({ value }: Scalar): boolean {
  return value === "<<" || (typeof value === "symbol" && value.description === "<<");
}

function placeAt(offset: number | undefined, lines: LineCounter): Place {
  const { line, col } = lines.linePos(offset ?? 0);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
