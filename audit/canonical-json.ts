import { InputInvalid } from "../core/errors.ts";

const depthMax = 32;

/**
 * JSON with the keys of every object in the order of their UTF-16 code units, and without white space (RFC
 * 8785). So one value always has one text, and one hash.
 */
export function canonicalJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new InputInvalid("only a JSON value has a canonical text");
  return write(JSON.parse(text), 0);
}

function write(value: unknown, depth: number): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (depth === depthMax) throw new InputInvalid(`a canonical text has at most ${depthMax} levels`);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(",")}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${write(item, depth + 1)}`).join(",")}}`;
}
