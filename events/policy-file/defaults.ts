import { type Mistake, readBlock } from "./block.ts";
import type { Path } from "./document.ts";
import { DefaultsBlock } from "./schema.ts";

/** What `defaults` gives to every secret of its file. */
export interface Defaults {
  readonly mistakes: readonly Mistake[];
  /** A secret's block with the defaults that it does not set itself. A field is taken whole, never in parts. */
  under(block: unknown): unknown;
  /** Where the field at this path of a secret's block is written, if it came from the defaults. */
  placeOf(block: unknown, path: Path): { readonly writtenAt?: Path };
}

/** A default with a mistake is reported once, and then given to no secret. */
export function defaultsIn(raw: Readonly<Record<string, unknown>>): Defaults {
  const { mistakes } = readBlock(DefaultsBlock, raw, ["defaults"]);
  const wrong = new Set(mistakes.map(({ path }) => path[1]));
  const fields = Object.fromEntries(Object.entries(raw).filter(([field]) => !wrong.has(field)));
  return {
    mistakes,
    under: (block) => (isBlock(block) ? { ...fields, ...block } : block),
    placeOf: (block, path) => {
      const [field] = path;
      const isDefault = isBlock(block) && field !== undefined && !Object.hasOwn(block, field);
      return isDefault && Object.hasOwn(fields, field) ? { writtenAt: ["defaults", ...path] } : {};
    },
  };
}

function isBlock(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
