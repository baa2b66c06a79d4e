import { grouped } from "../core/grouped.ts";
import type { Policy } from "../core/policy.ts";

interface Named {
  readonly policy: Pick<Policy, "name" | "consumers">;
}

/** The block of a `keys: per-consumer` secret, from its name; undefined for one that is a block of its own. */
function blockOf({ policy: { name, consumers } }: Named): string | undefined {
  const [only, ...others] = consumers === "none" ? [] : consumers;
  if (only === undefined || others.length > 0 || !name.endsWith(`.${only.name}`)) return undefined;
  return name.slice(0, -only.name.length - 1);
}

/**
 * Rows of a table in which the secrets of one block stand together under its name, where the first of them stood. Their
 * own names stay whole, because commands take them.
 */
export function rowsByBlock<Item extends Named>(
  items: readonly Item[],
  rowOf: (item: Item) => readonly string[],
): readonly (readonly string[])[] {
  const blocks = grouped(items, blockOf);
  return items.flatMap((item) => {
    const block = blockOf(item);
    const members = block === undefined ? [item] : (blocks.get(block) ?? []);
    if (block === undefined || members.length === 1) return [rowOf(item)];
    return item === members[0] ? [[block], ...members.map((each) => indented(rowOf(each)))] : [];
  });
}

function indented([name = "", ...cells]: readonly string[]): readonly string[] {
  return [`  ${name}`, ...cells];
}
