import { createHash } from "node:crypto";
import { confirmWithinMs, isApproved, pendingOrder, samePerson, whyNotApprove } from "../../core/orders.ts";

const digest = { sha256Hex: (text: string) => createHash("sha256").update(text).digest("hex") };
const ada = "arn:aws:iam::111122223333:user/ada";
const eve = "arn:aws:iam::111122223333:user/eve";
const what = { rotationId: "r-1", incomingKeyId: "key-2" };
const order = pendingOrder({ kind: "promote", what, askedBy: ada, nowMs: 1_000 }, digest);
const confirm = { by: eve, digest: order.digest, nowMs: 2_000, rule: "off" as const };

test("another person confirms what was shown, within the time", () => {
  expect(whyNotApprove(order, confirm)).toBeUndefined();
  expect(whyNotApprove(order, { ...confirm, nowMs: 1_000 + confirmWithinMs })).toBeUndefined();
});

test.each([
  ["SamePerson", { by: ada }],
  ["AnotherOrder", { digest: "0".repeat(64) }],
  ["ShownTooLongAgo", { nowMs: 1_001 + confirmWithinMs }],
])("%s approves nothing", (reason, change) => {
  expect(whyNotApprove(order, { ...confirm, ...change })).toMatchObject({ reason });
});

test("nothing can be approved before it was shown", () => {
  expect(whyNotApprove(undefined, confirm)).toMatchObject({ reason: "NothingShown" });
});

test("the digest changes with the kind, with each field, with who asked, and with each look", () => {
  const others = [
    pendingOrder({ kind: "revoke", what, askedBy: ada, nowMs: 1_000 }, digest),
    pendingOrder(
      { kind: "promote", what: { ...what, incomingKeyId: "key-3" }, askedBy: ada, nowMs: 1_000 },
      digest,
    ),
    pendingOrder({ kind: "promote", what, nowMs: 1_000 }, digest),
    pendingOrder({ kind: "promote", what, askedBy: ada, nowMs: 1_001 }, digest),
  ];
  expect(new Set([order, ...others].map((each) => each.digest)).size).toBe(5);
});

test("an approval counts for exactly what was approved", () => {
  const approved = { ...order, approval: { by: eve, atMs: 2_000 } };
  expect(isApproved(approved, { kind: "promote", what })).toBe(true);
  expect(isApproved(order, { kind: "promote", what })).toBe(false);
  expect(isApproved(approved, { kind: "revoke", what })).toBe(false);
  expect(isApproved(approved, { kind: "promote", what: { ...what, incomingKeyId: "key-3" } })).toBe(false);
  expect(isApproved(approved, { kind: "promote", what: { rotationId: "r-1" } })).toBe(false);
});

test("the digest changes with whom it was shown to, and what was not given is not there", () => {
  const shown = (shownTo?: string) =>
    pendingOrder({ kind: "promote", what, nowMs: 1_000, ...(shownTo && { shownTo }) }, digest);
  expect(new Set([shown(), shown(ada), shown(eve)].map((each) => each.digest)).size).toBe(3);
  expect(Object.keys(shown())).toEqual(["kind", "what", "untilMs", "digest"]);
  expect(shown(ada)).toMatchObject({ shownTo: ada });
});

test.each([
  ["aws", "deployer", "a"],
  ["aws-cn", "d", "ada.lovelace@example.com"],
])(
  "in %s a session's name is one person under two roles, if it is known to say which",
  (partition, role, name) => {
    const session = (of: string, who: string) =>
      `arn:${partition}:sts::111122223333:assumed-role/${of}/${who}`;
    expect(samePerson(session(role, name), session("approver", name))).toBe(true);
    expect(samePerson(session(role, name), session("approver", `${name}x`))).toBe(false);
    expect(samePerson(session(role, name), `arn:${partition}:iam::111122223333:user/${name}`)).toBe(false);
  },
);

test("two users are two people", () => {
  expect(samePerson(ada, ada)).toBe(true);
  expect(samePerson(ada, eve)).toBe(false);
});

test("a session name does not make another person, except where Identity Center sets it", () => {
  const role = "arn:aws:sts::111122223333:assumed-role/deployer";
  expect(samePerson(`${role}/ada`, `${role}/eve`)).toBe(true);
  const sso = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Operator_0123456789abcdef";
  expect(samePerson(`${sso}/ada`, `${sso}/eve`)).toBe(false);
  expect(samePerson(`${sso}/ada`, `${sso}/ada`)).toBe(true);
});
