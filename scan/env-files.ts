import { posix } from "node:path";
import { envKind } from "./file-kinds.ts";
import { idOf } from "./find.ts";
import type { Finding } from "./finding.ts";
import { git } from "./git.ts";
import { type Rule, rules } from "./rules.ts";

/** How the `.env` files of a repository are kept; nothing is said of a folder without one. */
export function envFileFindings(root: string): readonly Finding[] {
  const list = (...options: readonly string[]) =>
    (git(["ls-files", "-z", ...options], root) ?? "")
      .split("\0")
      .filter((path) => envKind(path) !== undefined);
  const tracked = list("--cached");
  const waiting = list("--others", "--exclude-standard");
  const ignored = list("--others", "--ignored", "--exclude-standard").filter((path) => !isInstalled(path));
  const hasValues = (path: string) => envKind(path) === "values";
  const templates = new Set(
    [...tracked, ...waiting]
      .filter((path) => envKind(path) === "template")
      .map((path) => posix.dirname(path)),
  );
  const alone = new Map<string, string>();
  for (const path of [...waiting, ...ignored].filter(hasValues)) {
    const folder = posix.dirname(path);
    if (!templates.has(folder) && !alone.has(folder)) alone.set(folder, path);
  }
  return [
    ...tracked.filter(hasValues).map((path) => about("env-tracked", path)),
    ...waiting.filter(hasValues).map((path) => about("env-not-ignored", path)),
    ...[...alone.values()].map((path) => about("env-without-template", path)),
  ];
}

function isInstalled(path: string): boolean {
  return /(?:^|\/)(?:node_modules|\.venv|venv|vendor)\//.test(path);
}

function about(rule: Rule, path: string): Finding {
  return { rule, path, line: 1, column: 1, says: rules[rule].title, id: idOf(rule, path, "") };
}
