import fc from "fast-check";
import type { LedgerKey } from "../../../core/keys.ts";
import type { ExecutionState, ListedKey } from "../../../core/ports.ts";
import type { SecretRecord } from "../../../core/rotation/secret-record.ts";
import {
  type AccountView,
  endedUnsettled,
  forgetKey,
  isAbandoned,
  isStillOwed,
  type ListedAs,
  neverCame,
  nextTryMs,
  owedBy,
  standingOf,
} from "../../../core/rotation/sweep.ts";
import { minute } from "../adoption/adoption-world.ts";
import { type Phase, phases, recordIn, retiringKey, runs as runIn } from "./record-world.ts";

const numRuns = 300;
fc.configureGlobal({ seed: 20_260_101 });

const revokeOf = (keyId: string) => ({ kind: "RevokeOwed", keyId });
const deathOf = (keyId: string) => ({ kind: "DeathUnproven", keyId });
const discardOf = (rotationId: string) => ({ kind: "DiscardOwed", keyId: "none", rotationId });

function withLeft(state: LedgerKey["state"]): SecretRecord {
  return recordIn("opened", { keys: [retiringKey, { ...retiringKey, keyId: "key-0", state }] });
}

function owing(phase: Phase): SecretRecord {
  const { lease: _freed, ...free } = recordIn(phase);
  return { ...free, run: { ...runIn[phase], owed: { reason: "late" } } };
}

const anyPhase = fc.constantFrom(...phases);

