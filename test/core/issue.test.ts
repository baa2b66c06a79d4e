import {
  attemptMs,
  beginEnding,
  changeEndingKey,
  claimIssue,
  type Issued,
  intended,
  isDue,
  isLeftOver,
  isOver,
  markEnded,
  markIssued,
  markMade,
  markUndoing,
  probed,
  undoAfterMs,
} from "../../core/issue/issued.ts";
import {
  endsAtMs,
  type IssueTemplate,
  issuedFileOf,
  issuedPolicy,
  reissued,
  secretNameFor,
  whyNotIssue,
} from "../../core/issue/template.ts";
import { whyMayNotIssue } from "../../core/orders.ts";
import type { Policy } from "../../core/policy.ts";
import type { Shape } from "../../core/ports.ts";

const policy = {
  ...{ secretArn: "", name: "name", environment: "production", mode: "rotate", owner: "platform" },
  file: issuedFileOf("rekey"),
  consumers: [{ name: "agent-{name}" }],
  provider: { account: "main", kind: "openai", settings: {} },
} as unknown as Policy;
const template: IssueTemplate = {
  ...{ name: "agent", for: "agent", secretName: "agents/{name}", atMost: 2, needsApproval: false },
  ...{ endsAfterMs: 1_000, policy },
};
const { endsAfterMs: _never, ...endless } = template;
const order = { name: "scout", atMs: 5 };
const known = { capabilities: { shape: { kind: "sideBySide" } as Shape }, policies: [], open: 0 };
const made = { secretArn: "arn:scout", keyId: "k1", versionId: "v1" };
const started = intended({ ...order, id: "i-1", by: "anna", policy, secretName: "agents/scout" }, template);
const claimed = claimIssue(started, 10);
const issued = markIssued(markMade(claimed, made, 1));
const ending = { by: "anna", reason: "over", atMs: 9, keys: [{ keyId: "k1" }] };

describe("a template", () => {
  test("gives its policy the order's name, owner and end", () => {
    expect(secretNameFor(template, "scout")).toBe("agents/scout");
    const one = issuedPolicy(template, {
      name: "scout",
      secretArn: "arn:scout",
      owner: "search",
      endsAtMs: 7,
    });
    expect(one).toMatchObject({
      ...{ name: "scout", owner: "search", consumers: [{ name: "agent-scout" }] },
      issued: { template: "agent", endsAtMs: 7 },
    });
    const { owner: _nobody, ...ownerless } = policy;
    const other = issuedPolicy({ ...template, policy: ownerless }, { name: "scout", secretArn: "arn:scout" });
    expect(other).not.toHaveProperty("owner");
    expect(other.issued).toEqual({ template: "agent" });
  });

  test("says when a secret ends: as ordered, else at its own limit, else never", () => {
    expect(endsAtMs(template, { ...order, endsAfterMs: 10 })).toBe(15);
    expect(endsAtMs(template, order)).toBe(1_005);
    expect(endsAtMs(endless, order)).toBeUndefined();
  });

  test("changes the secrets that were issued from it and from no other file's", () => {
    const stored = issuedPolicy(template, { name: "scout", secretArn: "arn:scout", owner: "search" });
    const foreign = { ...stored, file: issuedFileOf("other") };
    const next = { ...template, policy: { ...policy, overlapMs: 99 } };
    const plain = { ...policy, secretArn: "arn:plain" };
    expect(reissued([plain, stored, foreign], [next])).toMatchObject([
      { secretArn: "arn:scout", owner: "search", overlapMs: 99 },
    ]);
    const ending = issuedPolicy(template, { name: "scout", secretArn: "arn:scout", endsAtMs: 7 });
    expect(reissued([ending], [next])[0]?.issued).toEqual({ template: "agent", endsAtMs: 7 });
    expect(reissued([ending], [{ ...next, name: "other" }])).toEqual([]);
  });

  const taken = { ...policy, name: "scout", secretArn: "arn:other" };
  const alive = [1, 2].map((n) => issuedPolicy(template, { name: `s${n}`, secretArn: `arn:${n}` }));
  test.each([
    ["NameInvalid", { order: { ...order, name: "-x" } }],
    ["NameInvalid", { order: { ...order, name: "arn-x" } }],
    ["OnlyWatched", { template: { ...template, policy: { ...policy, mode: "index" as const } } }],
    ["CannotMint", { known: { ...known, capabilities: { shape: { kind: "assisted" } as Shape } } }],
    ["NameTaken", { known: { ...known, policies: [taken] } }],
    ["TooMany", { known: { ...known, policies: alive } }],
    ["TooMany", { known: { ...known, open: 2 } }],
    ["EndsTooLate", { order: { ...order, endsAfterMs: 1_001 } }],
  ])("refuses with %s", (reason, given) => {
    const all = { template, order, known, ...given };
    expect(whyNotIssue(all.template, all.order, all.known)?.reason).toBe(reason);
  });

  const shape = (kind: Shape["kind"]) => ({ ...known, capabilities: { shape: { kind } as Shape } });
  test.each([
    [
      "a name starts with a letter or digit and has up to 64 letters, digits, _, . and -",
      { order: { ...order, name: "x".repeat(65) } },
    ],
    [
      "the template agent is under mode: observe",
      { template: { ...template, policy: { ...policy, mode: "observe" as const } } },
    ],
    [
      "another secret has this name: arn:other",
      { known: { ...known, policies: [...alive.slice(0, 1), taken] } },
    ],
    [
      "2 secrets of agent live, and it allows 2: end one with `rekey retire`",
      { known: { ...known, policies: alive } },
    ],
    ["a secret of agent lives for 1s at most", { order: { ...order, endsAfterMs: 1_001 } }],
    [
      "main: its two places are those of one account, so a new user would get a key that somebody else has",
      { known: shape("slots") },
    ],
    ["main: its keys belong to users that Rekey does not make", { known: shape("clientSecret") }],
    ["main: it makes a new key only in the place of another one", { known: shape("rotateWithGrace") }],
    [
      "main: no call of it makes a key: make one by hand, store it, and declare the secret in a policy file",
      { known: shape("assisted") },
    ],
    ["main: it makes a new key only in the place of another one", { known: shape("inPlace") }],
    ["main: it has no keys: its consumers get short-lived credentials", { known: shape("federated") }],
  ])("says so: %s", (detail, given) => {
    const all = { template, order, known, ...given };
    expect(whyNotIssue(all.template, all.order, all.known)?.detail).toBe(detail);
  });

  test("counts its own secrets alone, and the orders at work", () => {
    const others = [1, 2, 3].map((n) => ({ ...policy, name: `o${n}`, secretArn: `arn:o${n}` }));
    const one = alive.slice(0, 1);
    expect(whyNotIssue(template, order, { ...known, policies: [...others, ...one] })).toBeUndefined();
    expect(whyNotIssue(template, order, { ...known, policies: one, open: 1 })?.reason).toBe("TooMany");
  });

  test("takes an order within its limits, and any life where it has none", () => {
    expect(whyNotIssue(template, { ...order, endsAfterMs: 1_000 }, known)).toBeUndefined();
    expect(whyNotIssue(endless, { ...order, endsAfterMs: 9_999 }, known)).toBeUndefined();
    const two = { ...known, capabilities: { shape: { kind: "atMost", keys: 2 } as Shape } };
    expect(whyNotIssue(template, order, two)).toBeUndefined();
  });
});

