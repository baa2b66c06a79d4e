import { mistakesIn, type Policy, type ProviderFacts } from "../../../core/policy.ts";
import type { ListedKey, Shape } from "../../../core/ports.ts";
import { type DisplaceView, roomFor, whyNotDisplace } from "../../../core/rotation/room.ts";

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
