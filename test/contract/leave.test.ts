import { openRotation } from "../../functions/rotation/open-rotation.ts";
import { appliedWorld, rekey } from "../cli/cli-world.ts";
import { type AdminWorld, arnOf, NOON_MS } from "./admin-world.ts";

const secretArn = arnOf("billing-key");
const line = "leave billing-key --to out --reason moving";
const executionArn = "arn:aws:states:eu-west-1:111122223333:execution:rekey-rotation:r-1";

function open(world: AdminWorld) {
  const input = { secretArn, rotationId: "r-1", executionArn, trigger: "test", at: NOON_MS };
  return openRotation.run(input, world.depsOf("open-rotation"));
}

const labels = (world: AdminWorld) =>
  Object.fromEntries(
    world.store.versions(secretArn).map((each) => [each.versionId, [...each.labels].sort()]),
  );

test("a secret that is left keeps its value and its current key; schedule, labels, policy and debts go, and the records stay", async () => {
  const { world, keys } = await appliedWorld();
  const key = keys["billing-key"];
  const versionId = key?.versionId ?? "";
  await world.store.pin({ secretArn, versionId });
  const debt = {
    kind: "LabelOwed",
    secretArn,
    keyId: "k",
    rotationId: "r",
    reason: "x",
    sinceMs: 1,
  } as const;
  await world.ledger.putDebt(debt);
  const written = new Map<string, string>();
  const shown = await rekey(world, line, { written });

  expect(shown).toMatchObject({ code: 0, err: "" });
  expect(shown.out).toContain("billing-key is left as its consumers use it");
  expect(labels(world)).toEqual({ [versionId]: ["AWSCURRENT"] });
  expect((await world.store.current(secretArn)).text.reveal()).toBe(key?.secret.reveal());
  expect(world.schedules.stored.size).toBe(0);
  expect(await world.ledger.policies()).toEqual([]);
  expect(await world.ledger.debts()).toEqual([]);
  expect(await world.told("billing-key")).toEqual(["PolicyApplied by anna", "SecretLeft by anna"]);

  expect([...written.keys()]).toEqual([
    "out/production/billing-key/ledger.json",
    "out/production/billing-key/audit.jsonl",
  ]);
  const all = [...written.values()].join("\n");
  expect(all).toContain("PolicyApplied");
  expect(all).not.toContain(key?.secret.reveal());
  await expect(open(world)).rejects.toMatchObject({ name: "PolicyInvalid" });
  expect((await rekey(world, "rotate billing-key")).err).toContain("no longer rotated: anna took it out");
});

test("with a run in flight it is refused with words, and nothing is changed", async () => {
  const { world } = await appliedWorld();
  await open(world);
  const before = await world.ledger.secret(secretArn);
  const shown = await rekey(world, line, { written: new Map() });
  expect(shown.code).toBe(1);
  expect(shown.out).toContain("billing-key is kept: r-1 holds the secret");
  expect(shown.out).toContain("rekey abort r-1");
  expect(await world.ledger.secret(secretArn)).toEqual(before);
  expect(world.schedules.stored.size).toBe(1);
  expect(await world.ledger.policies()).toHaveLength(1);
});

test("while it is being left no run opens, whatever comes between", async () => {
  const { world } = await appliedWorld();
  const { list } = world.schedules;
  let opened: unknown;
  world.schedules.list = async () => {
    opened = await open(world);
    return list();
  };
  expect((await rekey(world, line, { written: new Map() })).code).toBe(0);
  expect(opened).toMatchObject({ outcome: "skipped", reason: expect.stringContaining("Held") });
  expect((await world.ledger.secret(secretArn)).lease).toBeUndefined();
});

test("a leave that was frozen until another one had ended takes nothing from who set the secret up again", async () => {
  const { world } = await appliedWorld();
  const { list } = world.schedules;
  const [policy] = await world.ledger.policies();
  if (policy === undefined) throw new Error("nothing was applied");
  world.schedules.list = async () => {
    world.schedules.list = list;
    expect((await rekey(world, line, { written: new Map() })).code).toBe(0);
    await world.ledger.putPolicy(policy);
    await open(world);
    return list();
  };
  const shown = await rekey(world, line, { written: new Map() });
  expect(shown.out).toContain("somebody else did something with billing-key meanwhile");
  expect(await world.ledger.policies()).toEqual([policy]);
  expect((await world.ledger.secret(secretArn)).lease).toMatchObject({ runId: "r-1" });
});

test("keys that are owed a revoke are named, and stay only if the order says so", async () => {
  const { world } = await appliedWorld();
  const place = { versionId: "v1", fingerprint: "sha256:FAKE" };
  await world.ledger.changeSecret(secretArn, (record) => ({
    ...record,
    keys: [...record.keys, { name: "old", state: "retiring", keyId: "key_old", ...place }],
  }));
  const refused = await rekey(world, line, { written: new Map() });
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.out).toContain("still to be revoked: key_old");
  const shown = await rekey(world, `${line} --leave-keys`, { written: new Map() });
  expect(shown).toMatchObject({ code: 0 });
  expect(shown.out).toContain("still alive at the provider: key_old");
});

test("--all leaves each secret that can be left, and names the others", async () => {
  const { world } = await appliedWorld({ "billing-key": "", "search-key": "" });
  await open(world);
  const written = new Map<string, string>();
  const shown = await rekey(world, "leave --all --to out --reason moving", { written });
  expect(shown.code).toBe(1);
  expect(shown.out).toContain("search-key is left");
  expect(shown.out).toContain("billing-key is kept");
  expect((await world.ledger.policies()).map(({ name }) => name)).toEqual(["billing-key"]);
  expect(await rekey(world, "leave --to out --reason x", { written })).toMatchObject({ code: 2 });
});

test("a pending version of somebody else's rotation keeps its label", async () => {
  const { world } = await appliedWorld();
  const text = (await world.store.current(secretArn)).text;
  const theirs = "theirs".padEnd(32, "-");
  await world.store.put({ secretArn, versionId: theirs, text, labels: ["AWSPENDING"] });
  await world.store.put({ secretArn, versionId: "ours".padEnd(32, "-"), text, labels: ["REKEY_INCOMING"] });
  expect((await rekey(world, line, { written: new Map() })).code).toBe(0);
  expect(labels(world)).toMatchObject({ [theirs]: ["AWSPENDING"] });
  expect(Object.values(labels(world)).flat()).not.toContain("REKEY_INCOMING");
});
