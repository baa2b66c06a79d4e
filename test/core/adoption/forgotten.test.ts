import { type Forgotten, isMaterial, mayForget } from "../../../core/adoption/evidence.ts";
import { sayReason, sayWanted } from "../../../core/adoption/reason-text.ts";
import { blocksUntilMs, isFresh } from "../../../core/adoption/view.ts";
import { gateOpening } from "../../../core/certificate/gate-opening.ts";
import {
  account,
  consumer,
  incoming,
  minute,
  nowMs,
  reasonsOf,
  report,
  retiring,
  said,
  withConsumers,
} from "./adoption-world.ts";

const forgotten: Forgotten = {
  ...{ by: `arn:aws:sts::${account}:assumed-role/operator/ada`, reason: "its host is gone" },
  ...{ atMs: nowMs - minute, sequence: 7 },
};
const silent = report({
  ...{ instance: "i2", holds: retiring, observedAtMs: -60 * minute, sequence: 7, maxStaleMs: 30 * minute },
});
const gone = { ...silent, forgotten };
const ask = (item: typeof silent, others = [report()]) => withConsumers([consumer()], [...others, item]);

test("an instance that crashed before the promotion is in the way until its key must be stale after it", () => {
  expect(said(ask(silent))).toEqual(["waiting", "HoldsRetiringKey billing i2 by client"]);
  expect(isFresh(silent, ask(silent))).toBe(false);
  expect(blocksUntilMs(silent, ask(silent))).toBe(30 * minute);
  expect(blocksUntilMs(report(), ask(silent))).toBeUndefined();
});

test("once it is forgotten nothing waits for it, but somebody still has to be live", () => {
  expect(said(ask(gone))).toEqual(["adopted"]);
  expect(said(ask(gone, []))).toEqual(["waiting", "NoLiveInstance billing by client"]);
});

test.each([
  ["a report since", { sequence: 8, observedAtMs: nowMs - 1_000 }],
  ["a report that was on its way when it was forgotten", { sequence: 8, observedAtMs: forgotten.atMs - 1 }],
])("%s counts again, and is a contradiction that names it", (_what, seen) => {
  const back = { ...gone, ...seen };
  expect(said(ask(back))).toEqual([
    "contradicted",
    "ForgottenReturned billing i2 by client",
    "HoldsRetiringKey billing i2 by client",
  ]);
  const [reason] = reasonsOf(ask(back));
  expect(reason && sayReason(reason)).toContain(
    "billing: instance i2 was forgotten by ada as operator, and has reported again since",
  );
  expect(reason && sayWanted(reason)).toContain("it is not gone");
});

test("the contradiction ends when it has moved, or has said that it ends", () => {
  const back = { ...gone, sequence: 8, observedAtMs: nowMs - 1_000 };
  expect(said(ask({ ...back, holds: incoming }))).toEqual(["adopted"]);
  expect(said(ask({ ...back, ended: true }))).toEqual(["adopted"]);
});

test("forgetting and coming back are news even if nothing else changed", () => {
  expect(isMaterial(gone, silent)).toBe(true);
  expect(isMaterial({ ...gone, sequence: 8 }, gone)).toBe(true);
  expect(isMaterial({ ...gone, sequence: 9 }, { ...gone, sequence: 8 })).toBe(false);
});

test("a closed run drops it, unless it came back", () => {
  const closing = { incoming, atMs: nowMs };
  expect(mayForget(gone, closing)).toBe(true);
  expect(mayForget({ ...gone, sequence: 8 }, closing)).toBe(false);
});

test("the certificate shows who said so, and the adoption is worth no more than that", () => {
  const opening = gateOpening({ ...ask(gone), seq: 1, asked: [] });
  expect(opening.consumers).toMatchObject([{ name: "billing", worth: "attested", rows: 2 }]);
  expect(opening.rows[1]).toMatchObject({
    ...{ instance: "i2", claim: "attested", principal: forgotten.by },
    state: "forgotten: its host is gone",
  });
});
