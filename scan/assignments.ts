/** A name and the value that it is given, in whatever language or format: `NAME=value`, `"name": "value"`. */
export interface Assignment {
  readonly name: string;
  readonly at: number;
  /** Undefined where the name is only used, or is given what is too short for a secret. */
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

/** The name around a place, up to its end. It reads a bounded number of bytes: a longer run is no name. */
export function nameAround(
  bytes: Buffer,
  { at, end }: { readonly at: number; readonly end: number },
): Pick<Assignment, "name" | "at"> | undefined {
  const start = nameStart(bytes, at);
  // `arn:…:secret:name` names a secret and holds none.
  if (end - start > nameMax || bytes[start - 1] === 58) return undefined;
  return { name: bytes.toString("latin1", start, end), at: start };
}

/** Behind a name the longest value, and the longest of what may stand between the two, have room in it. */
export const aheadMax = 1_024;

export function isLetterOrDigit(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57);
}

const lettersAndDigits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const inNames = kindOf(`${lettersAndDigits}_-.`);

function nameStart(bytes: Buffer, from: number): number {
  const least = Math.max(0, from - nameMax - 1);
  let at = from;
  while (at > least && inNames[bytes[at - 1] ?? 0] === 1) at -= 1;
  return at;
}

/**
 * Where the name around a place ends. The whole run is passed, however long it is: a caller that goes on behind it
 * reads none of it twice, so the time is linear in the file.
 */
export function nameEnd(bytes: Buffer, from: number): number {
  let end = from;
  while (end < bytes.length && inNames[bytes[end] ?? 0] === 1) end += 1;
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

/**
 * Whether what stands behind a name may give it a value of `lengthMin` or more. It looks at few bytes and says yes too
 * often; `valueIn` knows. Most names are followed by nothing of the kind, or by a short word such as a type.
 */
export function mayGive(bytes: Buffer, nameEnd: number, lengthMin: number): boolean {
  const at = behind(bytes, nameEnd, closing);
  const code = bytes[at] ?? 0;
  if (code === 61 || code === 58) return mayReach(bytes, at + 1, at + 1 + lengthMin);
  // Of the bytes above 127 one is a space, and some stand for a character that is no byte.
  return code >= 128 || (at > nameEnd && leading[code] === 1);
}

/** The quote and what stands before it are counted too, as some of it can be the value's own. */
function mayReach(bytes: Buffer, from: number, end: number): boolean {
  let at = behind(bytes, from, operating);
  const quote = bytes[at] ?? 0;
  // `Bearer ` is passed, and the value stands behind it.
  if (quote >= 128 || quote === 66) return true;
  if (quotes[quote] === 1) {
    at += 1;
    if (bytes[at] === 66) return true;
    while (at < end && bytes[at] !== quote && bytes[at] !== 92 && bytes[at] !== 10) at += 1;
  } else while (at < end && bareEnds[bytes[at] ?? 0] === 0) at += 1;
  return at >= end;
}

function behind(bytes: Buffer, from: number, kind: Uint8Array): number {
  let at = from;
  const most = Math.min(bytes.length, from + spaceMax);
  while (at < most && kind[bytes[at] ?? 0] === 1) at += 1;
  return at;
}

/** More stands between no name and its value. */
const spaceMax = 200;
const space = "\t\n\v\f\r ";
const quotes = kindOf("\"'`");
const closing = kindOf(`${space}"'\`\\]`);
const operating = kindOf(`${space}=:>\\`);
/** Behind a name in quotes: the comma of a list, the dash of the next entry, the word `value`. */
const leading = kindOf(",-vV");
const bareEnds = kindOf(`${space}"'\`\\,;<>(){}[]`);

/** By a byte's number. */
function kindOf(characters: string): Uint8Array {
  const kind = new Uint8Array(256);
  for (const byte of Buffer.from(characters, "latin1")) kind[byte] = 1;
  return kind;
}

/** The value that the text behind a name gives it, and where it begins in that text. */
export function valueIn(ahead: string): { readonly value: string; readonly at: number } | undefined {
  for (const operator of operators) {
    operator.lastIndex = 0;
    const match = operator.exec(ahead);
    if (match === null) continue;
    const at = operator.lastIndex;
    const value = valueAtIn(ahead, { at, quote: match[1] ?? "" });
    return value === "" ? undefined : { value, at };
  }
  return undefined;
}

function valueAtIn(text: string, { at, quote }: { readonly at: number; readonly quote: string }): string {
  const part = text.slice(at, at + valueMax);
  const end =
    quote === "" ? part.search(/[\s"'`,;<>(){}[\]\\]/) : part.search(new RegExp(`[${quote}\\\\\\n]`));
  // What is called or looked up is no value of its own.
  if (quote === "" && end >= 0 && /[([]/.test(part[end] ?? "")) return "";
  return end < 0 ? part : part.slice(0, end);
}
