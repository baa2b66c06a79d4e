import { Superseded } from "../../../core/errors.ts";
import type { KeyState, LedgerKey } from "../../../core/keys.ts";
import {
  claimAttempt,
  isPlaced,
  isToPromote,
  keysToDiscard,
  markDiscarded,
  markMerged,
  markMinted,
  markPromoted,
  markPromoting,
  markPromotionRefused,
  markProven,
  markSeenPromoted,
  markStaged,
} from "../../../core/rotation/incoming.ts";
import type { SecretRecord, Ticket } from "../../../core/rotation/secret-record.ts";
import { incoming, late, phases, recordIn, retiring, runs, stateOf, ticket } from "./record-world.ts";

const { keyId, fingerprint } = incoming;
const claimed = claimAttempt(recordIn("opened", { run: { ...runs.opened, attempt: 0 } }), ticket);
const minted = markMinted(claimed, ticket, { attempt: 1, keyId, fingerprint });

const refusedAt = (mayHaveLanded: boolean) => (record: SecretRecord, by: Ticket) =>
  markPromotionRefused(record, by, { mayHaveLanded });

describe("making a key", () => {
  test("is intended before it is asked for, under a name that nobody else uses", () => {
    expect(claimed.run?.attempt).toBe(1);
    expect(claimed.keys.at(-1)).toEqual({
      name: "rekey/r-1/1",
      state: "intended",
      rotationId: "r-1",
      attempt: 1,
    });
    expect(claimed.seq).toBe(41);
  });

  test("remembers the scopes that it asks for", () => {
    const record = claimAttempt(recordIn("opened"), ticket, { scopes: ["read"] });
    expect(record.keys.at(-1)).toMatchObject({ name: "rekey/r-1/2", scopes: ["read"] });
    expect(claimed.keys.at(-1)).not.toHaveProperty("scopes");
  });

  test("is minted once its id is known, and staged once a version holds it", () => {
    expect(minted.keys.at(-1)).toMatchObject({ state: "minted", keyId, fingerprint });
    const staged = markStaged(minted, ticket, { attempt: 1, incoming });
    expect(staged.keys.at(-1)).toMatchObject({ state: "staged", versionId: "v-2" });
    expect(staged.run).toEqual(runs.staged);
  });

  test.each([
    ["the retiring key", "sha256:1", "v-1b"],
    ["somebody's key", "sha256:9", "v-1"],
  ])("is promoted over the version that it was copied from, where that holds %s", (_key, held, expected) => {
    const copiedFrom = { versionId: "v-1b", fingerprint: held };
    const staged = markStaged(minted, ticket, { attempt: 1, incoming, copiedFrom });
    expect(staged.run?.retiring.versionId).toBe(expected);
    expect(staged.keys[0]?.versionId).toBe(expected);
  });

  test("keeps when it expires", () => {
    const record = markMinted(claimed, ticket, { attempt: 1, keyId, fingerprint, expiresAtMs: 5 });
    expect(record.keys.at(-1)?.expiresAtMs).toBe(5);
  });

  test("of an attempt that was overtaken is refused", () => {
    const second = claimAttempt(claimed, ticket);
    expect(() => markMinted(second, ticket, { attempt: 1, keyId, fingerprint })).toThrow(
      "attempt 1 was overtaken by attempt 2",
    );
    expect(() => markStaged(second, ticket, { attempt: 1, incoming })).toThrow(Superseded);
  });

  test("is refused once the run has its key: a function that thaws late must not put another in its place", () => {
    const staged = recordIn("staged");
    expect(() => claimAttempt(staged, ticket)).toThrow("r-1 has its key already: it is staged");
    expect(() => markMinted(staged, ticket, { attempt: 1, keyId, fingerprint })).toThrow(Superseded);
    expect(() => markStaged(staged, ticket, { attempt: 1, incoming })).toThrow(Superseded);
  });
});

test("no key is made for a run that is being rolled back", () => {
  const record = recordIn("opened", { run: { ...runs.opened, givenUp: true } });
  expect(() => claimAttempt(record, ticket)).toThrow("r-1 is being rolled back");
});

test("what is left of earlier attempts is discarded: this run's, and only while no version holds it", () => {
  const states: readonly KeyState[] = [
    ...(["intended", "minted", "staged", "current", "retiring", "quarantined"] as const),
    ...(["revoking", "revoked", "dead", "discarded", "stray"] as const),
  ];
  const keys: LedgerKey[] = states.flatMap((state) => [
    { name: `own ${state}`, state, rotationId: "r-1" },
    { name: `foreign ${state}`, state, rotationId: "r-0" },
    { name: `by hand ${state}`, state },
  ]);

  const names = keysToDiscard(recordIn("opened", { keys }), "r-1").map(({ name }) => name);

  expect(names).toEqual(["own intended", "own minted", "own stray"]);
});

test("a discarded key leaves the ledger by its name, and only by its own run", () => {
  expect(markDiscarded(minted, ticket, "rekey/r-1/1").keys.map(({ name }) => name)).toEqual(["by hand"]);
  expect(markDiscarded(minted, ticket, "rekey/r-1/9").keys).toEqual(minted.keys);
  expect(() => markDiscarded(minted, late, "rekey/r-1/1")).toThrow(Superseded);
});

