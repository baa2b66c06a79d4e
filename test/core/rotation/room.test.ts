import type { InstanceEvidence } from "../../../core/adoption/evidence.ts";
import { mistakesIn, type Policy, type ProviderFacts } from "../../../core/policy.ts";
import type { ListedKey, Shape } from "../../../core/ports.ts";
import { type DisplaceView, roomFor, whyNotDisplace } from "../../../core/rotation/room.ts";
import { provider, read, report, use } from "../adoption/adoption-world.ts";

const key = (keyId: string, more: Partial<ListedKey> = {}): ListedKey => ({
  ...{ keyId, name: keyId, status: "active", owner: "svc" },
  ...more,
});
const slots: Shape = { kind: "slots", idleIsFree: true };
const two: Shape = { kind: "atMost", keys: 2 };

test.each<[string, Shape, readonly ListedKey[], object]>([
  ["side by side there is always room", { kind: "sideBySide" }, [], { kind: "enough" }],
  ["an empty place is room", slots, [key("a")], { kind: "enough" }],
  ["the other place makes room", slots, [key("a"), key("b")], { kind: "displaces", endedBy: "mint" }],
  ["three places are not understood", slots, [key("a"), key("b"), key("c")], { kind: "none" }],
  ["without the retiring key nothing is touched", slots, [key("b"), key("c")], { kind: "none" }],
  ["below the limit there is room", two, [key("a")], { kind: "enough" }],
  ["another owner's keys do not count", two, [key("a"), key("b", { owner: "else" })], { kind: "enough" }],
  ["live keys make no room", two, [key("a"), key("b")], { kind: "none" }],
  [
    "the oldest disabled key makes room",
    { kind: "atMost", keys: 3 },
    [
      key("a"),
      key("b", { status: "disabled", createdAtMs: 2 }),
      key("c", { status: "disabled", createdAtMs: 1 }),
    ],
    { kind: "displaces", endedBy: "revoke", key: { keyId: "c" } },
  ],
])("%s", (_, shape, listed, room) => {
  expect(roomFor({ shape, listed, retiring: "a" })).toMatchObject(room);
});

const free: DisplaceView = {
  shape: slots,
  key: key("b", { fingerprint: "sha256:b" }),
  retiring: { keyId: "a", fingerprint: "sha256:a" },
  record: { keys: [] } as unknown as DisplaceView["record"],
  sharedWith: [],
  evidence: [],
  quietMs: 1000,
  lastUsed: undefined,
};
const known = (state: string) =>
  ({ keys: [{ name: "b", keyId: "b", state }] }) as unknown as DisplaceView["record"];

test("a key that nobody needs may be displaced", () => {
  expect(whyNotDisplace(free)).toBeUndefined();
  expect(whyNotDisplace({ ...free, lastUsed: { atMs: 0, seenAtMs: 1000 } })).toBeUndefined();
  for (const state of ["minted", "revoked", "dead"]) {
    const shape: Shape = { kind: "slots", idleIsFree: false };
    expect(whyNotDisplace({ ...free, shape, record: known(state) })).toBeUndefined();
  }
});

test.each<[string, Partial<DisplaceView>]>([
  ["KeyIsRetiring", { key: key("a") }],
  ["KeyIsRetiring", { key: key("c", { fingerprint: "sha256:a" }) }],
  ["KeyStillOwed", { record: known("retiring") }],
  ["KeyStillOwed", { record: known("quarantined") }],
  ["KeyShared", { sharedWith: ["arn:other"] }],
  ["KeyInUse", { lastUsed: { atMs: 1, seenAtMs: 1000 } }],
  ["IdleKeyUnknown", { shape: { kind: "slots", idleIsFree: false } }],
])("it may not for %s", (reason, change) => {
  expect(whyNotDisplace({ ...free, ...change })?.reason).toBe(reason);
});

