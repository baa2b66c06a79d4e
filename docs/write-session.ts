/** `node --no-warnings docs/write-session.ts`: records `npm start` as the picture on the README's first screen. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const picture = `${root}docs/images/rotation.svg`;
const columns = 112;
const rowHeight = 19;
const charWidth = 8.1;
const edge = 16;

/** The steps and the verdicts, each on one row; where a file was written is different on each machine. */
function rowsOf(output: string): readonly string[] {
  const rows: string[] = [];
  let isStep = false;
  for (const line of output.split("\n").map((each) => each.trimEnd())) {
    const isRow = /^\s+\d+\.\d s |^\s*[✓✗] /.test(line);
    if (isRow && !line.includes("certificate")) rows.push(line);
    else if (isStep && /^\s{8,}\S/.test(line)) rows.push(`${rows.pop() ?? ""} ${line.trimStart()}`);
    isStep = /^\s+\d/.test(rows.at(-1) ?? "") && (isRow || isStep);
  }
  const shown = rows.length > rowsMax ? [...rows.slice(0, rowsMax - 6), "   …", ...rows.slice(-5)] : rows;
  return ["$ npm start", ...shown].map((row) =>
    row.length > columns ? `${row.slice(0, columns - 1)}…` : row,
  );
}

const rowsMax = 20;

function svgOf(rows: readonly string[]): string {
  const width = Math.round(columns * charWidth + 2 * edge);
  const height = rows.length * rowHeight + 2 * edge;
  const texts = rows.map((row, index) => {
    const kind = row.startsWith("$") ? "c" : row.includes("✓") ? "g" : row.includes("✗") ? "r" : "t";
    const y = edge + (index + 1) * rowHeight - 5;
    return `<text x="${edge}" y="${y}" class="${kind}" xml:space="preserve">${escaped(row)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    "<title>npm start: one rotation under live traffic, recorded</title>",
    "<style>text{font:13.5px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d5dbe3}",
    ".c{fill:#8ab4f8}.g{fill:#7bd88f}.r{fill:#ff7b72}</style>",
    `<rect width="${width}" height="${height}" rx="8" fill="#14181f"/>`,
    ...texts,
    "</svg>",
    "",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const output = execFileSync(process.execPath, ["--no-warnings", `${root}local/start.ts`], {
  encoding: "utf8",
  env: { ...process.env, NO_COLOR: "1" },
  maxBuffer: 16 * 1024 * 1024,
  stdio: ["ignore", "pipe", "inherit"],
});
writeFileSync(picture, svgOf(rowsOf(output)));
console.log(picture);
