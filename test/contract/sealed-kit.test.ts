import { gunzipSync } from "node:zlib";
import { auditLog } from "../../audit/chain.ts";
import { hashOf } from "../../audit/entry.ts";
import type { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import type { KitDeps } from "../../functions/deps.ts";
import { containOffline } from "../../functions/sealed-kit/contain-offline.ts";
import { unpackKit } from "../../functions/sealed-kit/contents.ts";
import { offlineDeps } from "../../functions/sealed-kit/offline-deps.ts";
import { logLines, readLog } from "../../functions/sealed-kit/offline-log.ts";
import { newIdentity, openSealed, recipientsOf, sealTo } from "../../functions/sealed-kit/seal.ts";
import { exportKit } from "../../functions/upkeep/export-kit.ts";
import { nodeDigest } from "../../functions/wiring/base.ts";
import { appliedWorld, rekey } from "../cli/cli-world.ts";
import { ADMIN_ARN, type AdminWorld, arnOf, NOON_MS } from "./admin-world.ts";

const minute = 60_000;
const billing = arnOf("billing-key");

/** Anna of one group, and Ben of the other one. */
async function twoPeople() {
  const [anna, ben] = [await newIdentity(), await newIdentity()];
  const [first = "", second = ""] = await recipientsOf([anna, ben]);
  return { anna, ben, groups: [[first], [second]] as const };
}

/** The function that makes kits, under its own role. */
function kitMaker(world: AdminWorld, groups: NonNullable<KitDeps["kit"]>["groups"] | undefined) {
  const puts: string[] = [];
  const at = { nowMs: NOON_MS };
  let kits = 0;
  const deps: KitDeps = {
    ...world.depsOf("export-kit"),
    ...{
      providerHosts: [],
      allowLoopback: false,
      clock: { nowMs: () => at.nowMs, pause: async () => undefined },
    },
    adminCredentials: { read: async (arn) => (await world.store.current(arn)).text },
    audit: { ...world.depsOf("export-kit").audit, newest: world.audit.newest },
    kit: groups && { groups, put: async ({ sealed }) => void puts.push(sealed) },
    newId: () => {
      kits += 1;
      return `kit-${kits}`;
    },
  };
  return { puts, at, make: (handOver = false) => exportKit({ handOver }, deps) };
}

async function exported() {
  const { world, keys } = await appliedWorld({ "billing-key": "", "search-key": "" });
  const people = await twoPeople();
  const maker = kitMaker(world, people.groups);
  await maker.make();
  const sealed = maker.puts[0] ?? "";
  const key = keys["billing-key"];
  if (key === undefined) throw new Error("no key");
  return { world, key, people, maker, sealed };
}

/** A laptop: the kit, a clock that goes on while it waits, and nothing of the deployment but the provider. */
async function laptop(
  { world, sealed, people }: Pick<Awaited<ReturnType<typeof exported>>, "world" | "sealed" | "people">,
  { earlier = "", leaked }: { readonly earlier?: string; readonly leaked?: Secret } = {},
) {
  const kit = unpackKit(await openSealed(sealed, [people.anna, people.ben]));
  const at = { nowMs: NOON_MS + 30 * minute };
  const lines = earlier === "" ? [startOf(kit)] : [];
  const before = earlier === "" ? { records: [] } : readLog(earlier);
  if ("mistake" in before) throw new Error(before.mistake);
  const write = (line: string) => void lines.push(line);
  const calls: string[] = [];
  const deps = await offlineDeps({
    ...{ kit, digest: nodeDigest, leaked, log: logLines(kit, { write, earlier: before.records }) },
    clock: {
      nowMs: () => at.nowMs,
      pause: async (ms) => {
        at.nowMs += ms;
      },
    },
    provider:
      ({ store }) =>
      (policy) => {
        calls.push(policy.name);
        void store;
        return world.deps.provider(policy);
      },
  });
  const order = { reason: "found in a paste", by: "offline/anna+ben", exportedAtMs: kit.exportedAtMs };
  const keyOf = (keyId: string) => ({ kind: "keyId" as const, provider: "openai", keyId });
  const contain = (keyId: string, onLap: () => void = () => undefined) =>
    containOffline({ identity: keyOf(keyId), ...order, onLap }, deps);
  return { kit, deps, at, contain, order, log: () => `${earlier}${lines.join("\n")}\n` };
}

function startOf({
  kitId,
  environment,
  exportedAtMs,
}: {
  kitId: string;
  environment: string;
  exportedAtMs: number;
}) {
  return JSON.stringify({ type: "kit", kitId, environment, exportedAtMs, openedBy: ["age1anna", "age1ben"] });
}

describe("a sealed kit", () => {
  test("opens for one person of each group, and for nobody alone", async () => {
    const { anna, ben, groups } = await twoPeople();
    const stranger = await newIdentity();
    const sealed = await sealTo(groups, Buffer.from("text"));

    expect(Buffer.from(await openSealed(sealed, [ben, anna])).toString()).toBe("text");
    await expect(openSealed(sealed, [anna])).rejects.toThrow(
      "none of the identities is one of the second group's",
    );
    await expect(openSealed(sealed, [ben])).rejects.toThrow(
      "none of the identities is one of the first group's",
    );
    await expect(openSealed(sealed, [stranger, ben])).rejects.toThrow("first group's");
    const half = sealed.length >> 1;
    const other = sealed[half] === "A" ? "B" : "A";
    const changed = `${sealed.slice(0, half)}${other}${sealed.slice(half + 1)}`;
    await expect(openSealed(changed, [anna, ben])).rejects.toThrow(/cut or changed/);
    await expect(openSealed("nothing", [anna, ben])).rejects.toThrow(/cut or changed/);
  });

  test("has the admin credentials and no key that consumers use, and neither is anywhere else", async () => {
    const { world, key, sealed, people } = await exported();
    const kit = unpackKit(await openSealed(sealed, [people.anna, people.ben]));
    const text = JSON.stringify(kit);

    expect(kit.credentials).toEqual({ [ADMIN_ARN]: world.provider.adminKey });
    expect(text).not.toContain(key.secret.reveal());
    expect(text).toContain(fingerprintOf(key.secret));
    const ledger = JSON.stringify([world.table.dump(), world.logs]);
    expect(ledger).not.toContain(world.provider.adminKey);
    expect(ledger).not.toContain(kit.signingKey);
    expect(() => gunzipSync(Buffer.from(sealed))).toThrow();
  });

  test("is made anew when a policy or an admin credential changes, once a day, and when a person asks", async () => {
    const { world, maker } = await exported();

    expect(await maker.make()).toEqual({ outcome: "unchanged", kitId: "kit-1" });
    world.store.setCurrent(ADMIN_ARN, "sk-admin-FAKE-replaced");
    expect(await maker.make()).toMatchObject({ outcome: "exported", kitId: "kit-2" });
    await rekey(world, "hold billing-key --reason later");
    expect(await maker.make()).toMatchObject({ outcome: "exported", kitId: "kit-3" });
    expect(await maker.make()).toMatchObject({ outcome: "unchanged" });
    expect(await maker.make(true)).toMatchObject({ outcome: "exported", sealed: maker.puts.at(-1) });
    maker.at.nowMs += 24 * 60 * minute;
    expect(await maker.make()).toMatchObject({ outcome: "exported" });
    expect(await world.told("rekey")).toContain("KitExported by export-kit");
  });

  test("is not made where the deployment names nobody", async () => {
    const { world } = await appliedWorld();
    expect(await kitMaker(world, undefined).make(true)).toEqual({ outcome: "notConfigured" });
  });
});

describe("containing with a kit", () => {
  test("ends the key at its provider, proves it dead, and writes a chained log that the ledger takes over", async () => {
    const told = await exported();
    const { world, key } = told;
    const { contain, log } = await laptop(told);

    const contained = await contain(key.keyId);

    expect(contained).toMatchObject({
      outcome: "contained",
      incident: { keys: [{ state: "dead", how: "listing" }] },
    });
    expect(
      await world.deps.provider((await world.ledger.policy(billing)) as never).find(key.keyId),
    ).toBeUndefined();
    const read = readLog(log());
    if ("mistake" in read) throw new Error(read.mistake);
    const actions = read.entries.map(({ action }) => action);
    expect(actions).toEqual(["OfflineContainmentOrdered", "CompromisedKeyRevoked", "DeathRecorded"]);

    const before = await world.told("billing-key");
    const said = await rekey(world, "kit reconcile day.log --json", { files: { "day.log": log() } });

    expect(said.err).toBe("");
    expect(said.json()).toMatchObject({ outcome: "reconciled", entries: 3, secrets: ["billing-key"] });
    expect(await world.told("billing-key")).toEqual([
      ...before,
      "OfflineContainmentOrdered by anna+ben",
      expect.stringMatching(/^CompromisedKeyRevoked by i-/),
      expect.stringMatching(/^DeathRecorded by i-/),
      "KitReconciled by anna",
    ]);
    // Nothing was written meanwhile, so the entries have the same places, and the same hashes.
    const chain = await entriesOf(world);
    expect(chain.slice(before.length, -1).map(({ hash }) => hash)).toEqual(
      read.entries.map(({ hash }) => hash),
    );
    expect(await world.audit.verify(billing)).toMatchObject({ verified: true });
    const [incident] = await world.ledger.incidents.incidents();
    expect(incident).toMatchObject({ status: "reported", planAsked: { plan: "contain-first" } });
    expect(incident?.timeline.map(({ detail }) => detail)).toContain(
      `the key was seen dead offline, with a sealed kit, by ${read.entries.at(-1)?.actor}`,
    );
    expect(world.executions.started).toHaveLength(1);
  });

  test("tries the key itself where somebody has it, and the same call refuses one that was never issued", async () => {
    const told = await exported();
    const { key } = told;
    const { contain, deps } = await laptop(told, { leaked: key.secret });

    const contained = await contain(key.keyId);

    expect(contained).toMatchObject({
      outcome: "contained",
      incident: { keys: [{ how: "refused", controls: { neverIssued: "refused" } }] },
    });
    expect(await deps.ledger.incidents.openIncidents()).toHaveLength(1);
  });

  test("the intent is in the log before the provider is asked, and the same log goes on after a crash", async () => {
    const told = await exported();
    const { world, key } = told;
    const first = await laptop(told);
    const provider = world.deps.provider((await world.ledger.policy(billing)) as never);
    const { revoke } = provider;
    let logAtCall = "";
    Object.assign(provider, {
      revoke: async (keyId: string) => {
        logAtCall = first.log();
        await revoke.call(provider, keyId);
        throw new Error("the laptop lost power");
      },
    });
    await expect(first.contain(key.keyId)).rejects.toThrow("lost power");
    Object.assign(provider, { revoke });

    expect(logAtCall).toMatch(/"state":"revoking"/);
    const cut = `${first.log().trimEnd().slice(0, -20)}\n`;
    const second = await laptop(told, { earlier: cut });
    expect(await second.contain(key.keyId)).toMatchObject({ outcome: "contained" });
    const said = await rekey(world, "kit reconcile day.log", { files: { "day.log": second.log() } });
    expect(said.err).toBe("");
    expect(await world.audit.verify(billing)).toMatchObject({ verified: true });
  });

  test("keeps to the rules: a stop that covers incidents, a key that is about to be current, a key that nobody knows", async () => {
    const told = await exported();
    const { world, key, people, maker } = told;
    const { contain } = await laptop(told);
    expect(await contain("key-that-nobody-has")).toMatchObject({ outcome: "refused" });

    await rekey(world, "stop --all --including-incidents --reason exercise");
    await maker.make(true);
    const stopped = await laptop({ world, people, sealed: maker.puts.at(-1) ?? "" });
    expect(await stopped.contain(key.keyId)).toMatchObject({
      outcome: "notContained",
      why: /^Stopped/ as never,
    });
  });

  test("a hold does not keep a leaked key alive", async () => {
    const { world, key, people, maker } = await exported();
    await rekey(world, "hold billing-key --reason sale");
    await maker.make(true);
    const held = await laptop({ world, people, sealed: maker.puts.at(-1) ?? "" });
    expect(await held.contain(key.keyId)).toMatchObject({ outcome: "contained" });
  });
});

describe("reconciling", () => {
  async function contained() {
    const told = await exported();
    const day = await laptop(told);
    await day.contain(told.key.keyId);
    const reconcile = (text: string) =>
      rekey(told.world, "kit reconcile day.log", { files: { "day.log": text } });
    return { ...told, log: day.log(), reconcile };
  }

  test("a second time changes nothing", async () => {
    const { world, log, reconcile } = await contained();
    await reconcile(log);
    const before = await world.told("billing-key");
    expect((await reconcile(log)).code).toBe(0);
    expect(await world.told("billing-key")).toEqual(before);
    expect(await world.ledger.incidents.incidents()).toHaveLength(1);
  });

  test("entries that the ledger's log gained meanwhile stay where they are", async () => {
    const { world, log, reconcile } = await contained();
    await rekey(world, "hold billing-key --reason sale");
    const before = await world.told("billing-key");
    expect((await reconcile(log)).code).toBe(0);
    expect((await world.told("billing-key")).slice(0, before.length)).toEqual(before);
    expect(await world.audit.verify(billing)).toMatchObject({ verified: true, entries: before.length + 4 });
  });

  test.each([
    [
      "a changed entry",
      (log: string) => log.replace('"outcome":"revoked"', '"outcome":"alreadyGone"'),
      /was changed/,
    ],
    [
      "an entry that is missing",
      (log: string) => withoutLine(log, "CompromisedKeyRevoked"),
      /does not follow/,
    ],
    ["another kit", (log: string) => log.replace('"kit-1"', '"kit-9"'), /knows no kit kit-9/],
    ["no log", () => "{}\n", /it is no log/],
    [
      "a line of something else",
      (log: string) => `${log}{"type":"x"}\n`,
      /neither an audit entry nor a record/,
    ],
  ])("%s is refused, and nothing is written", async (_what, spoil, why) => {
    const { world, log, reconcile } = await contained();
    const before = await world.told("billing-key");
    const said = await reconcile(spoil(log));
    expect(said.code).not.toBe(0);
    expect(said.err).toMatch(why);
    expect(await world.told("billing-key")).toEqual(before);
  });

  test("somebody who did not open the kit cannot write its log, also with the right hashes", async () => {
    const { world, log, reconcile } = await contained();
    const other = await exported();
    const theirs = await laptop(other);
    const read = readLog(log);
    if ("mistake" in read) throw new Error(read.mistake);
    const [entry] = read.entries;
    if (entry === undefined) throw new Error("no entry");
    const { type: _type, signature: _signature, ...body } = { ...entry, actor: "offline/mallory" };
    const lines: string[] = [];
    const forge = logLines(theirs.kit, { write: (line) => void lines.push(line), earlier: [] });
    const hash = hashOf(body, nodeDigest);
    forge.append({ kind: "AUDIT", id: billing, sort: "1", revision: 1, body: { ...body, hash } });
    const said = await reconcile(`${log.split("\n")[0]}\n${lines[0]}\n`);
    expect(said.err).toMatch(/was not written with this kit/);
    expect(await world.ledger.incidents.incidents()).toHaveLength(0);
  });
});

async function entriesOf(world: AdminWorld) {
  const entries = [];
  const log = auditLog({ table: world.table, digest: nodeDigest, now: () => NOON_MS });
  for await (const entry of log.entries(billing)) entries.push(entry);
  return entries;
}

function withoutLine(log: string, text: string): string {
  return log
    .split("\n")
    .filter((line) => !line.includes(`"action":"${text}"`))
    .join("\n");
}
