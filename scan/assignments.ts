/** A name and the value that it is given, in whatever language or format: `NAME=value`, `"name": "value"`. */
export interface Assignment {
  readonly name: string;
  readonly at: number;
  /** Undefined where the name is only used. */
  readonly value?: string;
  readonly valueAt?: number;
}

/** A name of a secret has one of these in it. */
export const secretWords: readonly string[] = [
  ...[
    "key",
    "Key",
    "KEY",
    "token",
    "Token",
    "TOKEN",
    "secret",
    "Secret",
    "SECRET",
    "passw",
    "Passw",
    "PASSW",
  ],
  ...["credential", "Credential", "CREDENTIAL", "uthorization", "AUTHORIZATION"],
];

const nameMax = 80;
const valueMax = 512;

export interface Name {
  readonly text: string;
  readonly at: number;
}

/**
 * The name around a place, and where it ends. A name is looked at once and reads a bounded number of bytes before the place,
 * so the time is linear in the file. What is longer than `nameMax` is no name.
 */
export function nameAround(bytes: Buffer, at: number): { readonly name?: Name; readonly end: number } {
  const [start, end] = [nameStart(bytes, at), nameEnd(bytes, at)];
  // `arn:…:secret:name` names a secret and holds none.
  if (end - start > nameMax || bytes[start - 1] === 58) return { end };
  return { name: { text: bytes.toString("latin1", start, end), at: start }, end };
}

/** The name with the value that it is given behind it; reads a bounded number of characters. */
export function assignmentOf(text: string, { text: name, at }: Name): Assignment {
  return { name, at, ...valueAfter(text, at + name.length) };
}

export function isLetterOrDigit(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57);
}

function isNameCode(code: number): boolean {
  return isLetterOrDigit(code) || code === 95 || code === 45 || code === 46;
}

function nameStart(bytes: Buffer, from: number): number {
  const least = Math.max(0, from - nameMax - 1);
  let at = from;
  while (at > least && isNameCode(bytes[at - 1] ?? 0)) at -= 1;
  return at;
}

/** The whole run is passed, however long it is, so that none of it is read twice. */
function nameEnd(bytes: Buffer, from: number): number {
  let end = from;
  while (end < bytes.length && isNameCode(bytes[end] ?? 0)) end += 1;
  return end;
}

/** A quote, also one that is escaped because its text stands in another; \x60 is the backquote. */
const quoteEnd = String.raw`\\{0,3}["'\x60]?\]?`;
const quoteStart = String.raw`\\{0,3}(["'\x60]?)`;
/** `=`, `:`, `=>` and `:=`, a parameter beside its option, and the `value` that stands beside a `name`. */
const operators = [
  String.raw`\s{0,8}(?:=>|:=|[=:])\s{0,8}`,
  String.raw`["'],?\s{0,80}-?\s{0,8}\\?["']?[vV]alue\\?["']?\s{0,4}[=:]\s{0,8}`,
  String.raw`\s{0,8}\n\s{0,80}[vV]alue\s{0,4}[=:]\s{0,8}`,
  String.raw`["'],\s{0,80}(?=["'])`,
].map(
  (operator, index) => new RegExp(`${index === 0 ? quoteEnd : ""}${operator}${quoteStart}(?:Bearer )?`, "y"),
);

function valueAfter(text: string, from: number): { readonly value?: string; readonly valueAt?: number } {
  for (const operator of operators) {
    operator.lastIndex = from;
    const match = operator.exec(text);
    if (match === null) continue;
    const valueAt = operator.lastIndex;
    const value = valueAtIn(text, { valueAt, quote: match[1] ?? "" });
    return value === "" ? {} : { value, valueAt };
  }
  return {};
}

function valueAtIn(
  text: string,
  { valueAt, quote }: { readonly valueAt: number; readonly quote: string },
): string {
  const part = text.slice(valueAt, valueAt + valueMax);
  const end =
    quote === "" ? part.search(/[\s"'`,;<>(){}[\]\\]/) : part.search(new RegExp(`[${quote}\\\\\\n]`));
  // What is called or looked up is no value of its own.
  if (quote === "" && end >= 0 && /[([]/.test(part[end] ?? "")) return "";
  return end < 0 ? part : part.slice(0, end);
}
