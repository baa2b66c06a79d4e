import { BlockList, isIP } from "node:net";
import { isObject } from "./input.ts";

/** Why AWS would not accept a pattern. */
export class PatternInvalid extends Error {
  override readonly name = "PatternInvalid";
}

export type EventTest = (event: unknown) => boolean;
/** Sees the scalars at one path; none when the event lacks the path. */
type LeafTest = (values: readonly unknown[]) => boolean;

const depthMax = 100;
const numericMax = 5_000_000_000;

/** Whether an event matches an EventBridge pattern. Throws PatternInvalid. */
export function matches(pattern: unknown, event: unknown): boolean {
  return compilePattern(pattern)(event);
}

/** Checks a pattern once for any number of events. */
export function compilePattern(pattern: unknown, depth = 0): EventTest {
  if (!isObject(pattern)) throw new PatternInvalid("Filter is not an object");
  if (depth > depthMax) throw new PatternInvalid(`a pattern is at most ${depthMax} levels deep`);
  const entries = Object.entries(pattern);
  if (entries.length === 0) throw new PatternInvalid("Empty objects are not allowed");
  const tests = entries.map(([key, value]) => compileField(key, value, depth));
  return (event) => tests.every((test) => test(event));
}

function compileField(key: string, value: unknown, depth: number): EventTest {
  if (key === "$or") return compileOr(value, depth);
  if (Array.isArray(value)) {
    if (value.length === 0) throw new PatternInvalid(`Empty arrays are not allowed: "${key}"`);
    const tests = value.map(compileLeaf);
    return (event) => {
      const values = leaves(member(event, key));
      return tests.some((test) => test(values));
    };
  }
  if (!isObject(value)) throw new PatternInvalid(`"${key}" must be an object or an array`);
  const inner = compilePattern(value, depth + 1);
  return (event) => {
    const found = member(event, key);
    // One element of a list has to match as a whole; an absent object can still satisfy `exists: false`.
    return Array.isArray(found) ? found.some(inner) : inner(found);
  };
}

function compileOr(value: unknown, depth: number): EventTest {
  if (!Array.isArray(value) || value.length < 2) {
    throw new PatternInvalid("$or must be an array of two patterns or more");
  }
  const alternatives = value.map((alternative) => compilePattern(alternative, depth + 1));
  return (event) => alternatives.some((test) => test(event));
}

function member(event: unknown, key: string): unknown {
  return isObject(event) && Object.hasOwn(event, key) ? event[key] : undefined;
}

/** `exists` and every other operator see scalars only: an object or an empty list counts as absent. */
function leaves(value: unknown): readonly unknown[] {
  if (value === undefined || isObject(value)) return [];
  return Array.isArray(value) ? value.flatMap(leaves) : [value];
}

function compileLeaf(expected: unknown): LeafTest {
  if (Array.isArray(expected)) throw new PatternInvalid("a list of values holds no lists");
  if (!isObject(expected)) return some((value) => value === expected);
  const [operator, operand] = only(expected);
  switch (operator) {
    case "exists":
      if (typeof operand !== "boolean") throw new PatternInvalid("exists must be true or false");
      return (values) => values.length > 0 === operand;
    case "anything-but":
      return some(compileAnythingBut(operand));
    case "numeric":
      return some(compileNumeric(operand));
    case "cidr":
      return some(compileCidr(operand));
    default:
      return some(compileText(operator, operand));
  }
}

function some(test: (value: unknown) => boolean): LeafTest {
  return (values) => values.some(test);
}

function only(operators: Record<string, unknown>): [string, unknown] {
  const [first, ...rest] = Object.entries(operators);
  if (!first || rest.length > 0) throw new PatternInvalid("Only one key allowed in match expression");
  return first;
}

/** Any value but these; a value of another type than text passes the text operators. */
function compileAnythingBut(operand: unknown): (value: unknown) => boolean {
  if (isObject(operand)) {
    const [operator, inner] = only(operand);
    const texts = listOf(inner);
    const tests = texts.map((text) => compileText(operator, text));
    return (value) => !tests.some((test) => test(value));
  }
  const excluded = listOf(operand);
  if (!excluded.every((value) => typeof value === "string" || typeof value === "number")) {
    throw new PatternInvalid("anything-but takes strings or numbers");
  }
  return (value) => !excluded.some((one) => one === value);
}

