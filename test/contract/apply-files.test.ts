import { parse } from "yaml";
import { openRotation } from "../../functions/rotation/open-rotation.ts";
import { type AdminWorld, adminWorld, arnOf, fileWith, NOON_MS } from "./admin-world.ts";

interface Application {
  readonly files: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly replaces?: readonly string[];
}

/** Applies files by their paths, each with the blocks of its secrets. */
async function apply(world: AdminWorld, { files, ...options }: Application) {
  const sent = Object.entries(files).map(([path, secrets]) => ({ path, data: parse(fileWith({ secrets })) }));
  const { answer } = await world.send({ command: "apply", files: sent, ...options });
  const secrets = (answer["secrets"] ?? []) as readonly { name: string; outcome: string; reason?: string }[];
  return { answer, outcomes: secrets.map(({ name, outcome }) => `${name} ${outcome}`), secrets };
}

function worldWith(...names: readonly string[]) {
  const world = adminWorld();
  const keys = Object.fromEntries(names.map((name) => [name, world.secret(name)]));
  return { world, keys };
}

describe("each file owns its secrets", () => {
  test("applying one file, also with --prune, leaves another file's secrets as they are", async () => {
    const { world } = worldWith("a", "b", "c");
    await apply(world, { files: { "search.yml": { a: "", b: "" }, "billing.yml": { c: "" } } });
    const { outcomes } = await apply(world, { files: { "teams/search.yml": { a: "" } }, prune: true });
    expect(outcomes).toEqual(["a unchanged", "b removed"]);
    expect((await world.ledger.policies()).map(({ name, file }) => `${file}/${name}`)).toEqual([
      "search/a",
      "billing/c",
    ]);
    expect([...world.schedules.stored.values()].map(({ secretArn }) => secretArn)).toEqual([
      arnOf("a"),
      arnOf("c"),
    ]);
  });

  test("a file cannot take another file's secret, unless both are applied or the other one is replaced", async () => {
    const { world } = worldWith("a", "b");
    await apply(world, { files: { "rekey.yml": { a: "", b: "" } } });
    const taking = { "search.yml": { a: "" } };
    const refused = await apply(world, { files: taking });
    expect(refused.secrets).toMatchObject([
      { name: "a", outcome: "failed", reason: expect.stringContaining("with --replaces rekey") },
    ]);
    expect(await world.ledger.policy(arnOf("a"))).toMatchObject({ file: "rekey" });
    expect((await apply(world, { files: { ...taking, "rekey.yml": { b: "" } } })).outcomes).toEqual([
      "a updated",
      "b unchanged",
    ]);
    const rest = { files: { "billing.yml": { b: "" } }, replaces: ["rekey"], prune: true };
    expect((await apply(world, rest)).outcomes).toEqual(["b updated"]);
    expect((await world.ledger.policies()).map(({ file }) => file)).toEqual(["search", "billing"]);
  });

  test("a name that another file has, and an account that it declares otherwise, are refused", async () => {
    const { world } = worldWith("a", "b");
    await apply(world, { files: { "search.yml": { a: "" } } });
    const data = parse(fileWith({ secrets: { b: "" } }));
    const send = async (changed: object) => {
      const { answer } = await world.send({
        command: "apply",
        files: [{ path: "other.yml", data: { ...data, ...changed } }],
      });
      return answer["secrets"];
    };
    expect(await send({ secrets: { a: data.secrets.b } })).toMatchObject([
      { outcome: "failed", reason: `another secret has this name: ${arnOf("a")}` },
    ]);
    const main = { ...data.providers.main, project: "proj_OTHER" };
    expect(await send({ providers: { main } })).toMatchObject([
      { outcome: "failed", reason: expect.stringContaining("a has other settings for the account main") },
    ]);
  });

  test("a secret without a file, from before files were known, belongs to whoever applies it", async () => {
    const { world } = worldWith("a");
    await apply(world, { files: { "rekey.yml": { a: "" } } });
    const [policy] = await world.ledger.policies();
    if (policy === undefined) throw new Error("no policy");
    const { file: _, ...old } = policy;
    await world.ledger.putPolicy(old);
    expect((await apply(world, { files: { "search.yml": { a: "" } } })).outcomes).toEqual(["a updated"]);
  });

  test("after a secret that is not there, or that waits for this one, is refused", async () => {
    const { world } = worldWith("a", "b");
    const block = (after: string) =>
      `provider: main, rotate: manual, consumers: none, after: production/${after}`;
    expect((await apply(world, { files: { "t.yml": { a: block("none") } } })).secrets).toMatchObject([
      { outcome: "failed", reason: "after: this deployment has no secret production/none" },
    ]);
    const circle = await apply(world, { files: { "t.yml": { a: block("b"), b: block("a") } } });
    expect(circle.secrets).toMatchObject([
      { reason: "after: production/a waits for production/b waits for production/a" },
      { reason: "after: production/b waits for production/a waits for production/b" },
    ]);
  });
});