describe("the sweep", () => {
  const nothing = { mayBeCurrent: new Set<string>(), inIncidents: new Set<string>() };
  const runs = new Set(["r-1", "r-0"]);

  test("calls no key a stray that some record uses, by its id, or whose run is at work", () => {
    const listed = fc.record({
      keyId: fc.constantFrom("key-1", "key-2", "key-3"),
      name: fc.constantFrom("by hand", "rekey/r-1/1", "rekey/r-0/4", "rekey/r-9/1"),
      status: fc.constant("active" as const),
    });
    fc.assert(
      fc.property(anyPhase, listed, fc.boolean(), (phase, key, isOver) => {
        const { lease: _freed, ...free } = recordIn(phase);
        const record = isOver ? free : recordIn(phase);
        const standing = standingOf(key, { ...nothing, runs, records: [record] });
        const isUsed = key.keyId === "key-1" || (key.keyId === "key-2" && phase !== "opened");
        const isBusy = !isOver && key.name === "rekey/r-1/1";
        if (isUsed || isBusy || key.name === "by hand" || key.name === "rekey/r-9/1") {
          expect(standing).not.toBe("stray");
        }
      }),
      { numRuns },
    );
  });

  describe("says of a listed key", () => {
    const made = { keyId: "key-3", name: "rekey/r-0/4", status: "active" as const };
    const left: LedgerKey = { ...made, state: "minted", rotationId: "r-0" };
    const view = { ...nothing, runs, records: [recordIn("promoted")] };
    const withKey = (key: LedgerKey) => [recordIn("promoted", { keys: [key] })];

    test.each<[string, Partial<ListedKey>, Partial<AccountView>, ListedAs]>([
      ["the retiring key of a run", { keyId: "key-1" }, {}, "accounted"],
      [
        "the incoming key of a run",
        { keyId: "key-2" },
        { records: [recordIn("staged", { keys: [] })] },
        "accounted",
      ],
      ["a key that some AWSCURRENT may hold", {}, { mayBeCurrent: new Set(["key-3"]) }, "accounted"],
      ["a key that an incident works on", {}, { inIncidents: new Set(["key-3"]) }, "accounted"],
      [
        "a key that the ledger keeps as current",
        {},
        { records: withKey({ ...left, state: "current" }) },
        "accounted",
      ],
      ["a key that a run at work has just made", { name: "rekey/r-1/1" }, {}, "busy"],
      ["a key that a run made, and is over", {}, {}, "stray"],
      ["a key that the ledger has as minted by a run that is over", {}, { records: withKey(left) }, "stray"],
      [
        "a key that the ledger itself calls a stray",
        {},
        { records: withKey({ ...left, state: "stray" }) },
        "stray",
      ],
      ["a key named after a run that nobody opened", { name: "rekey/r-9/1" }, {}, "unknownRun"],
      ["a key with somebody else's name", { name: "rekey/mine" }, {}, "notOurs"],
    ])("%s", (_, key, more, standing) => {
      expect(standingOf({ ...made, ...key }, { ...view, ...more })).toBe(standing);
    });
  });

  test("removes the keys of a finished run, but only when the provider does not list them any more", () => {
    const lost: LedgerKey = { name: "rekey/r-0/1", state: "intended", rotationId: "r-0" };
    const record = recordIn("promoted", { keys: [retiringKey, lost] });

    expect(neverCame(record, new Set())).toEqual([lost]);
    expect(neverCame(record, new Set([lost.name]))).toEqual([]);
    const asked: LedgerKey = { name: "rekey/r-1/2", state: "intended", rotationId: "r-1" };
    expect(neverCame(recordIn("opened", { keys: [asked] }), new Set())).toEqual([]);
    expect(forgetKey(record, lost.name)).toMatchObject({ seq: record.seq + 1, keys: [retiringKey] });
    expect(forgetKey(record, "rekey/r-0/2")).toBe(record);
  });

  test("never takes a run's incoming key for one that never came, also when the run's lease is gone", () => {
    const { lease: _freed, ...owed } = recordIn("staged");
    expect(neverCame(owed, new Set())).toEqual([]);
    const { lease: _gone, run: _over, ...idle } = recordIn("staged");
    expect(neverCame(idle, new Set()).map(({ keyId }) => keyId)).toEqual(["key-2"]);
  });

  test.each<[ExecutionState["status"], boolean]>([
    ["RUNNING", false],
    ["UNKNOWN", false],
    ["SUCCEEDED", true],
    ["FAILED", true],
    ["TIMED_OUT", true],
    ["ABORTED", true],
  ])("a lease whose execution is %s is abandoned: %s", (status, isGone) => {
    expect(isAbandoned(recordIn("staged"), { status })).toBe(isGone);
    const { lease: _freed, ...free } = recordIn("staged");
    expect(isAbandoned(free, { status })).toBe(false);
  });

  test("says of an execution that ended on its own how it ended", () => {
    expect(endedUnsettled({ status: "TIMED_OUT" })).toBe("ExecutionTIMED_OUT: it ended without settling");
  });

  test("a debt is resumed only where nobody is at work, holds it or froze it", () => {
    const { lease: _freed, ...free } = recordIn("promoted", {
      run: { ...runIn.promoted, owed: { reason: "late" } },
    });
    expect(owedBy(free)).toBe(free.run?.rotationId);
    expect(owedBy({ ...free, hold: { by: "ada", reason: "launch" } })).toBeUndefined();
    expect(owedBy({ ...free, frozen: { reason: "somebody else's hand" } })).toBeUndefined();
    expect(
      owedBy(recordIn("promoted", { run: { ...runIn.promoted, owed: { reason: "late" } } })),
    ).toBeUndefined();
    expect(owedBy({ ...free, run: runIn.promoted })).toBeUndefined();
    const aborted = { by: "ada", reason: "wrong scopes" };
    expect(
      owedBy({ ...free, run: { ...runIn.promoted, owed: { reason: "late" }, aborted } }),
    ).toBeUndefined();
  });

  test.each<[string, { readonly kind: string; readonly keyId: string }, SecretRecord, boolean]>([
    ["a revoke, while the run still retires the key", revokeOf("key-1"), recordIn("promoted"), true],
    ["a revoke, of a superseded key", revokeOf("key-0"), withLeft("retiring"), true],
    ["the proof of a death, after the revoke", deathOf("key-0"), withLeft("revoked"), true],
    ["no proof of a death, before the revoke", deathOf("key-0"), withLeft("retiring"), false],
    ["no revoke of a left key that is revoked", revokeOf("key-0"), withLeft("revoked"), false],
    ["no revoke of a revoked key, once its run has ended", revokeOf("key-1"), owing("revoked"), false],
    ["the proof of a death, once its run has ended", deathOf("key-1"), owing("revoked"), true],
    ["what was written, while a run pays it", revokeOf("key-1"), recordIn("revoked"), true],
    ["no revoke of a key that became current again", revokeOf("key-0"), withLeft("current"), false],
    ["no revoke of a key that is gone", revokeOf("key-9"), recordIn("promoted"), false],
    ["a discard, while the run's key is there", discardOf("r-1"), recordIn("staged"), true],
    ["no discard once the key was promoted", discardOf("r-1"), recordIn("promoted"), false],
    [
      "a certificate, until it is filed",
      { kind: "CertificateOwed", keyId: "key-9" },
      recordIn("opened"),
      true,
    ],
    [
      "no label, which every sweep takes off by itself",
      { kind: "LabelOwed", keyId: "key-1" },
      recordIn("promoted"),
      false,
    ],
  ])("owed is %s", (_, debt, record, isOwedStill) => {
    expect(isStillOwed(record, { rotationId: "r-1", ...debt })).toBe(isOwedStill);
  });

  test("forgets no key of a run at work, and none that is or was current", () => {
    fc.assert(
      fc.property(anyPhase, fc.constantFrom("by hand", "rekey/r-1/1"), (phase, name) => {
        const record = recordIn(phase);
        expect(forgetKey(record, name)).toBe(record);
        expect(neverCame(record, new Set())).toEqual([]);
      }),
      { numRuns },
    );
  });

  test("tries a debt again ever more seldom, and at least once a day", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), (tries) => {
        expect(nextTryMs(tries + 1)).toBeGreaterThanOrEqual(nextTryMs(tries));
        expect(nextTryMs(tries)).toBeLessThanOrEqual(24 * 60 * minute);
      }),
      { numRuns },
    );
  });
});
