/**
 * `npm run mutate [-- <file or folder in core/>...]`: what StrykerJS changes in core/ without any test of core noticing, and a
 * score for each file and folder.
 */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";

interface Mutant {
  readonly status: string;
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly location: { readonly start: { readonly line: number; readonly column: number } };
}

interface Score {
  readonly killed: number;
  readonly counted: number;
}

const scoreMin = 90;
const report = "coverage/mutation.json";
const config = "test/mutation/stryker.config.json";
/** Installed there and not with everything else: nothing but this needs it, and it has 60 MB with what it brings along. */
const stryker = "test/mutation/node_modules/.bin/stryker";
const found = new Set(["Killed", "Timeout"]);
const missed = new Set(["Survived", "NoCoverage"]);
/** Called for each character of what other tests write: counting its mutants there takes minutes, and its own tests suffice. */
const alone: Readonly<Record<string, string>> = { "core/bytes.ts": "test/core/bytes.test.ts" };

const { positionals } = parseArgs({ allowPositionals: true });
const places = positionals.length > 0 ? positionals : ["core"];
const files = places.flatMap((place) =>
  statSync(place).isDirectory() ? globSync(`${place}/**/*.ts`).sort() : [place],
);
const together = files.filter((file) => alone[file] === undefined);
const mutants = {
  ...(together.length > 0 && mutantsOf(together)),
  ...Object.assign({}, ...files.map((file) => alone[file] && mutantsOf([file], alone[file]))),
} as Readonly<Record<string, readonly Mutant[]>>;

writeFileSync("coverage/mutants.json", JSON.stringify(mutants));
for (const [file, all] of Object.entries(mutants)) tell(file, all);
const folders = Object.groupBy(Object.entries(mutants), ([file]) => dirname(file));
for (const [folder, all = []] of Object.entries(folders)) {
  console.log(scoreText(folder, scoreOf(all.flatMap(([, each]) => each))));
}
const total = scoreOf(Object.values(mutants).flat());
console.log(scoreText("in all", total));
if (percent(total) < scoreMin) process.exitCode = 1;

function mutantsOf(those: readonly string[], tests?: string): Readonly<Record<string, readonly Mutant[]>> {
  rmSync(report, { force: true });
  const args = ["run", config, "--mutate", those.join(","), ...(tests ? ["--testFiles", tests] : [])];
  const { status } = spawnSync(stryker, args, { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) {
    console.error(`StrykerJS gave no report. To see why: ${stryker} ${args.join(" ")}`);
    process.exit(1);
  }
  const all: Record<string, { readonly mutants: readonly Mutant[] }> = JSON.parse(
    readFileSync(report, "utf8"),
  ).files;
  return Object.fromEntries(Object.entries(all).map(([file, each]) => [file, each.mutants]));
}

function tell(file: string, all: readonly Mutant[]): void {
  console.log(scoreText(file, scoreOf(all)));
  for (const { mutatorName, location, replacement = "", status } of all) {
    if (!missed.has(status)) continue;
    const text = replacement.replaceAll(/\s+/g, " ").slice(0, 100);
    console.log(
      `  ${file}:${location.start.line}:${location.start.column} ${status} ${mutatorName}: ${text}`,
    );
  }
}

function scoreOf(all: readonly Mutant[]): Score {
  const killed = all.filter(({ status }) => found.has(status)).length;
  return { killed, counted: killed + all.filter(({ status }) => missed.has(status)).length };
}

function percent({ killed, counted }: Score): number {
  return counted === 0 ? 100 : (100 * killed) / counted;
}

function scoreText(what: string, score: Score): string {
  return `${percent(score).toFixed(1).padStart(5)} % of ${score.counted} ${what}`;
}
