import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

export interface SourceFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

const root = join(import.meta.dirname, "..");
/** What tools leave behind; folders that begin with a dot are left out too. */
const skipped = new Set(["node_modules", "dist", "coverage"]);
const isSkipped = (name: string) => skipped.has(name) || name.startsWith(".");

/** Every file of the repository with one of these endings. */
export function filesOf(...endings: readonly string[]): readonly SourceFile[] {
  const entries = readdirSync(root, { recursive: false, withFileTypes: true });
  const tops = entries.filter(({ name }) => !isSkipped(name));
  const paths = tops.flatMap((entry) =>
    entry.isDirectory() ? filesUnder(join(root, entry.name)) : [join(root, entry.name)],
  );
  return paths
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .map((path) => {
      const text = readFileSync(path, "utf8");
      return { path: relative(root, path).split(sep).join("/"), text, lines: text.split("\n") };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !relative(root, entry.parentPath).split(sep).some(isSkipped))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Strings, regular expressions and comments, in this order of trying at each place. */
const notCode = new RegExp(
  [
    '"(?:\\\\.|[^"\\\\\\n])*"',
    "'(?:\\\\.|[^'\\\\\\n])*'",
    "`(?:\\\\.|[^`\\\\])*`",
    "\\/\\/[^\\n]*",
    "\\/\\*[\\s\\S]*?\\*\\/",
    "(?<=[(=>,:[!&|?{};\\n]\\s*|return\\s+)\\/(?![*/])(?:\\\\.|\\[(?:\\\\.|[^\\]\\\\\\n])*\\]|[^/\\\\\\n[])+\\/[dgimsuvy]*",
  ].join("|"),
  "g",
);

/** The code alone: what a string, a comment or a regular expression says is blanked, line by line. */
export function codeOf(text: string): string {
  return text.replace(notCode, (found) => {
    const quote = /^["'`]/.test(found) ? found.slice(0, 1) : "";
    return `${quote}${found.slice(1, -1).replace(/[^\n]/g, " ")}${quote}`
      .padEnd(found.length)
      .slice(0, found.length);
  });
}

export interface CodeFunction {
  readonly line: number;
  readonly length: number;
  readonly opening: string;
}

const notFunctions =
  /^(?:\}\s*)?(?:if|for|while|switch|else|do|try|catch|finally|class|interface|return\s*\{)\b/;

/**
 * Functions by the look of formatted code: a line that opens a body ends in `) {`, `): Type {` or `=> {`, and the
 * body ends at the next line of the same indentation. One that holds tests is left out: each of them is measured.
 */
export function functionsIn({ text }: Pick<SourceFile, "text">): readonly CodeFunction[] {
  const lines = codeOf(text).split("\n");
  const original = text.split("\n");
  return lines.flatMap((line, index) => {
    const opening = original[index]?.trim() ?? "";
    if (!/(?:\)|=>|\)\s*:.*)\s*\{$/.test(line.trimEnd()) || notFunctions.test(line.trim())) return [];
    const indent = line.length - line.trimStart().length;
    const rest = lines
      .slice(index + 1)
      .findIndex((next) => next.trim() !== "" && next.length - next.trimStart().length <= indent);
    const holdsTests = original
      .slice(index + 1, index + 1 + rest)
      .some((next) => /^\s*(?:test|it)(?:\.each)?\(/.test(next));
    return rest < 0 || holdsTests ? [] : [{ line: index + 1, length: rest + 2, opening }];
  });
}

/** How many parameters each declared function takes. */
export function parameterCounts({
  text,
}: Pick<SourceFile, "text">): readonly { line: number; count: number }[] {
  const code = codeOf(text).replaceAll("=>", "  ");
  return [...code.matchAll(/\bfunction\*?\s+\w+\s*(?:<[^(]*>)?\(/g)].map(({ 0: found, index }) => ({
    line: code.slice(0, index).split("\n").length,
    count: countUntilClosed(code.slice(index + found.length)),
  }));
}

function countUntilClosed(code: string): number {
  let depth = 0;
  let [commas, isBlank, isTrailing] = [0, true, false];
  for (const char of code) {
    if (depth === 0 && char === ")") break;
    if ("([{<".includes(char)) depth += 1;
    if (")]}>".includes(char)) depth -= 1;
    if (char.trim() !== "") [isBlank, isTrailing] = [false, depth === 0 && char === ","];
    if (depth === 0 && char === ",") commas += 1;
  }
  return isBlank ? 0 : commas + (isTrailing ? 0 : 1);
}

export interface Import {
  readonly line: number;
  readonly specifier: string;
}

/** Static, dynamic and re-exporting imports. */
export function importsOf({ text }: Pick<SourceFile, "text">): readonly Import[] {
  const code = codeOf(text);
  const pattern =
    /(?:^|\n)\s*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']|\bimport\s*\(?\s*["']([^"']+)["']/g;
  const written = [...text.matchAll(pattern)].filter(({ 0: found, index }) =>
    /\b(?:import|export)\b/.test(code.slice(index, index + found.length)),
  );
  return written.map(({ 0: found, 1: from, 2: direct, index }) => ({
    line: text.slice(0, index + found.length).split("\n").length,
    specifier: from ?? direct ?? "",
  }));
}
