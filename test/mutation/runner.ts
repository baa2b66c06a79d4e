/**
 * Runs the tests of `test/core/` for StrykerJS in one process: these tests are pure, so a mutant costs the tests that reach it and
 * no Jest start (some milliseconds instead of a quarter of a second). Jest's own `expect`, `each` and snapshots judge.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { MutantCoverage } from "@stryker-mutator/api/core";
import { declareClassPlugin, PluginKind } from "@stryker-mutator/api/plugin";
import {
  type DryRunOptions,
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  TestStatus,
  toMutantRunResult,
} from "@stryker-mutator/api/test-runner";
import { expect } from "expect";
import fc from "fast-check";
import { bind } from "jest-each";
import { SnapshotState, toMatchSnapshot } from "jest-snapshot";

interface UnitTest {
  readonly id: string;
  readonly file: string;
  readonly name: string;
  readonly run: () => unknown;
}

/** What StrykerJS's instrumented code reads and counts. */
interface Instruments {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: MutantCoverage;
}

type Body = () => unknown;

const instruments: Instruments = {};
/** StrykerJS's copy of the repository, which holds the mutants. It is the working directory once the runner starts. */
let root = "";
let rootUrl = "";
const imports = new Map<string, Set<string>>();
const javascript = new Map<string, string>();
const titles: string[] = [];
const timesFile = "test-times.json";
/** Tests that take longer, such as those that try a rule with masses of data, are not asked: that can only lower the score. */
const slowMs = 2_000;
/** A module's address carries the load it belongs to, so that a mutant that acts while modules load gets them afresh. */
let loads = 0;
let loaded: UnitTest[] = [];
let loading = "";

class CoreTests {
  /**
   * How long each test took of the processor without a mutant: the quickest are asked first. Kept in a file, because an
   * endless mutant ends the process, and the next process does not run the tests without a mutant again.
   */
  private tookMs = new Map<string, number>();

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    root = process.cwd();
    rootUrl = pathToFileURL(`${root}/`).href;
    Object.assign(globalThis, {
      __stryker__: instruments,
      test: withEach(addTest),
      describe: withEach(addGroup),
      expect,
    });
    expect.extend({ toMatchSnapshot } as never);
    // The same cases for each mutant: a score must not depend on luck.
    fc.configureGlobal({ seed: 1 });
    registerHooks({ resolve: resolveHere, load: loadHere });
  }

  /** Only the tests of files that import something that is mutated. */
  async dryRun({ files = [], testFiles }: DryRunOptions): Promise<DryRunResult> {
    const given = testFiles?.map((file) => relative(root, resolve(file)));
    await load(given ?? globSync("test/core/**/*.test.ts").sort());
    loaded = loaded.filter(({ file }) => files.some((mutated) => imported(file).has(mutated)));
    const tests: TestResult[] = [];
    for (const test of loaded) {
      const before = process.cpuUsage();
      tests.push(await runTest(test));
      const { user, system } = process.cpuUsage(before);
      this.tookMs.set(test.id, (user + system) / 1_000);
    }
    writeFileSync(timesFile, JSON.stringify([...this.tookMs]));
    const { mutantCoverage } = instruments;
    if (mutantCoverage === undefined)
      return { status: DryRunStatus.Error, errorMessage: "no mutant was reached" };
    return { status: DryRunStatus.Complete, tests, mutantCoverage };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, testFilter, hitLimit, sandboxFileName, disableBail } = options;
    if (loaded.length === 0) await this.loadAgain();
    Object.assign(instruments, { hitLimit, hitCount: hitLimit === undefined ? undefined : 0 });
    const all = loaded;
    try {
      if (options.reloadEnvironment) {
        instruments.activeMutant = activeMutant.id;
        await load(
          [...new Set(all.map(({ file }) => file))].filter((file) => imported(file).has(sandboxFileName)),
        );
      }
      instruments.activeMutant = activeMutant.id;
      return toMutantRunResult(await this.runAll(testFilter, disableBail), disableBail);
    } catch (error) {
      return toMutantRunResult({ status: DryRunStatus.Error, errorMessage: String(error) }, disableBail);
    } finally {
      instruments.activeMutant = undefined;
      loaded = all;
    }
  }

  private async loadAgain(): Promise<void> {
    this.tookMs = new Map(JSON.parse(readFileSync(timesFile, "utf8")));
    await load([...new Set([...this.tookMs.keys()].map((id) => id.slice(0, id.indexOf(":"))))]);
  }

  private async runAll(
    testFilter: readonly string[] | undefined,
    disableBail: boolean,
  ): Promise<DryRunResult> {
    const wanted = testFilter && new Set(testFilter);
    const tests: TestResult[] = [];
    const byTime = loaded
      .filter(({ id }) => (wanted?.has(id) ?? true) && this.timeOf(id) < slowMs)
      .sort((one, other) => this.timeOf(one.id) - this.timeOf(other.id));
    for (const test of byTime) {
      const result = await runTest(test);
      tests.push(result);
      const endless = determineHitLimitReached(instruments.hitCount, instruments.hitLimit);
      if (endless) return endless;
      if (result.status === TestStatus.Failed && !disableBail) break;
    }
    return { status: DryRunStatus.Complete, tests };
  }

  private timeOf(id: string): number {
    return this.tookMs.get(id) ?? 0;
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, "core-tests", CoreTests)];

