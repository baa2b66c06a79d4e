import { SecretUnusable } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";

/**
 * The key inside a secret's value: the whole string, or one string field of a JSON object. Without the line end that
 * an editor or `echo` left behind it and the byte order mark in front of it: no provider issues a key with either, and
 * what somebody finds in public has neither.
 */
export function keyIn(text: Secret, field?: string): Secret {
  if (field !== undefined) return trimmed(stringAt(text, memberNamed(text, field)));
  assertBare(text);
  return trimmed(text.reveal());
}

/** `trim` takes a byte order mark for white space. */
function trimmed(text: string): Secret {
  return new Secret(text.trim());
}

/**
 * The secret's value with `key` in it. Every byte outside the field stays as it was: numbers too large for a
 * double, the order of fields and the formatting.
 */
export function withKey(text: Secret, field: string | undefined, key: Secret): Secret {
  if (field === undefined) {
    assertBare(text);
    return key;
  }
  const { start, end } = memberNamed(text, field);
  const json = text.reveal();
  return new Secret(json.slice(0, start) + JSON.stringify(key.reveal()) + json.slice(end));
}

/** One member of the outermost object: `start` and `end` are the bounds of its value in the text. */
interface Member {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

function memberNamed(text: Secret, field: string): Member {
  assertObject(text, field);
  const [member, twin] = membersOf(text.reveal()).filter(({ name }) => name === field);
  if (!member) throw new SecretUnusable(`the secret's JSON has no field "${field}"`);
  // Parsers disagree on which of two fields counts: a consumer could go on reading the retiring key.
  if (twin) throw new SecretUnusable(`the secret's JSON has the field "${field}" twice`);
  stringAt(text, member);
  return member;
}

/** The JSON text of one member of an object, as it stands there. */
export function memberText(json: string, name: string): string {
  const member = membersOf(json).find((each) => each.name === name);
  if (member === undefined) throw new SecretUnusable(`the JSON has no field "${name}"`);
  return json.slice(member.start, member.end);
}

function stringAt(text: Secret, { name, start, end }: Member): string {
  const value: unknown = JSON.parse(text.reveal().slice(start, end));
  if (typeof value !== "string") throw new SecretUnusable(`the secret's field "${name}" is not a string`);
  if (value.trim() === "") throw new SecretUnusable(`the secret's field "${name}" is empty`);
  return value;
}

/** If a value with more than a key in it were taken for a bare key, the rest would be lost at the first rotation. */
function assertBare(text: Secret): void {
  const value = text.reveal().trim();
  if (value === "") throw new SecretUnusable("the secret's value is empty");
  const [, looks] = otherThanKey.find(([pattern]) => pattern.test(value)) ?? [];
  if (looks === undefined) return;
  throw new SecretUnusable(`the secret's value is no bare key: it looks like ${looks}`);
}

/** What people store in a secret besides a bare key. A PEM key has lines too. */
const otherThanKey: readonly (readonly [RegExp, string])[] = [
  [/^\{/, "a JSON object: name the field that holds the key"],
  [/^\[/, "a JSON list: store the key by itself, or an object with a field for it"],
  [/^["']/, "a text in quotes: store the key without them"],
  [
    /^(?:export\s+)?[A-Za-z_][\w.-]{0,127}\s{0,8}=\s{0,8}[^\s=]/,
    "a line of a .env file: store a JSON object",
  ],
  [/^(?:---\s|[A-Za-z_][\w.-]{0,127}:\s)/, "YAML: store a JSON object"],
  [/^(?!-----BEGIN )[^\n]*\n\s*\S/, "several lines: store a JSON object"],
];

function assertObject(text: Secret, field: string): void {
  const value = parsed(text);
  if (value === undefined)
    throw new SecretUnusable(`the secret's value is not JSON: it has no field "${field}"`);
  if (!isObject(value))
    throw new SecretUnusable(`the secret's JSON is no object: it has no field "${field}"`);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Editors of Windows write it in front of a file. */
const byteOrderMark = /^\uFEFF/;

/** Undefined if the text is not JSON. A SyntaxError quotes the text, so it is never passed on. */
function parsed(text: Secret): unknown {
  try {
    return JSON.parse(text.reveal().replace(byteOrderMark, ""));
  } catch {
    return undefined;
  }
}

/** Strings, punctuation and literals of a text that is known to be JSON. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

function membersOf(json: string): readonly Member[] {
  const members: Member[] = [];
  let depth = 0;
  let name: string | undefined;
  let start: number | undefined;
  let end = 0;
  for (const { 0: token, index } of json.matchAll(tokens)) {
    if (token === "}" || token === "]") depth -= 1;
    if (depth === 0 || (depth === 1 && token === ",")) {
      if (name !== undefined && start !== undefined) members.push({ name, start, end });
      name = undefined;
      start = undefined;
    } else if (name === undefined) {
      name = JSON.parse(token) as string;
    } else if (start !== undefined || token !== ":") {
      start ??= index;
    }
    if (token === "{" || token === "[") depth += 1;
    end = index + token.length;
  }
  return members;
}
