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
  visit,
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
/** Field names that have a meaning in JavaScript itself. */
const reservedKeys: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Reads one YAML document into plain data, and keeps the position of each field in the text. */
export function readYaml(text: string): YamlFile | { readonly mistakes: readonly PlacedMessage[] } {
  if (text.length > textMax) return onlyMistake(`the file has more than ${textMax} characters`);
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
    const mistakes = [...syntaxMistakes(document, lines), ...namesRefused(document, lines)];
    if (mistakes.length > 0) return { mistakes };
    const value: unknown = document.toJS({ maxAliasCount: aliasesMax });
    return { value, placeOf: (path, part) => placeIn(document, { path, part, lines }) };
  } catch (error) {
    if (error instanceof RangeError) return onlyMistake("the file is nested too deeply");
    if (error instanceof ReferenceError) return onlyMistake("its aliases expand to too much");
    throw error;
  }
}

function onlyMistake(message: string): { readonly mistakes: readonly PlacedMessage[] } {
  return { mistakes: [{ line: 1, column: 1, message }] };
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
 * anchor.
 */
function namesRefused(document: Document, lines: LineCounter): readonly PlacedMessage[] {
  const found: PlacedMessage[] = [];
  const refuse = (node: Node, message: string) => found.push({ ...placeAt(node.range?.[0], lines), message });
  visit(document, {
    Pair(_index, { key }) {
      if (!isScalar(key) || !reservedKeys.has(String(key.value))) return;
      refuse(key, `"${String(key.value)}" cannot be a name`);
    },
    Alias(_index, alias, ancestors) {
      const meant = alias.resolve(document);
      if (meant === undefined) refuse(alias, "no anchor of this name stands before it");
      else if (ancestors.includes(meant)) refuse(alias, "an alias cannot stand inside what it means");
    },
  });
  return found;
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
      const pair: Pair<unknown, unknown> | undefined = container.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(name),
      );
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

function placeAt(offset: number | undefined, lines: LineCounter): Place {
  const { line, col } = lines.linePos(offset ?? 0);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