async function load(files: readonly string[]): Promise<void> {
  loads += 1;
  loaded = [];
  for (const file of files) {
    loading = file;
    await import(pathToFileURL(join(root, file)).href);
  }
}

async function runTest({ id, file, name, run }: UnitTest): Promise<TestResult> {
  instruments.currentTestId = id;
  const state = { currentTestName: name, testPath: join(root, file), suppressedErrors: [] };
  expect.setState({ ...state, ...snapshotsOf(file) });
  const startedAt = performance.now();
  const ran = { id, name: id, fileName: join(root, file) };
  try {
    await run();
    // A snapshot that differs lets its test go on.
    const [differs] = expect.getState().suppressedErrors;
    if (differs !== undefined) throw differs;
    return { ...ran, status: TestStatus.Success, timeSpentMs: performance.now() - startedAt };
  } catch (error) {
    const failureMessage = error instanceof Error ? error.message : String(error);
    return { ...ran, status: TestStatus.Failed, failureMessage, timeSpentMs: performance.now() - startedAt };
  } finally {
    instruments.currentTestId = undefined;
  }
}

function snapshotsOf(file: string): object {
  const path = join(root, dirname(file), "__snapshots__", `${basename(file)}.snap`);
  if (!existsSync(path)) return {};
  const snapshotFormat = { escapeString: false, printBasicPrototype: false };
  return {
    snapshotState: new SnapshotState(path, {
      updateSnapshot: "none",
      snapshotFormat,
      rootDir: root,
    } as never),
  };
}

function addTest(title: string, run: Body): void {
  const name = [...titles, title].join(" ");
  const twins = loaded.filter((test) => test.file === loading && test.name === name).length;
  loaded.push({ id: `${loading}: ${name}${twins === 0 ? "" : ` (${twins + 1})`}`, file: loading, name, run });
}

function addGroup(title: string, body: Body): void {
  titles.push(title);
  body();
  titles.pop();
}

function withEach(add: (title: string, body: Body) => void) {
  return Object.assign(add, { each: bind(add as never) });
}

/** Every file that this file needs, itself included. */
function imported(file: string): ReadonlySet<string> {
  const found = new Set([join(root, file)]);
  for (const path of found) for (const next of imports.get(path) ?? []) found.add(next);
  return found;
}

function resolveHere(...[specifier, context, next]: Parameters<import("node:module").ResolveHookSync>) {
  const resolved = next(specifier, context);
  if (!isOurs(resolved.url)) return resolved;
  const from = context.parentURL?.startsWith(rootUrl) ? pathOf(context.parentURL) : "";
  imports.set(from, (imports.get(from) ?? new Set()).add(pathOf(resolved.url)));
  return { ...resolved, url: `${withoutQuery(resolved.url)}?load=${loads}` };
}

function loadHere(...[url, context, next]: Parameters<import("node:module").LoadHookSync>) {
  if (!isOurs(url)) return next(url, context);
  const path = pathOf(url);
  const source = javascript.get(path) ?? stripTypeScriptTypes(readFileSync(path, "utf8"), { mode: "strip" });
  javascript.set(path, source);
  return { format: "module" as const, source, shortCircuit: true };
}

function isOurs(url: string): boolean {
  return url.startsWith(rootUrl) && !url.includes("/node_modules/") && withoutQuery(url).endsWith(".ts");
}

function pathOf(url: string): string {
  return fileURLToPath(withoutQuery(url));
}

function withoutQuery(url: string): string {
  return url.split("?")[0] ?? url;
}
