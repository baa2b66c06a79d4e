import type { LedgerKey } from "../../../core/keys.ts";
import { resumeSuperseded } from "../../../core/rotation/lease.ts";
import { emptyRecord, type SecretRecord } from "../../../core/rotation/secret-record.ts";
import {
  adoptByHand,
  keyToFinish,
  mayNotReturn,
  releaseRetained,
  retainedKeys,
  type SupersededKey,
  supersededKeys,
  supersededMax,
  supersededToResume,
} from "../../../core/rotation/superseded.ts";
import { isStillOwed, owedBy } from "../../../core/rotation/sweep.ts";

type More = Omit<Partial<LedgerKey>, "state">;
const key = <State extends LedgerKey["state"]>(name: string, state: State, more: More = {}) => ({
  ...more,
  ...{ name, state, keyId: name, versionId: `v-${name}`, fingerprint: `sha256:${name}` },
});
const current = key("k3", "current", { rotationId: "i-1-tag-5", promotedAtMs: 70 });
const record = (...keys: readonly LedgerKey[]): SecretRecord => ({
  ...emptyRecord("arn:secret"),
  fence: 5,
  keys,
});
const opening = { rotationId: "r-2", executionArn: "arn:r-2", kind: "rotation" as const };
const times = { atMs: 100, deadlineAtMs: 900 };

test.each(["retiring", "quarantined", "revoking", "revoked"] as const)(
  "a key that is %s without a run is taken up where it stands, and replaced by what is current",
  (state) => {
    const left = key("k1", state);
    const before = record(left, current);
    expect(supersededToResume(before)).toEqual(left);
    expect(owedBy(before)).toBe("k1");

    const resumed = resumeSuperseded(before, { ...opening, ...times, left, current });

    expect(resumed).toMatchObject({ fence: 6, lease: { runId: "r-2", kind: "rotation" } });
    expect(resumed.run).toMatchObject({
      ...{ phase: state === "retiring" ? "promoted" : state, rotationId: "r-2", attempt: 0 },
      retiring: { keyId: "k1", versionId: "v-k1", fingerprint: "sha256:k1" },
      incoming: { keyId: "k3", versionId: "v-k3", fingerprint: "sha256:k3" },
      ...{ promotedAtMs: 70, deadlineAtMs: 900 },
    });
    expect(resumed.keys.map(({ keyId }) => keyId)).toEqual(["k1", "k3"]);
    expect(supersededKeys(resumed)).toEqual([]);
  },
);

test("a current key without a stamp of its own counts as promoted now: every wait is longer", () => {
  const { promotedAtMs: _none, ...plain } = current;
  const left: SupersededKey = key("k1", "retiring");
  expect(
    resumeSuperseded(record(left, plain), { ...opening, ...times, left, current: plain }).run,
  ).toMatchObject({
    promotedAtMs: 100,
  });
});

test("the current key may sit in a newer version by now, and stays the ledger's", () => {
  const left: SupersededKey = key("k1", "retiring");
  const moved = { ...current, versionId: "v-edited" };
  const resumed = resumeSuperseded(record(left, current), { ...opening, ...times, left, current: moved });
  expect(resumed.keys.find(({ keyId }) => keyId === "k3")).toMatchObject({
    ...{ versionId: "v-edited", state: "current", rotationId: "i-1-tag-5" },
  });
});

test.each([
  ["is compromised, so it is its incident's", [key("k1", "retiring", { compromised: true }), current]],
  ["is current", [current]],
  ["was never placed", [{ name: "k1", state: "revoking" as const }, current]],
  ["is a stray", [key("k1", "stray"), current]],
])("a key that %s is not a superseded key", (_title, keys) => {
  expect(supersededKeys(record(...keys))).toEqual([]);
  expect(owedBy(record(...keys))).toBeUndefined();
});

test.each([
  ["a key that a hand put there", key("k9", "current")],
  ["a key that is compromised itself", key("k3", "current", { rotationId: "r-1", compromised: true })],
  ["nothing that the ledger knows", key("k3", "stray")],
])("nothing is resumed while AWSCURRENT holds %s, and it stays owed", (_title, holder) => {
  const before = record(key("k1", "retiring"), holder);
  expect(supersededToResume(before)).toBeUndefined();
  expect(isStillOwed(before, { kind: "RevokeOwed", keyId: "k1", rotationId: "i-1" })).toBe(true);
});

