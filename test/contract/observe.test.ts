import { StoreUnavailable } from "../../core/errors.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import type { Page } from "../../functions/deps.ts";
import { observeSecrets } from "../../functions/upkeep/observe-secrets.ts";
import { tellPeople } from "../../functions/upkeep/tell-people.ts";
import { instancesIn } from "../../ledger/instances.ts";
import { rekey } from "../cli/cli-world.ts";
import { type AdminWorld, adminWorld, arnOf, fileWith, NOON_MS } from "./admin-world.ts";

const day = 86_400_000;
const block = "provider: main, consumers: [{ name: billing }], signals: [client], mode:";
const observedFile = fileWith({ secrets: { "billing-key": `${block} observe, rotate: { every: 30d }` } });
const secretArn = arnOf("billing-key");

async function observed(file = observedFile) {
  const world = adminWorld();
  const key = world.secret("billing-key");
  const applied = await apply(world, file);
  expect(applied).toMatchObject({ code: 0, err: "" });
  const look = (atMs: number) =>
    observeSecrets.run(
      observeSecrets.input.parse({ time: new Date(atMs).toISOString() }),
      world.depsOf("observe-secrets"),
    );
  const report = (atMs: number, consumer = "billing") =>
    instancesIn(world.ledger.documents).putInstance(secretArn, {
      ...{ kind: "client", consumer, environment: "production", account: "111122223333" },
      ...{ instance: `${consumer}-1`, sequence: atMs - NOON_MS + 1, maxStaleMs: 1, uses: [], ended: false },
      ...{ holds: { fingerprint: fingerprintOf(key.secret), versionId: key.versionId }, observedAtMs: atMs },
    });
  return { world, key, look, report };
}

function apply(world: AdminWorld, file: string, line = "apply") {
  return rekey(world, line, { files: { "rekey.yml": file } });
}

test("an observed secret is not scheduled, not rotated and not changed, and each look says what a rotation would meet", async () => {
  const { world, key, look, report } = await observed();
  expect([...world.schedules.stored.values()]).toEqual([]);
  expect((await rekey(world, "rotate billing-key")).err).toContain("only watched (mode: observe)");
  expect((await rekey(world, "status")).out).toContain("observed: the first look comes within the hour");

  expect(await look(NOON_MS)).toMatchObject({ secrets: 1, wouldOpen: 0, wouldNotOpen: 0, failed: 0 });
  await look(NOON_MS + day);
  expect(await look(NOON_MS + 2 * day)).toMatchObject({ wouldOpen: 0, wouldNotOpen: 1 });
  expect((await rekey(world, "status")).out).toContain(
    "a rotation would not get through: billing has not reported yet",
  );

  await report(NOON_MS + 3 * day - 1);
  expect(await look(NOON_MS + 3 * day)).toMatchObject({ wouldOpen: 1, wouldNotOpen: 0 });
  const shown = await rekey(world, "status");
  expect(shown.out).toContain(key.keyId);
  expect(shown.out).toContain("a rotation would get through; it would have on 1 of 4 days");
  expect((await rekey(world, "inventory")).out).toContain("observe, ready");
  const listed = JSON.parse((await rekey(world, "inventory --json")).out);
  expect(listed.secrets[0].observed).toMatchObject({
    verdict: "wouldOpen",
    days: 4,
    wouldHave: 1,
    reasons: [],
  });

  expect(await world.ledger.secret(secretArn)).toEqual(
    expect.objectContaining({ keys: [], ended: [], fence: 0 }),
  );
  expect(world.executions.started).toEqual([]);
  expect(await world.told("billing-key")).toEqual(["PolicyApplied by anna"]);
});

test("where there is time for one only, the one that was looked at longest ago has its turn", async () => {
  const secrets = { "billing-key": `${block} observe`, "search-key": `${block} observe` };
  const world = adminWorld();
  for (const name of Object.keys(secrets)) world.secret(name);
  expect(await apply(world, fileWith({ secrets }))).toMatchObject({ code: 0, err: "" });
  const lookAtOne = (atMs: number) => {
    const deps = world.depsOf("observe-secrets");
    let asked = 0;
    const current = async (arn: string) => {
      asked += 1;
      if (asked > 1) throw new StoreUnavailable("it is busy");
      return deps.store.current(arn);
    };
    return observeSecrets.run({ time: atMs }, { ...deps, store: { ...deps.store, current } });
  };

  for (const atMs of [NOON_MS, NOON_MS + 1, NOON_MS + 2])
    expect(await lookAtOne(atMs)).toMatchObject({ secrets: 2, failed: 1 });
  const seen = await Promise.all(Object.keys(secrets).map((name) => world.ledger.observation(arnOf(name))));
  expect(seen.map((each) => each?.atMs).toSorted()).toEqual([NOON_MS + 1, NOON_MS + 2]);
});

