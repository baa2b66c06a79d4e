import { Superseded } from "../../../core/errors.ts";
import { hasPromotionTerms, hasTerms, promotionChangesAtMs } from "../../../core/rotation/gate.ts";
import { markRevokeRepeated } from "../../../core/rotation/retiring.ts";
import { carriesNames } from "../../../core/rotation/room.ts";
import { putOrder } from "../../../core/rotation/wait.ts";
import { late, recordIn, ticket } from "./record-world.ts";

const freeze = [{ fromMs: 0, untilMs: 60_000, reason: "the sale" }];
const windows = { timezone: "UTC", open: [] };

test.each<[Parameters<typeof hasTerms>[0], boolean, boolean]>([
  [{}, false, false],
  [{ freeze: [] }, false, false],
  [{ approve: "before-revoke" }, false, true],
  [{ approve: "before-promote" }, true, true],
  [{ freeze }, true, true],
  [{ windows }, true, true],
  [{ after: "staging/search-key" }, true, true],
])("%j: asks before the promotion %s, before either %s", (terms, beforePromotion, beforeEither) => {
  expect([hasPromotionTerms(terms), hasTerms(terms)]).toEqual([beforePromotion, beforeEither]);
});

test("the answer changes by itself when the first of freeze and window ends", () => {
  const view = { record: recordIn("proven"), policy: {}, nowMs: 5_000 };
  expect(promotionChangesAtMs(view)).toBeUndefined();
  expect(promotionChangesAtMs({ ...view, policy: { freeze } })).toBe(60_000);
  expect(promotionChangesAtMs({ ...view, policy: { freeze }, opensAtMs: 9_000 })).toBe(9_000);
});

test("a repeated revoke is counted, and only of a revoked key by the run that holds the secret", () => {
  const once = markRevokeRepeated(recordIn("revoked"), ticket, 4_000);
  expect(once).toMatchObject({ seq: 41, run: { revokesAgain: 1, lastRevokeAtMs: 4_000 } });
  expect(markRevokeRepeated(once, ticket, 5_000)).toMatchObject({ run: { revokesAgain: 2 } });
  expect(() => markRevokeRepeated(recordIn("revoked"), late, 4_000)).toThrow(Superseded);
  expect(() => markRevokeRepeated(recordIn("revoking"), ticket, 4_000)).toThrow();
});

test("keys in places carry no names", () => {
  expect(carriesNames({ kind: "slots", idleIsFree: true })).toBe(false);
  expect(carriesNames({ kind: "atMost", keys: 2 })).toBe(true);
});

test("an order is put only by the run that holds the secret, and is news", () => {
  const order = { kind: "promote", what: {}, digest: "d", untilMs: 9_000 };
  expect(putOrder(recordIn("proven"), { rotationId: "r-1", order })).toMatchObject({ seq: 41, order });
  expect(() => putOrder(recordIn("proven"), { rotationId: "r-0", order })).toThrow(Superseded);
});