test("why there is no room, or why a key may not go, is said with the keys' ids", () => {
  const full = roomFor({ shape: two, listed: [key("a"), key("b")], retiring: "a" });
  expect(full).toMatchObject({ why: "its owner has 2 of 2 keys, and none is disabled" });
  const gone = roomFor({ shape: two, listed: [key("b"), key("c")], retiring: "a" });
  expect(gone).toEqual({ kind: "none", why: "the provider no longer lists key a" });
  const places = roomFor({ shape: slots, listed: [key("c"), key("a"), key("b")], retiring: "a" });
  expect(places).toEqual({ kind: "none", why: "the provider lists more than two places" });

  const why = (change: Partial<DisplaceView>) => whyNotDisplace({ ...free, ...change })?.detail;
  expect(why({ key: key("a") })).toBe("a is the key that consumers use");
  expect(why({ record: known("retiring") })).toBe("b is retiring: its own revoke has to come first");
  expect(why({ sharedWith: ["arn:1", "arn:2"] })).toBe("b is held by arn:1, arn:2");
  expect(why({ lastUsed: { atMs: 1, seenAtMs: 1000 } })).toBe("b was used 999 ms ago");
  expect(why({ shape: { kind: "slots", idleIsFree: false } })).toContain("nobody said that b is free");
});

test("the retiring key is found by its id wherever it is listed, and its owner's other keys count", () => {
  const listed = [key("x", { owner: "else" }), key("b", { owner: "svc" }), key("a", { owner: "svc" })];
  expect(roomFor({ shape: two, listed, retiring: "a" })).toMatchObject({ kind: "none" });
});

describe("a key that an instance still has", () => {
  const holds = (fields: Partial<InstanceEvidence>, of: DisplaceView["key"] = free.key) =>
    whyNotDisplace({ ...free, key: of, evidence: [report(fields)] });
  const other = { fingerprint: "sha256:b", versionId: "v0" };
  const used = (lastSuccessAgoMs: number | null) => [use(other, [lastSuccessAgoMs, 1])];

  test("is not displaced: it holds it, or was accepted with it", () => {
    const inUse = { reason: "KeyInUse", detail: "billing (i1) holds b" };
    expect(holds({ holds: other })).toEqual(inUse);
    expect(holds({ uses: used(5) })).toEqual(inUse);
    expect(holds({ uses: [use({ fingerprint: "sha256:z" }, [1, null]), ...used(5)] })).toEqual(inUse);
  });

  test("is displaced once that instance has ended, or if it was only ever refused with it", () => {
    expect(holds({ holds: other, ended: true })).toBeUndefined();
    expect(holds({ uses: used(null) })).toBeUndefined();
    expect(holds({ uses: [use({ fingerprint: "sha256:z" }, [1, null])] })).toBeUndefined();
  });

  test("cannot be told from another where its fingerprint is not known, and reads say nothing of it", () => {
    expect(holds({ holds: other }, key("b"))).toBeUndefined();
    expect(whyNotDisplace({ ...free, evidence: [read(), provider()] })).toBeUndefined();
  });
});

test("only the key itself is asked about in the ledger, not those beside it", () => {
  const keys = [...known("retiring").keys, { name: "c", keyId: "c", state: "minted" }];
  const record = { keys } as unknown as DisplaceView["record"];
  expect(whyNotDisplace({ ...free, record, key: key("c") })).toBeUndefined();
  const unsure: Shape = { kind: "slots", idleIsFree: false };
  expect(whyNotDisplace({ ...free, record, shape: unsure, key: key("d") })?.reason).toBe("IdleKeyUnknown");
  expect(whyNotDisplace({ ...free, record, shape: two, key: key("d") })).toBeUndefined();
});

test.each<[Shape, string | undefined]>([
  [{ kind: "inPlace" }, "provider"],
  [{ kind: "federated" }, "provider"],
  [{ kind: "rotateWithGrace", graceMs: 999 }, "overlap"],
  [{ kind: "rotateWithGrace", graceMs: 1000 }, undefined],
  [slots, undefined],
])("a policy for %p is refused at %p", (shape, path) => {
  const provider = { account: "main", kind: "example", settings: {} };
  const policy = {
    mode: "rotate",
    provider,
    consumers: "none",
    signals: [],
    overlapMs: 1000,
  } as unknown as Policy;
  const facts = { capabilities: { shape }, propagation: {} } as unknown as ProviderFacts;
  expect(mistakesIn(policy, facts)[0]?.path[0]).toBe(path);
  expect(mistakesIn({ ...policy, mode: "index" }, facts).filter((one) => one.path[0] === "provider")).toEqual(
    [],
  );
});