function listOf(operand: unknown): readonly unknown[] {
  const list = Array.isArray(operand) ? operand : [operand];
  if (list.length === 0) throw new PatternInvalid("Empty arrays are not allowed");
  return list;
}

function compileText(operator: string, operand: unknown): (value: unknown) => boolean {
  if ((operator === "prefix" || operator === "suffix") && isObject(operand)) {
    const [inner, text] = only(operand);
    if (inner !== "equals-ignore-case")
      throw new PatternInvalid(`Unsupported anything in ${operator}: ${inner}`);
    return textTest(operator, textOf(operator, text), (value) => value.toLowerCase());
  }
  return textTest(operator, textOf(operator, operand), (value) => value);
}

function textOf(operator: string, operand: unknown): string {
  if (typeof operand !== "string") throw new PatternInvalid(`${operator} match pattern must be a string`);
  return operand;
}

function textTest(
  operator: string,
  operand: string,
  fold: (value: string) => string,
): (value: unknown) => boolean {
  const expected = fold(operand);
  const onText = (test: (value: string) => boolean) => (value: unknown) =>
    typeof value === "string" && test(fold(value));
  switch (operator) {
    case "prefix":
      return onText((value) => value.startsWith(expected));
    case "suffix":
      return onText((value) => value.endsWith(expected));
    case "equals-ignore-case":
      return onText((value) => value.toLowerCase() === expected.toLowerCase());
    case "wildcard":
      return onText(compileWildcard(expected));
    default:
      throw new PatternInvalid(`Unrecognized match type ${operator}`);
  }
}

/** `*` stands for any characters, `\*` and `\\` for themselves. */
function compileWildcard(wildcard: string): (value: string) => boolean {
  const parts: string[] = [""];
  for (let at = 0; at < wildcard.length; at += 1) {
    const character = wildcard.charAt(at);
    if (character === "*") {
      if (wildcard.charAt(at + 1) === "*") throw new PatternInvalid("Consecutive wildcard characters");
      parts.push("");
      continue;
    }
    if (character === "\\") at += 1;
    const literal = wildcard.charAt(at);
    if (character === "\\" && literal !== "*" && literal !== "\\")
      throw new PatternInvalid("Invalid escape character");
    parts.push(`${parts.pop()}${literal}`);
  }
  return (value) => hasParts(value, parts);
}

/** Without a regular expression, so that no pattern can make a match slow. */
function hasParts(value: string, parts: readonly string[]): boolean {
  const [first = "", ...rest] = parts;
  if (rest.length === 0) return value === first;
  const last = rest.pop() ?? "";
  if (!value.startsWith(first) || !value.endsWith(last) || value.length < first.length + last.length)
    return false;
  const end = value.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = value.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

const comparisons: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  "=": (value, bound) => value === bound,
  "<": (value, bound) => value < bound,
  "<=": (value, bound) => value <= bound,
  ">": (value, bound) => value > bound,
  ">=": (value, bound) => value >= bound,
};

function compileNumeric(operand: unknown): (value: unknown) => boolean {
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) {
    throw new PatternInvalid("numeric takes one or two comparisons");
  }
  const tests = [operand.slice(0, 2), operand.slice(2)]
    .filter((pair) => pair.length > 0)
    .map(([sign, bound]) => {
      const compare = Object.hasOwn(comparisons, String(sign)) ? comparisons[String(sign)] : undefined;
      if (!compare || typeof bound !== "number" || Math.abs(bound) > numericMax) {
        throw new PatternInvalid(`numeric takes <, <=, =, >= or > and a number up to ${numericMax}`);
      }
      return (value: number) => compare(value, bound);
    });
  return (value) => typeof value === "number" && tests.every((test) => test(value));
}

function compileCidr(operand: unknown): (value: unknown) => boolean {
  const [address = "", prefix = ""] = typeof operand === "string" ? operand.split("/") : [];
  const version = isIP(address);
  if (version === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > (version === 4 ? 32 : 128)) {
    throw new PatternInvalid("Malformed CIDR, one '/' required");
  }
  const block = new BlockList();
  block.addSubnet(address, Number(prefix), version === 4 ? "ipv4" : "ipv6");
  return (value) =>
    typeof value === "string" && isIP(value) !== 0 && block.check(value, isIP(value) === 4 ? "ipv4" : "ipv6");
}
