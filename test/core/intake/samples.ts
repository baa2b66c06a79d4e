import { readFileSync } from "node:fs";
import { Secret } from "../../../core/secret.ts";
import type { Trust } from "../../../events/intake/edge/source.ts";

export function sample(name: string): Buffer {
  return readFileSync(new URL(`../../../events/samples/${name}`, import.meta.url));
}

export function bytes(value: unknown): Buffer {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
}

/** A JSON sample with some of its fields replaced, as deep as `changes` goes. */
export function sampleWith(name: string, changes: Fields): Buffer {
  return bytes(merge(JSON.parse(sample(name).toString()), changes));
}

export const noon = Date.parse("2026-11-22T12:00:00Z");

export function trustIn(secret: string, nowMs = noon): Trust {
  return { secret: new Secret(secret), nowMs, toleranceMs: 60_000 };
}

/** The spellings of `key` that `output` contains: none, unless the intake let it through. */
export function spellingsIn(output: unknown, key: string): readonly string[] {
  const text = JSON.stringify(output);
  const unescaped = String(text).replaceAll("\\\\", "\\").replaceAll('\\"', '"');
  const base64 = [0, 1, 2].map((pad) =>
    Buffer.from(" ".repeat(pad) + key)
      .toString("base64")
      .slice(4, -4),
  );
  const forms = [key, encodeURIComponent(key), JSON.stringify(key).slice(1, -1), ...base64];
  return forms.filter((form) => text.includes(form) || unescaped.includes(form));
}

type Fields = { readonly [name: string]: unknown };

function merge(base: Fields, changes: Fields): Fields {
  const entries = Object.entries(changes).map(([name, change]) => {
    const before = base[name];
    return [name, isFields(before) && isFields(change) ? merge(before, change) : change];
  });
  return { ...base, ...Object.fromEntries(entries) };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
