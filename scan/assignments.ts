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
 * The name around a place, and where it ends. It reads a bounded number of bytes before the place, and a caller that
 * goes on behind the end reads none twice, so the time is linear in the file. A run of more than `nameMax` is no name.
 */
export function nameAround(bytes: Buffer, at: number): { readonly name?: Name; readonly end: number } {
  const [start, end] = [nameStart(bytes, at), nameEnd(bytes, at)];
  // `arn:…:secret:name` names a secret and holds none.
  if (end - start > nameMax || bytes[start - 1] === 58) return { end };
  return { name: { text: bytes.toString("latin1", start, end), at: start }, end };
}

/** Behind a name the longest value, and the longest of what may stand between the two, have room in it. */
export const aheadMax = 1_024;

/** The name with the value that it is given in `ahead`, the text behind it. */
export function assignmentOf({ text: name, at }: Name, ahead: string): Assignment {
  const { value, valueAt = 0 } = valueIn(ahead);
  return { name, at, ...(value !== undefined && { value, valueAt: at + name.length + valueAt }) };
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

/** Whether the byte behind a name may begin what gives it a value. `?` may stand for a character that is no byte. */
export function mayGive(code: number | undefined): boolean {
  if (code === undefined) return false;
  return code <= 32 || code >= 128 || giving.has(code);
}

const giving: ReadonlySet<number> = new Set(Buffer.from("\\\"'`]=:?", "latin1"));

function valueIn(ahead: string): { readonly value?: string; readonly valueAt?: number } {
  for (const operator of operators) {
    operator.lastIndex = 0;
    const match = operator.exec(ahead);
    if (match === null) continue;
    const valueAt = operator.lastIndex;
    const value = valueAtIn(ahead, { valueAt, quote: match[1] ?? "" });
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