describe("promoting", () => {
  const steps: readonly (readonly [
    string,
    (record: SecretRecord, ticket: Ticket) => SecretRecord,
    string,
    string,
  ])[] = [
    ["proven", markProven, "staged", "proven"],
    ["promoting", markPromoting, "proven", "promoting"],
    ["proven again, if the move was refused", refusedAt(false), "promoting", "proven"],
    ["proven again, if the move was undone by a hand", refusedAt(true), "promoting", "proven"],
  ];

  test.each(steps)("is %s from one phase only; a repeat changes nothing", (_what, mark, from, to) => {
    for (const phase of phases) {
      const record = recordIn(phase);
      const next = mark(record, ticket);
      if (phase === from) expect([next.run?.phase, next.seq]).toEqual([to, 41]);
      else expect(next).toBe(record);
    }
    expect(() => mark(recordIn("staged"), late)).toThrow(Superseded);
  });

  test.each([
    ["was never there goes with its run", false, "staged"],
    ["may have been there becomes a superseded key", true, "retiring"],
  ] as const)("an incoming key that AWSCURRENT does not hold and that %s", (_title, mayHaveLanded, state) => {
    const next = refusedAt(mayHaveLanded)(recordIn("promoting"), ticket);
    expect([stateOf(next, "key-1"), stateOf(next, "key-2")]).toEqual(["current", state]);
  });

  test("makes the incoming key current and the retiring one retiring, once", () => {
    const times = { promotedAtMs: 1_000, deadlineAtMs: 9_000 };

    const next = markPromoted(recordIn("promoting"), ticket, times);

    expect(next.run).toEqual(runs.promoted);
    expect([stateOf(next, "key-1"), stateOf(next, "key-2")]).toEqual(["retiring", "current"]);
    for (const phase of phases.filter((each) => each !== "promoting")) {
      const record = recordIn(phase);
      expect(markPromoted(record, ticket, { promotedAtMs: 5, deadlineAtMs: 5 })).toBe(record);
    }
  });

  test("lifts the freeze about a key that an incident contained where it was, and no other", () => {
    const times = { promotedAtMs: 1_000, deadlineAtMs: 9_000 };
    const frozenFor = (containedInPlace?: string) => {
      const frozen = { reason: "spent", ...(containedInPlace !== undefined && { containedInPlace }) };
      return markPromoted(recordIn("promoting", { frozen }), ticket, times).frozen;
    };
    expect(frozenFor("key-1")).toBeUndefined();
    expect(frozenFor("key-9")).toMatchObject({ reason: "spent" });
    expect(frozenFor()).toEqual({ reason: "spent" });
  });

  test("follows both keys into the versions of an edit", () => {
    const merged = { incomingVersionId: "v-4", retiringVersionId: "v-3" };

    const next = markMerged(recordIn("promoting"), ticket, merged);

    expect(next.run).toMatchObject({
      incoming: { ...incoming, versionId: "v-4" },
      retiring: { ...retiring, versionId: "v-3" },
    });
    expect(next.keys.map(({ versionId }) => versionId)).toEqual(["v-3", "v-4"]);
    const record = recordIn("promoted");
    expect(markMerged(record, ticket, merged)).toBe(record);
  });
});

describe("a promotion that comes after an incident contained the retiring key", () => {
  const times = { promotedAtMs: 1_000, deadlineAtMs: 9_000 };
  const promotedWith = (state: KeyState, compromised: boolean) => {
    const record = recordIn("promoting");
    const keys = record.keys.map((key) =>
      key.keyId === retiring.keyId ? { ...key, state, compromised } : key,
    );
    return markPromoted({ ...record, keys }, ticket, times);
  };

  test.each(["quarantined", "revoking", "revoked"] as const)("leaves it %s", (state) => {
    const next = promotedWith(state, true);
    expect([next.run?.phase, stateOf(next, "key-1")]).toEqual([state, state]);
  });

  test("leaves it as far gone as it was when the incident was called off", () => {
    expect(stateOf(promotedWith("revoked", false), "key-1")).toBe("revoked");
  });

  test("leaves it dead, and the ledger without it", () => {
    const next = promotedWith("dead", true);
    expect([next.run?.phase, stateOf(next, "key-1")]).toEqual(["dead", undefined]);
  });

  test("makes it retiring where nothing was done to it yet", () => {
    expect(stateOf(promotedWith("current", true), "key-1")).toBe("retiring");
    const without = markPromoted({ ...recordIn("promoting"), keys: [] }, ticket, times);
    expect(without.run?.phase).toBe("promoted");
  });
});

test("a promotion counts from the first stamp that is surely after it, and never earlier", () => {
  const record = recordIn("promoted");
  const seen = markSeenPromoted(record, ticket, { atMs: 1_500 });
  expect(seen.run).toEqual({ ...runs.promoted, promotedAtMs: 1_500 });
  expect(markSeenPromoted(seen, ticket, { atMs: 1_500 })).toBe(seen);
  const later = recordIn("revoking");
  expect(markSeenPromoted(later, ticket, { atMs: 5_000 })).toBe(later);
});

describe("a call that comes when another one has made the same key", () => {
  test.each(phases)("in phase %s the key is placed once its run has it", (phase) => {
    expect(isPlaced(recordIn(phase), keyId)).toBe(phase !== "opened");
  });

  test("a key that was current once is placed, whoever has the secret now", () => {
    const { run: _over, ...rest } = recordIn("promoted");
    expect(isPlaced(rest, keyId)).toBe(true);
    expect(isPlaced(rest, "key-of-nobody")).toBe(false);
  });

  test("a key that only its own call knows is not", () => {
    expect(isPlaced(minted, keyId)).toBe(false);
  });

  test.each(phases)("in phase %s its version stays pending only while it is to be promoted", (phase) => {
    const isBefore = phase === "staged" || phase === "proven" || phase === "promoting";
    expect(isToPromote(recordIn(phase), incoming.versionId)).toBe(isBefore);
    expect(isToPromote(recordIn(phase), "another")).toBe(false);
  });

  test("without a run no version is to be promoted", () => {
    const { run: _over, ...rest } = recordIn("staged");
    expect(isToPromote(rest, incoming.versionId)).toBe(false);
  });
});
