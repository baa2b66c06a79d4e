import { createHash } from "node:crypto";
import { pendingOrder, whyMayNotApprove, whyMayNotAsk, whyNotApprove } from "../../core/orders.ts";

const digest = { sha256Hex: (text: string) => createHash("sha256").update(text).digest("hex") };
const session = (role: string, name = "ada") => `arn:aws:sts::111122223333:assumed-role/${role}/${name}`;
const rule = { mayAsk: ["deployer"], mayApprove: ["approver"] };
const nobody = { mayAsk: [], mayApprove: [] };

test.each([
  [undefined, "off" as const, session("anybody")],
  [undefined, rule, session("deployer")],
  [undefined, rule, "arn:aws:iam::111122223333:role/deployer"],
  ["MayNotAsk", rule, session("approver")],
  ["MayNotAsk", rule, "arn:aws:iam::111122223333:user/deployer"],
  ["NobodyMayApprove", nobody, session("deployer")],
  ["NobodyMayApprove", { ...rule, mayApprove: [] }, session("deployer")],
  ["NobodyMayApprove", { ...rule, mayAsk: [] }, session("deployer")],
])("asking: %s under %j for %s", (reason, given, principal) => {
  expect(whyMayNotAsk(given, principal)?.reason).toBe(reason);
});

test.each([
  [undefined, "off" as const, session("anybody")],
  [undefined, rule, session("approver")],
  ["MayNotApprove", rule, session("deployer")],
  ["NobodyMayApprove", nobody, session("approver")],
])("approving: %s under %j for %s", (reason, given, principal) => {
  expect(whyMayNotApprove(given, principal)?.reason).toBe(reason);
});

const eve = session("approver", "eve");
const order = pendingOrder({ kind: "promote", what: { b: "2", a: "1" }, shownTo: eve, nowMs: 0 }, digest);
const confirm = { by: eve, digest: order.digest, nowMs: 1, rule };

test("only the person to whom an order was shown confirms it, and only in a role that may", () => {
  expect(whyNotApprove(order, confirm)).toBeUndefined();
  const bob = session("approver", "bob");
  expect(whyNotApprove(order, { ...confirm, by: bob })).toMatchObject({ reason: "ShownToAnother" });
  const by = session("deployer");
  expect(whyNotApprove(order, { ...confirm, by })).toMatchObject({ reason: "MayNotApprove" });
});

test("the digest does not depend on the order of the fields", () => {
  const again = pendingOrder({ kind: "promote", what: { a: "1", b: "2" }, shownTo: eve, nowMs: 0 }, digest);
  expect(again.digest).toBe(order.digest);
});
