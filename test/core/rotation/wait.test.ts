import { Superseded } from "../../../core/errors.ts";
import { endWait, freeze, placeHold, releaseHold, storeWait } from "../../../core/rotation/wait.ts";
import { late, recordIn, ticket } from "./record-world.ts";

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
