export function csvLines(rows: readonly (readonly string[])[]): readonly string[] {
  return rows.map((row) => row.map(csvCell).join(","));
}

/** A spreadsheet runs a cell that begins like a formula: such text gets an apostrophe in front. */
function csvCell(text: string): string {
  const harmless = /^\s*[=+\-@\t\r\n|%]/.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
