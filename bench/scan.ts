import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleScan } from "../cli/build.ts";
import { fingerprintOf } from "../events/fingerprint.ts";
import type { Finding } from "../scan/finding.ts";
import { plantCorpus } from "../test/scan/corpus.ts";
import { type BenchRow, rowOf } from "./row.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
/** What others wrote, some ten thousand files: nothing in it is a key of ours, so every finding is a false one. */
const packages = ["@aws-sdk", "@smithy", "@middy", "zod", "typescript/lib"];
const runs = 3;
const seed = 20_261_130;

/** `rekey scan` and secretlint, each as its own command line, in turns on the same tree. */
export async function scanRows(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "bench-scan-"));
  try {
    const tree = join(folder, "tree");
    for (const name of packages)
      cpSync(join(root, "node_modules", name), join(tree, name), { recursive: true });
    mkdirSync(join(root, "cli/dist"), { recursive: true });
    await bundleScan(join(root, "cli/dist/scan.cjs"));
    const peer = installSecretlint(folder);
    const [own, others]: [number[], number[]] = [[], []];
    let read = { findings: [] as readonly Finding[], files: 0, bytes: 0 };
    rekeyScan(tree);
    for (let run = 0; run < runs; run += 1) {
      own.push(
        cpuMs(() => {
          read = rekeyScan(tree);
        }),
      );
      others.push(cpuMs(() => secretlint(peer, tree)));
    }
    const factor = median(others) / median(own);
    return [
      rowOf(
        {
          ...{ name: "scan: one tree, CPU time with start", unit: "ms" },
          ...{ peer: { name: "secretlint", median: Math.round(median(others)) } },
          detail: `${read.files} files, ${Math.round(read.bytes / 1_048_576)} MiB; ${factor.toFixed(1)} times faster`,
        },
        own,
      ),
      rowOf({ name: "scan: false findings in that tree", unit: "findings", budget: 0 }, [
        read.findings.length,
      ]),
      missedRow(join(folder, "corpus"), peer),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Every shape of key of every issuer in every kind of file, made anew. */
function missedRow(corpus: string, peer: string): BenchRow {
  const planted = plantCorpus(corpus, seed);
  const found = new Set(rekeyScan(corpus).findings.map(({ fingerprint }) => fingerprint));
  const missed = planted.filter(({ key }) => !found.has(fingerprintOf(key)));
  const theirs = new Set(secretlint(peer, corpus).map(({ filePath }) => filePath.slice(corpus.length + 1)));
  const theirMissed = planted.filter(({ path }) => !theirs.has(path));
  return rowOf(
    {
      ...{ name: `scan: missed of ${planted.length} planted keys`, unit: "%", budget: 0.5 },
      peer: { name: "secretlint", median: percent(theirMissed.length, planted.length) },
      ...(missed.length > 0 && { detail: `missed: ${missed.map(({ path }) => path).join(", ")}` }),
    },
    [percent(missed.length, planted.length)],
  );
}

function percent(part: number, whole: number): number {
  return Math.round((part / whole) * 1_000) / 10;
}

function rekeyScan(folder: string): {
  readonly findings: readonly Finding[];
  readonly files: number;
  readonly bytes: number;
} {
  const { stdout } = spawnSync(process.execPath, [join(root, "cli/bin.cjs"), "--json", "scan", "."], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  return JSON.parse(stdout);
}

/** In a folder of its own: 89 packages that nothing else here needs. */
function installSecretlint(folder: string): string {
  const home = join(folder, "peer");
  execFileSync(
    "npm",
    [
      "install",
      "--prefix",
      home,
      "--no-audit",
      "--no-fund",
      "secretlint@13",
      "@secretlint/secretlint-rule-preset-recommend@13",
    ],
    { stdio: "pipe" },
  );
  writeFileSync(
    join(home, ".secretlintrc.json"),
    JSON.stringify({ rules: [{ id: "@secretlint/secretlint-rule-preset-recommend" }] }),
  );
  return home;
}

function secretlint(home: string, folder: string): readonly { readonly filePath: string }[] {
  const { stdout } = spawnSync(
    process.execPath,
    [join(home, "node_modules/.bin/secretlint"), "--format", "json", "--no-gitignore", `${folder}/**/*`],
    { cwd: home, encoding: "utf8", maxBuffer: 256 * 1024 * 1024 },
  );
  const files: { filePath: string; messages: unknown[] }[] = JSON.parse(stdout.trim() === "" ? "[]" : stdout);
  return files.filter(({ messages }) => messages.length > 0);
}

/** What the command and its threads computed: other work on the machine does not count. */
function cpuMs(work: () => unknown): number {
  const before = childrenCpuMs();
  work();
  return childrenCpuMs() - before;
}

/** Linux says it in hundredths of a second, of children that have ended. */
function childrenCpuMs(): number {
  const [, rest = ""] = readFileSync("/proc/self/stat", "utf8").split(") ");
  const fields = rest.split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}
