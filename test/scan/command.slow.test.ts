import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { deploymentChain } from "../../audit/chain.ts";
import { isOfFork } from "../../cli/scan-report.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { buildAction } from "../../release/action.ts";
import { scan } from "../../scan/scan.ts";
import { appliedWorld, rekey } from "../cli/cli-world.ts";
import { whyNotParsed } from "../cli/printed-command.ts";
import { adminWorld } from "../contract/admin-world.ts";
import { forget, gitIn, keyLike, numbersFrom, write } from "./corpus.ts";

const next = numbersFrom(7);
const newKey = () => keyLike({ prefix: "sk-proj-", alphabet: "letters", length: { min: 48, max: 48 } }, next);

let folder: string;
let before: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scan-"));
  before = process.cwd();
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  forget(folder);
});

function repository(): void {
  gitIn(folder, "init", "-q", "-b", "main");
  write(folder, "README.md", "a repository\n");
  gitIn(folder, "add", ".");
  gitIn(folder, "commit", "-q", "-m", "first");
}

const scanned = (line = "", options = {}) =>
  rekey(adminWorld(), ["--json", "scan", ...line.split(" ").filter(Boolean)], { admin: false, ...options });

describe("what is scanned", () => {
  test("staged content, and not what lies in the folder", async () => {
    repository();
    write(folder, "a.ts", `const k = "${newKey()}";\n`);
    expect((await scanned("--staged")).code).toBe(0);

    gitIn(folder, "add", "a.ts");
    write(folder, "a.ts", "clean now, but not staged\n");
    const { code, json } = await scanned("--staged");
    expect(code).toBe(1);
    expect(json()).toMatchObject({ findings: [{ path: "a.ts", rule: "provider-key", line: 1 }] });
  });

  test("the history, with the commit that brought a key in, also when it was deleted since", async () => {
    repository();
    write(folder, "old.py", `KEY = "${newKey()}"\n`);
    gitIn(folder, "add", ".");
    gitIn(folder, "commit", "-q", "-m", "oops");
    const commit = gitIn(folder, "rev-parse", "HEAD").trim();
    gitIn(folder, "rm", "-q", "old.py");
    gitIn(folder, "commit", "-q", "-m", "gone");

    expect((await scanned()).code).toBe(0);
    expect((await scanned("--history")).json()).toMatchObject({ findings: [{ path: "old.py", commit }] });
    expect((await scanned(`--history --since ${commit}`)).code).toBe(0);
    expect((await scanned("--history --since HEAD~2")).code).toBe(1);
  });

  test("ignored files only when they are named, such as a build", async () => {
    repository();
    write(folder, ".gitignore", "dist/\n");
    write(folder, "dist/index.js", `x("${newKey()}")`);
    expect((await scanned()).code).toBe(0);
    expect((await scanned("dist")).code).toBe(1);
  });

  test.each([
    ["nowhere", "there is no nowhere"],
    ["--staged --history", "cannot be scanned in one run"],
    ["--since HEAD", "--since goes with --history"],
    ["--staged", "no repository is here"],
    ["--baseline nothing.json", "cannot read the baseline"],
  ])("scan %s is wrong usage", async (line, message) => {
    const { code, err } = await scanned(line);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  test("an unknown start of the history is wrong usage, and no option of git", async () => {
    repository();
    expect((await scanned("--history --since=--output=x")).code).toBe(2);
    expect((await scanned("--history --since=nothing..HEAD")).code).toBe(2);
    expect((await scanned("--history --since=v9.9.9")).code).toBe(2);
    expect((await scanned("--history --since=2.weeks.ago")).code).toBe(0);
  });
});

test("a finding is said without the key, with what to do, in the order that matters", async () => {
  const key = newKey();
  write(folder, "a.ts", `one\n  const k = "${key}";\n`);
  const { out, code } = await rekey(adminWorld(), "scan a.ts", { admin: false });

  expect(code).toBe(1);
  expect(out).toContain(
    `a.ts:2:14  provider-key  a key of OpenAI: sk-proj-…${key.slice(-4)} (56 characters)`,
  );
  expect(out.indexOf("counts as leaked, so replace it first")).toBeLessThan(out.indexOf("git filter-repo"));
  expect(out).not.toContain(key);
});

test("a baseline accepts what was there, holds nothing of the key, and lets new findings through", async () => {
  const key = newKey();
  write(folder, "a.ts", `const k = "${key}";\n`);
  const wrote = await rekey(adminWorld(), ["scan", "--write-baseline", "to be replaced by May", "a.ts"], {
    admin: false,
  });
  expect(wrote.code).toBe(0);
  const text = readFileSync(join(folder, ".rekey-baseline.json"), "utf8");
  expect(text).toContain("to be replaced by May");
  expect(text).not.toContain(fingerprintOf(key).slice(7, 27));

  write(folder, "a.ts", `// moved down\nconst k = "${key}";\n`);
  expect((await scanned("a.ts")).code).toBe(0);
  write(folder, "a.ts", `const k = "${newKey()}";\n`);
  const fresh = await scanned("a.ts");
  expect(fresh.code).toBe(1);
  expect(fresh.json()).toMatchObject({ gone: 1 });
});

test("SARIF has every finding with its place, and accepted ones as suppressed", async () => {
  write(
    folder,
    "a.ts",
    `const k = "${newKey()}";\nconst l = "${newKey()}"; // rekey-allow: a revoked key of 2024\n`,
  );
  await scanned("a.ts --sarif out.sarif");
  const sarif = JSON.parse(readFileSync(join(folder, "out.sarif"), "utf8"));
  expect(sarif.version).toBe("2.1.0");
  expect(sarif.runs[0].results).toMatchObject([
    {
      ruleId: "provider-key",
      level: "error",
      locations: [
        {
          physicalLocation: { artifactLocation: { uri: "a.ts" }, region: { startLine: 1, startColumn: 12 } },
        },
      ],
    },
    { suppressions: [{ kind: "inSource", justification: "a revoked key of 2024" }] },
  ]);
  expect(sarif.runs[0].results[0].suppressions).toBeUndefined();
});

test(".env files: tracked, not ignored, without a template, and templates with values", async () => {
  repository();
  write(folder, "one/.env", "A=1\n");
  gitIn(folder, "add", "-f", "one/.env");
  write(folder, "two/.env", "A=1\n");
  write(folder, "two/.env.example", "ACME_API_KEY=q7Wm2Zx9Lk4Vb8Nc3\nOTHER_KEY=\n");
  write(folder, ".gitignore", "three/.env\n");
  write(folder, "three/.env", "A=1\n");

  const { findings } = await scan({ kind: "paths", folder, paths: [] });

  expect(findings.map(({ rule, path }) => `${rule} ${path}`).sort()).toEqual([
    "env-not-ignored two/.env",
    "env-template-value two/.env.example",
    "env-tracked one/.env",
    "env-without-template three/.env",
  ]);
});

test("the files of other scanners end in the same findings, baseline and exit code", async () => {
  const gitleaks = JSON.stringify([
    { RuleID: "openai", Secret: newKey(), File: "src/a.ts", StartLine: 3, Commit: "", Fingerprint: "x" },
  ]);
  const { code, json } = await scanned("--from leaks.json", { files: { "leaks.json": gitleaks } });
  expect(code).toBe(1);
  expect(json()).toMatchObject({ findings: [{ rule: "scanner-finding", path: "src/a.ts", line: 3 }] });
});

describe("asking the deployment", () => {
  test("answers only which keys are known, warns the people on call, and is recorded", async () => {
    const { world, keys } = await appliedWorld();
    const pages: unknown[] = [];
    const escalator = {
      page: async (page: unknown) => {
        pages.push(page);
        return { delivered: ["pager"], failed: [] };
      },
    };
    Object.assign(world.deps, { escalator });
    const live = keys["billing-key"]?.secret.reveal() ?? "";
    const { answer } = await world.send({
      ...{
        command: "record-scan",
        where: "github.com/acme/app@abc",
        violations: { "provider-key": 2 },
        accepted: 0,
      },
      fingerprints: [fingerprintOf(live), fingerprintOf(newKey())],
    });

    expect(answer).toEqual({ outcome: "recorded", known: [fingerprintOf(live)] });
    expect(pages).toMatchObject([
      { reason: "liveKeyFound", severity: "notify", title: expect.stringContaining("billing-key") },
    ]);
    const actions: string[] = [];
    for await (const { action } of world.audit.entries(deploymentChain)) actions.push(action);
    expect(actions).toContain("ScanRecorded");
  });

  test("has a quota for each principal", async () => {
    const { world } = await appliedWorld();
    const ask = (count: number, principal?: string) =>
      world.send(
        {
          ...{ command: "record-scan", where: "a folder", violations: {}, accepted: 0 },
          fingerprints: Array.from({ length: count }, () => fingerprintOf(newKey())),
        },
        principal,
      );
    for (let round = 0; round < 10; round += 1) expect((await ask(100)).answer.outcome).toBe("recorded");
    expect((await ask(1)).answer).toMatchObject({ outcome: "refused", reason: "QuotaReached" });
    expect((await ask(1, "arn:aws:sts::111122223333:assumed-role/ci/run")).answer.outcome).toBe("recorded");
  });

  test("is refused to a fork's pull request, and to one that does not say whose it is", () => {
    const event = (head: string) => {
      write(
        folder,
        "event.json",
        JSON.stringify({
          pull_request: { head: { repo: { full_name: head } }, base: { repo: { full_name: "acme/app" } } },
        }),
      );
      return { GITHUB_EVENT_NAME: "pull_request_target", GITHUB_EVENT_PATH: join(folder, "event.json") };
    };
    expect(isOfFork({})).toBe(false);
    expect(isOfFork(event("acme/app"))).toBe(false);
    expect(isOfFork(event("mallory/app"))).toBe(true);
    expect(isOfFork({ GITHUB_EVENT_NAME: "pull_request", GITHUB_EVENT_PATH: "/nowhere" })).toBe(true);
    expect(isOfFork({ GITHUB_EVENT_NAME: "pull_request" })).toBe(true);
    expect(isOfFork({ CI_PROJECT_ID: "1", CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "2" })).toBe(true);
  });
});

describe("as a gate", () => {
  test("the action annotates each finding of a pull request's own commits, and fails", async () => {
    const out = mkdtempSync(join(tmpdir(), "action-"));
    await buildAction(out);
    repository();
    write(folder, "old.ts", `const k = "${newKey()}";\n`);
    gitIn(folder, "add", ".");
    gitIn(folder, "commit", "-q", "-m", "before the pull request");
    const base = gitIn(folder, "rev-parse", "HEAD").trim();
    write(folder, "new.ts", `const k = "${newKey()}";\n`);
    gitIn(folder, "add", ".");
    gitIn(folder, "commit", "-q", "-m", "of the pull request");
    write(out, "event.json", JSON.stringify({ pull_request: { base: { sha: base } } }));

    const action = parse(readFileSync(join(out, "action.yml"), "utf8"));
    const defaults = Object.entries<{ default: string }>(action.inputs);
    const { status, stdout } = spawnSync(process.execPath, [join(out, action.runs.main)], {
      cwd: folder,
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"],
        ...Object.fromEntries(
          defaults.map(([name, { default: value }]) => [`INPUT_${name.toUpperCase()}`, value]),
        ),
        GITHUB_EVENT_NAME: "pull_request",
        GITHUB_EVENT_PATH: join(out, "event.json"),
        GITHUB_STEP_SUMMARY: join(out, "summary.md"),
      },
    });

    expect(action.runs.using).toBe("node24");
    expect(status).toBe(1);
    expect(stdout).toMatch(/^::error file=new\.ts,line=1,col=12,title=provider-key::a key of OpenAI/m);
    expect(stdout).not.toContain("old.ts");
    expect(readFileSync(join(out, "summary.md"), "utf8")).toContain("`new.ts:1` provider-key");
    forget(out);
  });

  test("the job for GitLab and the hook call commands that exist", async () => {
    const gate = fileURLToPath(new URL("../../release/gate/", import.meta.url));
    const texts = [readFileSync(`${gate}pre-commit`, "utf8"), readFileSync(`${gate}gitlab-ci.yml`, "utf8")];
    expect(parse(texts[1] ?? "")["rekey-scan"].script).toHaveLength(1);
    const lines = texts.flatMap((text) =>
      [...text.matchAll(/(?:rekey|bin\.cjs) (scan [^\n;]*)/g)].map(([, line = ""]) => line),
    );
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(await whyNotParsed(`rekey ${line}`)).toBeUndefined();
  });
});
