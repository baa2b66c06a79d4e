/** `npm run mutate [-- <file or folder in core/>...]`: StrykerJS on one file after the other, and a score of each. */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, rmSync, statSync } from "node:fs";
import { parseArgs } from "node:util";

interface Mutant {
  readonly status: string;
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly location: { readonly start: { readonly line: number; readonly column: number } };
}

const scoreMin = 90;
const report = "coverage/mutation.json";
const config = "test/mutation/stryker.config.json";
const found = new Set(["Killed", "Timeout"]);
const missed = new Set(["Survived", "NoCoverage"]);

const { positionals } = parseArgs({ allowPositionals: true });
const places = positionals.length > 0 ? positionals : ["core"];
const files = places.flatMap((place) =>
  statSync(place).isDirectory() ? globSync(`${place}/**/*.ts`).sort() : [place],
);
const total = { killed: 0, counted: 0 };
for (const file of files) mutate(file);
console.log(`${scoreOf(total).toFixed(1)} % of ${total.counted} mutants found`);
if (scoreOf(total) < scoreMin) process.exitCode = 1;

function mutate(file: string): void {
  rmSync(report, { force: true });
  const { status } = spawnSync("stryker", ["run", config, "--mutate", file], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const mutants = status === 0 ? mutantsOf(file) : undefined;
  if (mutants === undefined) {
    console.log(
      `${file}: StrykerJS gave no report; run it by hand: npx stryker run ${config} --mutate ${file}`,
    );
    process.exitCode = 1;
    return;
  }
  const survivors = mutants.filter((mutant) => missed.has(mutant.status));
  const killed = mutants.filter((mutant) => found.has(mutant.status)).length;
  const here = { killed, counted: killed + survivors.length };
  total.killed += here.killed;
  total.counted += here.counted;
  console.log(`${scoreOf(here).toFixed(1).padStart(5)} % of ${here.counted} ${file}`);
  for (const { mutatorName, location, replacement = "", status: fate } of survivors) {
    const text = replacement.replaceAll(/\s+/g, " ").slice(0, 100);
    console.log(`  ${file}:${location.start.line}:${location.start.column} ${fate} ${mutatorName}: ${text}`);
  }
}

function scoreOf({ killed, counted }: { readonly killed: number; readonly counted: number }): number {
  return counted === 0 ? 100 : (100 * killed) / counted;
}

function mutantsOf(file: string): readonly Mutant[] | undefined {
  try {
    return JSON.parse(readFileSync(report, "utf8")).files[file]?.mutants ?? [];
  } catch {
    return undefined;
  }
}