test("whoever uses the key undeclared, a stop, a shared key and a policy that could not rotate are reasons", async () => {
  const { world, key, look, report } = await observed();
  await report(NOON_MS);
  await report(NOON_MS, "search");
  world.store.create(arnOf("other"), key.secret.reveal());
  const holder = { fingerprint: fingerprintOf(key.secret), versionId: "v1", role: "index" } as const;
  await world.ledger.putHolder({ ...holder, secretArn: arnOf("other") });
  await rekey(world, "stop --all --reason drill");
  await look(NOON_MS + 1);
  const { reasons } = (await world.ledger.observation(secretArn)) ?? { reasons: [] };
  expect(reasons.map((text) => text.slice(0, 24))).toEqual([
    expect.stringMatching(/^Stopped: /),
    expect.stringMatching(/^KeyShared: /),
    expect.stringMatching(/^search holds the key/),
  ]);
});

test("a key that the provider does not show is a reason, and a store that does not answer changes nothing", async () => {
  const { world, key, look, report } = await observed();
  await report(NOON_MS);
  expect(await look(NOON_MS)).toMatchObject({ failed: 0 });
  const before = await world.ledger.observation(secretArn);
  expect(before?.keyId).toBe(key.keyId);
  world.store.current = async () => {
    const { StoreUnavailable } = await import("../../core/errors.ts");
    throw new StoreUnavailable("down");
  };
  expect(await look(NOON_MS + day)).toMatchObject({ secrets: 1, failed: 1 });
  expect(await world.ledger.observation(secretArn)).toEqual(before);
});

test("going to rotate shows what was observed, before and when it is applied, and schedules", async () => {
  const { world, look, report } = await observed();
  await report(NOON_MS);
  await look(NOON_MS);
  const file = observedFile.replace("mode: observe", "mode: rotate");
  const said = "billing-key was observed: a rotation would get through; it would have on 1 of 1 day";
  expect((await apply(world, file, "apply --dry-run")).out).toContain(said);
  expect(world.schedules.stored.size).toBe(0);
  expect((await apply(world, file)).out).toContain(said);
  expect(world.schedules.stored.size).toBe(1);
  expect((await apply(world, file)).out).not.toContain("was observed");
  expect((await rekey(world, "status")).out).toContain("current");
});

test("the daily list says how observed secrets stand", async () => {
  const { world, look, report } = await observed();
  const pages: Page[] = [];
  const page = async (sent: Page) => {
    pages.push(sent);
    return { delivered: ["slack"], failed: [] };
  };
  const deps = { ...world.depsOf("tell-people"), escalator: { page } };
  const tell = (atMs: number) =>
    tellPeople.run(tellPeople.input.parse({ time: new Date(atMs).toISOString() }), deps);
  await look(NOON_MS);
  await look(NOON_MS + day);
  expect(await tell(NOON_MS + day)).toMatchObject({ open: 0, digest: "sent" });
  expect(pages[0]).toMatchObject({ severity: "notify", title: "1 secret is observed" });
  expect(pages[0]?.why).toMatch(
    /^1 secret is observed: a rotation of 0 would get through\nbilling-key: observed: a rotation would not get/,
  );
  await report(NOON_MS + 2 * day);
  await look(NOON_MS + 2 * day);
  await tell(NOON_MS + 2 * day);
  expect(pages[1]?.why).toBe("1 secret is observed: a rotation of 1 would get through");
});

test("an observed secret needs neither a time nor its consumers: to find them out is what it is observed for", async () => {
  const { look, world } = await observed(
    fileWith({ secrets: { "billing-key": "provider: main, mode: observe" } }),
  );
  await look(NOON_MS);
  const { reasons } = (await world.ledger.observation(secretArn)) ?? { reasons: [] };
  expect(reasons.join("\n")).toContain("the policy names no consumer");
});