describe("a dry run", () => {
  test("shows old and new values, and what pruning would remove", async () => {
    const { world } = worldWith("a", "b");
    const block = (overlap: string) =>
      `provider: main, rotate: { every: 30d }, overlap: ${overlap}, consumers: [{ name: w }]`;
    await apply(world, { files: { "t.yml": { a: block("1d"), b: "" } } });
    const files = { "t.yml": { a: block("2d") } };
    const kept = await apply(world, { files, dryRun: true });
    expect(kept.outcomes).toEqual(["a updated", "b left"]);
    expect(kept.answer["plan"]).toMatchObject([
      {
        ...{ kind: "policy", action: "update", name: "a" },
        changes: [
          { field: "maxAge", before: "31d", after: "32d" },
          { field: "overlap", before: "1d", after: "2d" },
        ],
      },
      { kind: "policy", action: "left", name: "b" },
      { kind: "schedule", action: "unchanged" },
    ]);
    expect((await apply(world, { files, dryRun: true, prune: true })).outcomes).toEqual([
      "a updated",
      "b removed",
    ]);
    expect((await world.ledger.policies()).length).toBe(2);
  });

  /** What makes apply fail for one secret, each with the error that both have to name. */
  const failures: readonly (readonly [string, string, (world: AdminWorld) => void])[] = [
    ["a secret without a value", "SecretUnusable", (world) => void world.store.create(arnOf("a"))],
    ["a secret that is not there", "SecretUnusable", () => undefined],
    [
      "a key that the provider does not list",
      "CurrentKeyUnknown",
      (world) => void world.store.create(arnOf("a"), `sk-svcacct-FAKE${"x".repeat(40)}`),
    ],
    [
      "two secrets with one key, neither known before",
      "KeyShared",
      (world) => {
        const { secret } = world.secret("a");
        world.store.create(arnOf("b"), secret.reveal());
      },
    ],
    [
      "an admin credential that is gone",
      "AdminCredentialRefused",
      (world) => {
        world.secret("a");
        world.store.setCurrent(arnOf("rekey/admin/openai"), "");
      },
    ],
  ];

  test.each(failures)("fails as apply does: %s", async (title, error, prepare) => {
    const outcomes: string[][] = [];
    for (const dryRun of [true, false]) {
      const world = adminWorld();
      prepare(world);
      const secrets: Record<string, string> = title.startsWith("two") ? { a: "", b: "" } : { a: "" };
      const before = world.table.dump().filter(({ kind }) => kind !== "ORDER");
      const { secrets: done } = await apply(world, { files: { "t.yml": secrets }, dryRun });
      outcomes.push(
        done.filter(({ outcome }) => outcome === "failed").map((one) => String(Reflect.get(one, "error"))),
      );
      if (dryRun) expect(world.table.dump().filter(({ kind }) => kind !== "ORDER")).toEqual(before);
    }
    expect(outcomes.flat()).toContain(error);
    expect(outcomes[0]?.[0]).toBe(outcomes[1]?.[0]);
  });

  test("names a run that would keep a pruned secret", async () => {
    const { world } = worldWith("a", "b");
    await apply(world, { files: { "t.yml": { a: "", b: "" } } });
    const executionArn = "arn:aws:states:eu-west-1:111122223333:execution:rekey-rotation:r-1";
    const input = { secretArn: arnOf("b"), rotationId: "r-1", executionArn, trigger: "test", at: NOON_MS };
    await openRotation.run(input, world.depsOf("open-rotation"));
    const { outcomes } = await apply(world, { files: { "t.yml": { a: "" } }, dryRun: true, prune: true });
    expect(outcomes).toEqual(["a unchanged", "b kept"]);
  });

  test("a key that may not be current any more freezes nothing and pages nobody", async () => {
    const { world } = worldWith("a");
    await apply(world, { files: { "t.yml": { a: "" } } });
    const [known] = (await world.ledger.secret(arnOf("a"))).keys;
    const { keyId = "", fingerprint = "", name = "" } = known ?? {};
    await world.ledger.putKey({
      ...{ secretArn: arnOf("a"), name, keyId, fingerprint, state: "dead", atMs: NOON_MS },
    });
    await world.ledger.changeSecret(arnOf("a"), (record) => ({ ...record, keys: [] }));
    const before = await world.ledger.secret(arnOf("a"));
    const { secrets } = await apply(world, { files: { "t.yml": { a: "" } }, dryRun: true });
    expect(secrets).toMatchObject([
      { outcome: "failed", reason: expect.stringContaining(`holds key ${keyId}, which is dead`) },
    ]);
    expect(await world.ledger.secret(arnOf("a"))).toEqual(before);
    expect(world.events).toEqual([]);
    expect((await world.told("a")).join()).not.toContain("ChangedOutside");
    await apply(world, { files: { "t.yml": { a: "" } } });
    expect((await world.ledger.secret(arnOf("a"))).frozen).toBeDefined();
    expect((await world.told("a")).join()).toContain("ChangedOutside");
  });
});