test("nothing is resumed while a run has the secret, or a hold or a freeze keeps runs from starting", () => {
  const free = record(key("k1", "retiring"), current);
  const run = { phase: "opened" as const, rotationId: "r-2", attempt: 0, retiring: current };
  expect(supersededToResume({ ...free, run })).toBeUndefined();
  expect(owedBy({ ...free, run })).toBeUndefined();
  expect(owedBy({ ...free, run: { ...run, owed: { reason: "overdue" } } })).toBe("r-2");
  expect(keyToFinish({ ...free, run: { ...run, owed: { reason: "overdue" } } })).toBe(current.keyId);
  expect(keyToFinish({ ...free, run })).toBeUndefined();
  expect(keyToFinish(free)).toBe("k1");
  const lease = { runId: "r-2", kind: "rotation" as const, executionArn: "arn:r-2" };
  expect(owedBy({ ...free, lease })).toBeUndefined();
  expect(owedBy({ ...free, hold: { by: "ops", reason: "busy" } })).toBeUndefined();
  expect(owedBy({ ...free, frozen: { reason: "a hand" } })).toBeUndefined();
});

describe("somebody puts another key into AWSCURRENT", () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => key(`left-${index}`, "retiring"));

  test("the key that was there becomes a superseded key, and is not resumed before the key put there by hand is replaced", () => {
    const next = adoptByHand(record(current), key("k9", "minted"));

    expect(next.keys.map(({ keyId, state }) => `${keyId} ${state}`)).toEqual(["k3 retiring", "k9 current"]);
    expect(supersededKeys(next).map(({ keyId }) => keyId)).toEqual(["k3"]);
    expect(supersededToResume(next)).toBeUndefined();
  });

  test("a compromised key is left to its incident", () => {
    const leaked = key("k3", "current", { compromised: true });
    expect(supersededKeys(adoptByHand(record(leaked), key("k9", "minted")))).toEqual([]);
  });

  test("more keys than runs can work off are refused, with what to do, and none is forgotten", () => {
    const full = record(...many(supersededMax - 1), current);
    expect(supersededKeys(adoptByHand(full, key("k9", "minted")))).toHaveLength(supersededMax);
    expect(() => adoptByHand(record(...many(supersededMax), current), key("k9", "minted"))).toThrow(
      "10 keys that were once current are still to be revoked, and k3 would be one more: " +
        "put its version v-k3 back as the current one, or end one that nobody uses with rekey compromise",
    );
  });

  test("what is current already, or comes back from those that are left, is taken however many there are", () => {
    const full = record(...many(supersededMax), current);
    expect(adoptByHand(full, current).keys).toEqual(full.keys);
    expect(supersededKeys(adoptByHand(full, key("left-0", "retiring")))).toHaveLength(supersededMax);
    expect(supersededKeys(adoptByHand(record(...many(supersededMax)), key("k9", "minted")))).toHaveLength(
      supersededMax,
    );
    const over = record(...many(supersededMax + 1), current);
    expect(supersededKeys(adoptByHand(over, current))).toHaveLength(supersededMax + 1);
  });

  test("a key that was left alive may come back, and no other one that is on its way out", () => {
    const back = key("k1", "retiring");
    expect(mayNotReturn(record(back, current), back)).toBe(false);
    expect(mayNotReturn(record(current), current)).toBe(false);
    for (const spent of [
      key("k1", "revoking"),
      key("k1", "quarantined"),
      key("k1", "dead"),
      key("k1", "retiring", { compromised: true }),
    ])
      expect(mayNotReturn(record(spent, current), spent)).toBe(true);
    const run = { phase: "opened" as const, rotationId: "r-2", attempt: 0, retiring: current };
    expect(mayNotReturn({ ...record(back, current), run }, back)).toBe(true);
  });
});

test("a key that the policy keeps no more is superseded like any other, and the rest stays as it is", () => {
  const kept = key("k1", "retiring", { retained: true });
  const before = record(kept, current);
  expect(retainedKeys(before)).toEqual([kept]);
  expect(supersededKeys(before)).toEqual([]);
  const released = releaseRetained(before);
  expect(released.keys).toEqual([key("k1", "retiring"), current]);
  expect(supersededKeys(released)).toHaveLength(1);
  expect(releaseRetained(released)).toBe(released);
});
