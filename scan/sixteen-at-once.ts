import { tablesOf } from "./eight-groups.ts";
import { layout, program } from "./sixteen-program.ts";

const { foundAt, headFactor, headShift, headsAt, margin, placeLength, textAt, textMax } = layout;

export { textMax };

/**
 * A small program in WebAssembly that looks at sixteen places of a text in one step. A place is looked at more closely
 * if its bytes fit one of eight groups; a byte fits by its lower and its upper four bits, each looked up in a table
 * of sixteen (the way of Hyperscan's "Teddy"). It is found if the number of its first three bytes is one of those that are
 * looked for. Node's own searches look for one text at a time.
 */
export interface Places {
  /** What to search is written here. */
  readonly text: Uint8Array;
  /** After `search`: where the places are in `text`, in their order. */
  readonly found: Uint32Array;
  /** How many places were found in the first `length` bytes of `text`. The last ones may be behind them. */
  search(length: number): number;
}

/** Node has it; its types stand in those of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
  ) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer };
      readonly search: (from: number, to: number) => number;
    };
  };
};

export function placesOf(texts: readonly Uint8Array[]): Places {
  const { memory, search } = new WebAssembly.Instance(new WebAssembly.Module(program())).exports;
  const { buffer } = memory;
  const tables = new Uint8Array(buffer, 0, textAt);
  for (const [index, { low, high }] of tablesOf(texts).entries()) {
    tables.set(low, index * 32);
    tables.set(high, index * 32 + 16);
  }
  for (const text of texts) tables[headsAt + headOf(text, 0)] = placeLength;
  return {
    text: new Uint8Array(buffer, textAt, textMax),
    found: new Uint32Array(buffer, foundAt, textMax + margin),
    search: (length) => (search(textAt, textAt + length) - foundAt) / placeLength,
  };
}

/** A number for three bytes, below `headCount`; few others have the same. */
export function headOf(bytes: Uint8Array, at: number): number {
  const three = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
  return Math.imul(three, headFactor) >>> headShift;
}
