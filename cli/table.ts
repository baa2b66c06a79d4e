import { oneLine } from "./text.ts";

/** Rows whose columns stand under each other, laid out for the width of the terminal that shows them. */
export interface Table {
  readonly rows: readonly (readonly string[])[];
  /** Whether the first row names the columns. */
  readonly isHeaded: boolean;
}

/** What a command shows: a line as it is, or rows of a table. */
export type Line = string | Table;

const gap = 2;

export function table(rows: Table["rows"]): Table {
  return { rows, isHeaded: false };
}

export function headedTable(header: readonly string[], rows: Table["rows"]): Table {
  return { rows: [header, ...rows], isHeaded: true };
}

/**
 * The table as lines of at most `width` characters; without a width, as for a pipe, a row is a line. Cells are
 * broken between words only. Where even that is too wide, each row becomes a block with a line for each cell.
 */
export function tableLines(shown: Table, width = Number.POSITIVE_INFINITY): readonly string[] {
  const { rows } = shown;
  const natural = widest(rows, (cell) => cell.length);
  if (total(natural) <= width) return rows.flatMap((row) => rowLines(row, natural));
  const least = widest(rows, longestWord);
  if (total(least) > width) return blocks(shown, width);
  return rows.flatMap((row) => rowLines(row, narrowed({ natural, least, width })));
}

/** Everything that is shown, as lines. Text from outside stays within its own lines, in a table too. */
export function printed(shown: readonly Line[], width: number | undefined): readonly string[] {
  return shown.flatMap((line) =>
    typeof line === "string"
      ? sentenceLines(oneLine(line), width)
      : tableLines({ ...line, rows: line.rows.map((row) => row.map(oneLine)) }, width),
  );
}

/** What goes on in a further line stands under its beginning. */
function sentenceLines(text: string, width = Number.POSITIVE_INFINITY): readonly string[] {
  if (text.length <= width) return [text];
  const indent = /^ */.exec(text)?.[0] ?? "";
  return wrapped(text.slice(indent.length), width - indent.length).map((line) => indent + line.trimEnd());
}

/** A line beside the results, such as `rekey: …`. What has colours, or several lines, was laid out before. */
export function noticeLines(text: string, width = Number.POSITIVE_INFINITY): readonly string[] {
  if (text.length <= width || text.includes("\x1b") || text.includes("\n")) return [text];
  const [, name = "", said = text] = /^(rekey: )(.*)$/s.exec(text) ?? [];
  const [first = "", ...others] = wrapped(said, width - name.length);
  return [name + first, ...others.map((line) => " ".repeat(name.length) + line)];
}

function widest(rows: Table["rows"], measure: (cell: string) => number): readonly number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, measure(cell));
  }
  return widths;
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, gap * Math.max(0, widths.length - 1));
}

function longestWord(cell: string): number {
  return Math.max(0, ...(isCommand(cell) ? [cell.length] : cell.split(" ").map((word) => word.length)));
}

/** A command is pasted as a whole, so it is never broken over lines. */
function isCommand(cell: string): boolean {
  return cell.startsWith("rekey ");
}

/** Narrows the widest column that may still become narrower, again and again, until the row fits. */
function narrowed(given: {
  readonly natural: readonly number[];
  readonly least: readonly number[];
  readonly width: number;
}): readonly number[] {
  const widths = [...given.natural];
  const spare = (index: number) => (widths[index] ?? 0) - (given.least[index] ?? 0);
  for (let excess = total(widths) - given.width; excess > 0; excess -= 1) {
    const giving = [...widths.keys()].filter((index) => spare(index) > 0);
    const [most] = giving.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    if (most === undefined) break;
    widths[most] = (widths[most] ?? 0) - 1;
  }
  return widths;
}

/** One row; the last column is not padded. */
function rowLines(row: readonly string[], widths: readonly number[]): readonly string[] {
  const cells = row.map((cell, index) => wrapped(cell, widths[index] ?? cell.length));
  const height = Math.max(1, ...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((cell, index) => (cell[line] ?? "").padEnd(index === row.length - 1 ? 0 : (widths[index] ?? 0)))
      .join(" ".repeat(gap))
      .trimEnd(),
  );
}

/** Every row as a block: its first cell, and under it each other one that says something. */
function blocks({ rows, isHeaded }: Table, width: number): readonly string[] {
  const [first = []] = rows;
  const titles = isHeaded ? first.map((title) => title.toLowerCase()) : [];
  const titleWidth = Math.max(0, ...titles.slice(1).map((title) => title.length + gap));
  const room = Math.max(1, width - gap - titleWidth);
  const indent = " ".repeat(gap);
  return (isHeaded ? rows.slice(1) : rows).flatMap(([head = "", ...rest]) => [
    ...(head === "" ? [] : wrapped(head, width)),
    ...rest.flatMap((cell, index) =>
      cell === ""
        ? []
        : wrapped(cell, room).map((text, line) =>
            `${indent}${(line === 0 ? (titles[index + 1] ?? "") : "").padEnd(titleWidth)}${text}`.trimEnd(),
          ),
    ),
  ]);
}

/** The text in lines of at most `width`, broken between words; a word that is longer stays whole. */
export function wrapped(text: string, width: number): readonly string[] {
  if (text.length <= width || isCommand(text)) return [text];
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