test("only a role that the deployment names may issue", () => {
  const anna = "arn:aws:sts::111122223333:assumed-role/issuer/anna";
  expect(whyMayNotIssue(["issuer"], anna)).toBeUndefined();
  expect(whyMayNotIssue(["other"], anna)?.detail).toContain("may not issue secrets");
  expect(whyMayNotIssue([], anna)?.detail).toContain("names nobody");
});

describe("an order", () => {
  test("is claimed by one attempt at a time, and marked by the last one only", () => {
    expect(claimed).toMatchObject({ attempt: 1, claimedAtMs: 10 });
    expect(claimIssue(claimed, 10 + attemptMs - 1)).toBe(claimed);
    const second = claimIssue(claimed, 10 + attemptMs);
    expect(second.attempt).toBe(2);
    expect(markMade(second, made, 1)).toBe(second);
    expect(markMade(second, made, 2)).toMatchObject({ state: "made", made });
    expect(claimIssue(issued, 0)).toBe(issued);
    expect(markMade(issued, made, 1)).toBe(issued);
    expect(markIssued(claimed)).toBe(claimed);
    expect(issued.state).toBe("issued");
  });

  test("keeps its end", () => {
    const ends = intended({ ...order, id: "i", by: "a", policy, secretName: "s", endsAtMs: 20 }, template);
    const at = (state: Issued["state"], nowMs: number) => isDue({ ...ends, state }, nowMs);
    expect([at("issued", 19), at("issued", 20), at("ending", 20)]).toEqual([false, true, false]);
    expect(isDue(issued, 1e12)).toBe(false);
  });

  test("is undone once nobody has repeated it for a long time", () => {
    expect(isLeftOver(started, started.atMs + undoAfterMs - 1)).toBe(false);
    expect(isLeftOver(started, started.atMs + undoAfterMs)).toBe(true);
    expect(isLeftOver(markMade(claimed, made, 1), 10 + undoAfterMs)).toBe(true);
    expect(isLeftOver(issued, 1e12)).toBe(false);
    expect(markUndoing(started, started.atMs)).toBe(started);
    const undoing = markUndoing(started, 1e12);
    expect(undoing.state).toBe("undoing");
    expect(isLeftOver(undoing, 0)).toBe(true);
    expect([isOver(undoing), isOver({ state: "undone" }), isOver({ state: "ended" })]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("ends when each of its keys is dead", () => {
    const begun = beginEnding(issued, ending);
    expect(beginEnding(begun, { ...ending, reason: "again" })).toBe(begun);
    const over = { ...begun, state: "ended" as const };
    expect(beginEnding(over, ending)).toBe(over);
    expect(changeEndingKey(issued, "k1", () => ({ keyId: "k2" }))).toBe(issued);
    expect(changeEndingKey(begun, "other", () => ({ keyId: "k2" })).ending?.keys).toEqual(ending.keys);
    expect(markEnded(begun)).toBe(begun);
    expect(markEnded(issued)).toBe(issued);
    const dead = changeEndingKey(begun, "k1", (key) => ({ ...key, deadAtMs: 30 }));
    expect(markEnded(dead).state).toBe("ended");
    expect(markEnded({ ...dead, state: "issued" }).state).toBe("issued");
  });

  test("counts refusals in a row, and a success takes them back", () => {
    const refused = probed({ keyId: "k1" }, { answer: "refused", atMs: 1 });
    expect(refused.death).toMatchObject({ refusals: 1 });
    expect(probed(refused, { answer: "valid", atMs: 2 })).toEqual({ keyId: "k1" });
  });
});
