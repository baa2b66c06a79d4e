import { NoProgress, Superseded } from "../../../core/errors.ts";
import type { SecretRecord } from "../../../core/rotation/secret-record.ts";
import {
  endWait,
  freeze,
  freezeForSpent,
  markDecideAgain,
  markSentBack,
  placeHold,
  releaseHold,
  storeWait,
  turnsMax,
} from "../../../core/rotation/wait.ts";
import { late, recordIn, retiringKey, ticket } from "./record-world.ts";

const wait = { token: "token-1", decision: "waiting: HoldsRetiringKey billing", seenSeq: 40 };
const hold = { by: "ada", reason: "a launch" };

test("a wait is stored while nothing is new since the decision", () => {
  const stored = storeWait(recordIn("promoted"), ticket, wait);
  expect(stored).toEqual(
    recordIn("promoted", { wait: { rotationId: "r-1", token: "token-1", decision: wait.decision } }),
  );
});

test("a wait on an old decision is not stored: what came in between would wake nobody", () => {
  expect(storeWait(recordIn("promoted", { seq: 41 }), ticket, wait)).toBe("decideAgain");
  expect(() => storeWait(recordIn("promoted"), late, wait)).toThrow(Superseded);
});

describe("turns without a wait", () => {
  const refusal = { reason: "Held", detail: "held by ada" };
  const sentBack = (turns: number) => {
    let record = recordIn("promoted");
    for (let turn = 0; turn < turns; turn++) record = markSentBack(record, ticket, refusal);
    return record;
  };

  test("are counted without being news, and a wait ends the count", () => {
    const record = markDecideAgain(sentBack(3), ticket);

    expect(record).toMatchObject({ seq: 40, run: { turns: 4 } });
    const stored = storeWait(record, ticket, wait);
    expect(stored).toMatchObject({ wait: { token: "token-1" } });
    expect(stored).not.toHaveProperty("run.turns");
  });

  test("end the run with a reason when a refusal comes again and again", () => {
    expect(() => markSentBack(sentBack(turnsMax), ticket, refusal)).toThrow(NoProgress);
    expect(() => markSentBack(sentBack(turnsMax), ticket, refusal)).toThrow(
      /refused 50 times .* Held: held by ada/,
    );
    expect(() => markSentBack(sentBack(1), late, refusal)).toThrow(Superseded);
  });

  test("make the run wait where something changes faster than it can decide", () => {
    const busy = { ...wait, seenSeq: 39 };
    expect(storeWait(sentBack(turnsMax - 1), ticket, busy)).toBe("decideAgain");
    expect(storeWait(sentBack(turnsMax), ticket, busy)).toMatchObject({ wait: { token: "token-1" } });
  });
});

test("an ended wait is gone, and ending it is no news", () => {
  const record = recordIn("promoted");
  expect(endWait({ ...record, wait: { rotationId: "r-1", token: "t", decision: "d" } })).toEqual(record);
});

test("a hold, its release and a freeze are news", () => {
  const record = recordIn("promoted");

  const held = placeHold(record, hold);
  expect(held).toEqual({ ...record, hold, seq: 41 });
  const frozen = freeze(held, "somebody moved AWSCURRENT");
  expect(frozen).toEqual({ ...held, frozen: { reason: "somebody moved AWSCURRENT" }, seq: 42 });
  expect(releaseHold(frozen)).toEqual({ ...record, seq: 43 });
});

test("a freeze for a spent key says whether an incident contained it in its place", () => {
  const contained = recordIn("opened", { keys: [{ ...retiringKey, state: "revoked", compromised: true }] });
  const spent = { keyId: "key-1", compromised: true };
  const frozenIn = (record: SecretRecord, key: Parameters<typeof freezeForSpent>[1]["spent"] = spent) =>
    freezeForSpent(record, { seen: record, spent: key, reason: "spent" }).frozen;

  expect(frozenIn(contained)).toEqual({ reason: "spent", containedInPlace: "key-1" });
  // Another key is current by the record: a hand put the spent one back.
  expect(frozenIn(recordIn("promoted"))).toEqual({ reason: "spent" });
  expect(frozenIn(contained, { keyId: "key-1" })).toEqual({ reason: "spent" });
  expect(frozenIn(contained, { compromised: true })).toEqual({ reason: "spent" });
});

test("a freeze for a spent key is left out where a run came further since the current version was read", () => {
  const now = recordIn("promoted");
  const frozenAfter = (seen: SecretRecord) =>
    freezeForSpent(now, { seen, spent: { keyId: "key-1" }, reason: "spent" });

  expect(frozenAfter(now).frozen).toEqual({ reason: "spent" });
  expect(frozenAfter({ ...now, fence: now.fence - 1 })).toBe(now);
  expect(frozenAfter(recordIn("promoting"))).toBe(now);
  const { run: _over, ...closed } = now;
  expect(frozenAfter(closed)).toBe(now);
});
