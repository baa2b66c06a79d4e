import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processTerminal } from "../../cli/terminal.ts";
import { adminWorld, arnOf, fileWith, NOON_MS } from "../contract/admin-world.ts";
import { rekey } from "./cli-world.ts";

const block = (overlap: string) =>
  `provider: main, rotate: { every: 30d }, overlap: ${overlap}, consumers: [{ name: w }]`;

describe("apply with several files", () => {
  test("a folder is applied as one, and a dry run of one file shows what changes in it alone", async () => {
    const world = adminWorld();
    for (const name of ["a", "b", "c"]) world.secret(name);
    const files = {
      "teams/billing.yml": fileWith({ secrets: { c: "" } }),
      "teams/search.yml": fileWith({ secrets: { a: block("1d"), b: "" } }),
    };
    const applied = await rekey(world, "apply teams/", { files });
    expect(applied).toMatchObject({ code: 0, err: "" });
    expect(applied.out).toContain("3 secrets applied; no rotation was started");

    const changed = { "teams/search.yml": fileWith({ secrets: { a: block("2d") } }) };
    const shown = await rekey(world, "apply teams/search.yml --dry-run", { files: changed });
    expect(shown.code).toBe(0);
    expect(shown.out.split("\n").map((line) => line.replaceAll(/ +/g, " ").trim())).toEqual([
      "~ policy a",
      "maxAge: 31d -> 32d",
      "overlap: 1d -> 2d",
      "! policy b",
      "no longer in its file, and kept: b; --prune removes what is marked with !",
      "1 change, 1 unchanged; nothing was applied",
    ]);
    const pruned = await rekey(world, "apply teams/search.yml --prune", { files: changed });
    expect(pruned.out).toContain("b  removed");
    expect((await world.ledger.policies()).map(({ name }) => name)).toEqual(["a", "c"]);
  });

  test("a dry run has the exit code of the application, and names what would fail", async () => {
    const world = adminWorld();
    world.secret("good");
    world.store.create(arnOf("empty"));
    const files = { "rekey.yml": fileWith({ secrets: { good: "", empty: "" } }) };
    const dry = await rekey(world, "apply --dry-run", { files });
    expect(dry.code).toBe(1);
    expect(dry.out).toContain("1 secret could not be applied:");
    expect(dry.out).toMatch(/empty +.*has no value yet/);
    expect((await rekey(world, "apply", { files })).code).toBe(dry.code);
  });

  test("a dry run of many secrets goes on where one call ended, and still finds one key in two of them", async () => {
    const world = adminWorld();
    const { secret } = world.secret("a");
    world.store.create(arnOf("b"), secret.reveal());
    let reads = 0;
    const clock = { ...world.deps.clock, nowMs: () => NOON_MS + 10_000 * reads++ };
    Object.assign(world.deps, { clock });
    const files = { "rekey.yml": fileWith({ secrets: { a: "", b: "" } }) };
    const dry = await rekey(world, "apply --dry-run --json", { files });
    expect(dry.code).toBe(1);
    expect(dry.json()["secrets"]).toMatchObject([{ outcome: "created" }, { error: "KeyShared" }]);
    expect(JSON.stringify(dry.json())).not.toContain('held"');
  });

  test("the mistakes of all files are shown with their places", async () => {
    const files = { "t/a.yml": "version: 2\n", "t/b.yml": "version: [\n" };
    const shown = await rekey(adminWorld(), "apply t/", { files, admin: false });
    expect(shown.code).toBe(2);
    expect(shown.err).toContain("t/a.yml:1:10: version: this Rekey reads version 1");
    expect(shown.err).toMatch(/t\/b\.yml:\d+:\d+: /);
    expect(shown.err).toContain("rekey: error: these 2 files have");
  });

  test("an empty folder is named", async () => {
    const shown = await rekey(adminWorld(), "apply none/");
    expect(shown).toMatchObject({ code: 2, err: expect.stringContaining("none/ has no policy file in it") });
  });
});

describe("lint", () => {
  const files = { "rekey.yml": fileWith({ secrets: { a: "", b: "provider: main, mode: index" } }) };

  test("checks files without asking AWS anything", async () => {
    const world = adminWorld();
    const deaf = {
      ...world,
      ledger: new Proxy(world.ledger, { get: () => () => Promise.reject(new Error("asked")) }),
    };
    const shown = await rekey(deaf, "lint", { files, admin: false });
    expect(shown).toMatchObject({ code: 0, err: "" });
    expect(shown.out).toContain("1 file, 2 secrets of production, no mistakes");
  });

  test("a mistake is exit code 2", async () => {
    const shown = await rekey(adminWorld(), "lint", { files: { "rekey.yml": "version: 1\n" } });
    expect(shown.code).toBe(2);
    expect(shown.err).toContain("rekey.yml:1:1: environment: environment is missing");
  });

  test("prints the JSON Schema", async () => {
    const shown = await rekey(adminWorld(), "lint --schema");
    expect(JSON.parse(shown.out)).toMatchObject({ title: "rekey.yml" });
  });
});

test("a folder on the disk is searched in order, without hidden files and other kinds", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rekey-files-"));
  try {
    for (const path of ["b.yml", "a.yaml", ".hidden.yml", "notes.md"]) writeFileSync(join(folder, path), "");
    mkdirSync(join(folder, "team"));
    writeFileSync(join(folder, "team", "c.yml"), "");
    const { policyFilesIn } = processTerminal();
    const names = ["a.yaml", "b.yml", join("team", "c.yml")];
    expect(await policyFilesIn(folder)).toEqual(names.map((name) => join(folder, name)));
    expect(await policyFilesIn(join(folder, "b.yml"))).toBeUndefined();
    expect(await policyFilesIn(join(folder, "nothing"))).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
