import { roughDuration } from "../core/duration.ts";

/** Rows with their columns under each other; the last column is not padded. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join("  "),
  );
}

export function ago(thenMs: number, nowMs: number): string {
  return `${roughDuration(nowMs - thenMs)} ago`;
}

/** Text from the ledger may come from outside: nothing in it may move the cursor or begin a new line. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}
