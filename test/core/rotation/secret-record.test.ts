import { Superseded } from "../../../core/errors.ts";
import {
  adoptCurrent,
  assertHolder,
  assertPromoted,
  bump,
  bumpHelped,
  closingSeq,
  currentKey,
  emptyRecord,
  isBeforePromotion,
  promotedRun,
} from "../../../core/rotation/secret-record.ts";
import {
  late,
  phases,
  phasesBefore,
  promotedPhases,
  recordIn,
  retiring,
  retiringKey,
  runs,
  secretArn,
  ticket,
} from "./record-world.ts";

test("a secret that nobody knows has no lease, no run and no keys", () => {
  expect(emptyRecord(secretArn)).toEqual({ secretArn, fence: 0, seq: 0, keys: [], ended: [] });
});

describe("a ticket", () => {
  test("of the run that holds the secret gives its run", () => {
    expect(assertHolder(recordIn("staged"), ticket)).toBe(runs.staged);
  });

  test.each([
    ["of another run", recordIn("staged"), { ...ticket, rotationId: "r-2" }],
    ["with an older fence", recordIn("staged"), late],
    ["with a newer fence", recordIn("staged"), { ...ticket, fence: 8 }],
    ["for a secret that nobody holds", emptyRecord(secretArn), { ...ticket, fence: 0 }],
  ])("%s may change nothing", (_which, record, other) => {
    expect(() => assertHolder(record, other)).toThrow(Superseded);
  });

  test("whose run was taken away may change nothing, and the refusal says who holds the secret", () => {
    const { run: _gone, ...record } = recordIn("staged");
    expect(() => assertHolder(record, ticket)).toThrow(
      "r-1 no longer holds the secret: r-1 does, at fence 7",
    );
    expect(() => assertHolder(emptyRecord(secretArn), ticket)).toThrow("nobody does, at fence 0");
  });
});

describe("phases", () => {
  test("a run is promoted from the move of AWSCURRENT on, and not while it moves", () => {
    const promoted = phases.filter((phase) => promotedRun(runs[phase]) !== undefined);
    expect(promoted).toEqual(promotedPhases);
    expect(promotedRun(undefined)).toBeUndefined();
  });

  test("a run can be taken back until AWSCURRENT may have moved", () => {
    expect(phases.filter((phase) => isBeforePromotion(runs[phase]))).toEqual(phasesBefore);
  });

  test("a step after the promotion is refused before it, and for a run that lost its fence", () => {
    expect(assertPromoted(recordIn("revoking"), ticket)).toBe(runs.revoking);
    expect(() => assertPromoted(recordIn("promoting"), ticket)).toThrow("the incoming key is not promoted");
    expect(() => assertPromoted(recordIn("promoted"), late)).toThrow(Superseded);
  });
});

test("the current key is the one the ledger calls so", () => {
  expect(currentKey(recordIn("staged"))?.keyId).toBe(retiring.keyId);
  expect(currentKey(emptyRecord(secretArn))).toBeUndefined();
});

test("adopting a key makes it the only current one, keeps the one that was it as retiring, and is news", () => {
  const other = { ...retiring, keyId: "key-9", name: "by hand", state: "minted" as const };
  const stray = { name: "rekey/r-0/1", state: "stray" as const };
  const record = { ...emptyRecord(secretArn), keys: [stray, retiringKey] };

  const next = adoptCurrent(record, other);

  expect(next.keys).toEqual([stray, { ...retiringKey, state: "retiring" }, { ...other, state: "current" }]);
  expect(next.seq).toBe(record.seq + 1);
  expect(adoptCurrent(next, other).keys).toEqual(next.keys);
});

test("a key that comes back is current from then on, and not from its own promotion on", () => {
  const before = { ...retiring, name: "rekey/r-0/1", state: "current" as const, promotedAtMs: 70 };
  const record = adoptCurrent({ ...emptyRecord(secretArn), keys: [] }, before);
  const other = { ...retiring, keyId: "key-9", name: "by hand", state: "minted" as const };
  expect(currentKey(adoptCurrent({ ...record, keys: [before] }, before))?.promotedAtMs).toBe(70);

  const back = adoptCurrent(adoptCurrent({ ...record, keys: [before] }, other), before);

  expect(currentKey(back)).toEqual({ ...retiring, name: "rekey/r-0/1", state: "current" });
});

test("news raise the sequence and change nothing else", () => {
  const record = recordIn("promoted");
  expect(bump(record)).toEqual({ ...record, seq: record.seq + 1 });
});

test("evidence with which the gate stays open raises seq, and not what overtakes a revoke", () => {
  const helped = bumpHelped(bumpHelped(bump(emptyRecord(secretArn))));
  expect([helped.seq, closingSeq(helped)]).toEqual([3, 1]);
  expect(closingSeq(bump(helped))).toBe(2);
});
