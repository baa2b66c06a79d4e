/** A name and the value that it is given, in whatever language or format: `NAME=value`, `"name": "value"`. */
export interface Assignment {
  readonly name: string;
  readonly at: number;
  /** Undefined where the name is only used. */
  readonly value?: string;
  readonly valueAt?: number;
}

const word =
  /key|Key|KEY|token|Token|TOKEN|secret|Secret|SECRET|passw|Passw|PASSW|credential|Credential|CREDENTIAL|uthorization|AUTHORIZATION/g;

const nameMax = 80;
const valueMax = 512;

/**
 * Every name in the text that speaks of a key, a token or the like, and that `isWanted`. Each name is looked at once, and reads
 * a bounded number of characters around itself, so the time is linear in the text.
 */
export function assignmentsIn(text: string, isWanted: (name: string) => boolean): readonly Assignment[] {
  const found: Assignment[] = [];
  word.lastIndex = 0;
  for (let hit = word.exec(text); hit !== null && found.length < assignmentsMax; hit = word.exec(text)) {
    const end = nameEnd(text, hit.index);
    const at = nameStart(text, hit.index);
    word.lastIndex = Math.max(end, hit.index + 1);
    if (end - at > nameMax) continue;
    const name = text.slice(at, end);
    // `arn:…:secret:name` names a secret and holds none.
    if (text[at - 1] !== ":" && isWanted(name)) found.push({ name, at, ...valueAfter(text, end) });
  }
  return found;
}

/** More are in no file that a person wrote. */
const assignmentsMax = 100_000;

const isNameCode = (code: number) =>
  (code >= 97 && code <= 122) ||
  (code >= 65 && code <= 90) ||
  (code >= 48 && code <= 57) ||
  code === 95 ||
  code === 45 ||
  code === 46;

function nameStart(text: string, from: number): number {
  const least = Math.max(0, from - nameMax - 1);
  let at = from;
  while (at > least && isNameCode(text.charCodeAt(at - 1))) at -= 1;
  return at;
}

/** The whole run is passed, however long it is, so that none of it is read twice. */
function nameEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && isNameCode(text.charCodeAt(end))) end += 1;
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
