import { isObject } from "./input.ts";

/** Why AWS would not accept a pattern. */
export class PatternInvalid extends Error {
  override readonly name = "PatternInvalid";
}

export type EventTest = (event: unknown) => boolean;
/** Sees the scalars at one path; none when the event lacks the path. */
type LeafTest = (values: readonly unknown[]) => boolean;

const depthMax = 100;

/**
 * Whether an event matches an EventBridge pattern, of those that the product's rules use: values, prefix and exists.
 * Throws PatternInvalid for all others, so that none is taken for one that never matches.
 */
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
  if (key.includes(".")) throw new PatternInvalid(`this cloud serves no dotted keys: "${key}"`);
  if (key === "$or") throw new PatternInvalid("this cloud serves no $or");
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

function member(event: unknown, key: string): unknown {
  return isObject(event) && Object.hasOwn(event, key) ? event[key] : undefined;
}

/** Every operator sees scalars only: an object or an empty list counts as absent. */
function leaves(value: unknown): readonly unknown[] {
  if (value === undefined || isObject(value)) return [];
  return Array.isArray(value) ? value.flatMap(leaves) : [value];
}

function compileLeaf(expected: unknown): LeafTest {
  if (Array.isArray(expected)) throw new PatternInvalid("a list of values holds no lists");
  if (!isObject(expected)) return (values) => values.includes(expected);
  const [operator, operand] = only(expected);
  switch (operator) {
    case "exists":
      if (typeof operand !== "boolean") throw new PatternInvalid("exists must be true or false");
      return (values) => values.length > 0 === operand;
    case "prefix":
      if (typeof operand !== "string") throw new PatternInvalid("prefix match pattern must be a string");
      return (values) => values.some((value) => typeof value === "string" && value.startsWith(operand));
    default:
      throw new PatternInvalid(`this cloud serves values, prefix and exists, not ${operator}`);
  }
}

function only(operators: Record<string, unknown>): [string, unknown] {
  const [first, ...rest] = Object.entries(operators);
  if (!first || rest.length > 0) throw new PatternInvalid("Only one key allowed in match expression");
  return first;
}
