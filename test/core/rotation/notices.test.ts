import type { ConsumerPolicy, Policy } from "../../../core/policy.ts";
import { type Notice, type NoticeView, noticesOf, supplyWithinMs } from "../../../core/rotation/notices.ts";
import type { SecretRecord } from "../../../core/rotation/secret-record.ts";
import { recordIn, secretArn, ticket } from "./record-world.ts";

const dayMs = 86_400_000;
const nowMs = 100 * dayMs;

const policy = {
  ...{ secretArn, name: "billing-key", mode: "rotate", maxAgeMs: 30 * dayMs, consumers: "none" },
  provider: { account: "main", kind: "anthropic", settings: {} },
} as unknown as Policy;
const { lease: _held, run: _run, ...idle } = recordIn("opened");

function view(change: Partial<NoticeView> = {}): NoticeView {
  return { policy, record: idle, debts: [], nowMs, ...change };
}

function told(change: Partial<NoticeView>): readonly Notice[] {
  return noticesOf(view(change));
}

function running(change: Partial<NoNoticeRotation> = {}): NoNoticeRotation {
  return { rotationId: ticket.rotationId, openedAtMs: nowMs, outcome: "running", ...change };
}
type NoNoticeRotation = NonNullable<NoticeView["rotation"]>;

test("a secret that needs nobody says nothing", () => {
  expect(told({})).toEqual([]);
  expect(told({ record: recordIn("promoted"), rotation: running() })).toEqual([]);
  expect(told({ keySinceMs: nowMs - dayMs, rotation: running({ outcome: "rotated" }) })).toEqual([]);
});

test("a frozen secret pages, names its owner, and how to go on", () => {
  const frozen = { ...idle, frozen: { reason: "somebody put a spent key back" } };
  expect(told({ record: frozen, policy: { ...policy, owner: "Team Billing" } })).toEqual([
    {
      ...{
        id: `${secretArn}/frozen`,
        secretArn,
        name: "billing-key",
        owner: "Team Billing",
        severity: "page",
      },
      what: "frozen: somebody put a spent key back",
      steps: [
        "rekey audit show billing-key",
        "Find out who changed the secret, and correct it.",
        "rekey release billing-key --unfreeze",
      ],
      order: { words: ["release", "--unfreeze"] },
      topic: "SpentKeyIsCurrent",
    },
  ]);
});

describe("a key that a person has to make", () => {
  const wait = { rotationId: ticket.rotationId, token: "t", decision: "supply" };
  const record = recordIn("opened", { wait });

  test.each([
    [0, "first", "notify"],
    [0.49, "first", "notify"],
    [0.5, "half", "notify"],
    [0.9, "last", "page"],
    [2, "last", "page"],
  ])("after %f of its time it is asked for as %s, and that is a %s", (share, state, severity) => {
    const rotation = running({ openedAtMs: nowMs - share * supplyWithinMs });
    expect(told({ record, rotation })).toMatchObject([
      {
        id: `${secretArn}/keyWanted/r-1/${state}`,
        severity,
        steps: [/anthropic, account main/, "rekey supply billing-key"].map(like),
      },
    ]);
  });

  test("a clock that runs backwards, or a run that is not recorded yet, asks for nothing", () => {
    expect(told({ record, rotation: running({ openedAtMs: nowMs + 1 }) })).toEqual([]);
    expect(told({ record })).toEqual([]);
  });
});

test("an order that nobody approved is told, and an approved one is not", () => {
  const order = { kind: "promote", what: {}, digest: "d", untilMs: 1 } as const;
  const record = recordIn("proven", { order });
  expect(told({ record, rotation: running() })).toMatchObject([
    { id: `${secretArn}/approvalWanted/r-1/promote`, severity: "notify", steps: ["rekey approve r-1"] },
  ]);
  const approved = { ...order, approval: { by: "eve", atMs: 1 } };
  expect(told({ record: recordIn("proven", { order: approved }), rotation: running() })).toEqual([]);
  expect(told({ record: { ...idle, order } })).toEqual([]);
});

describe("a consumer that only a person can restart", () => {
  const consumer = (name: string, refresh: ConsumerPolicy["refresh"]) =>
    ({ name, refresh }) as ConsumerPolicy;
  const consumers = [
    consumer("billing", { kind: "manual", target: "call 555-0100", owner: "Team Billing" }),
    consumer("batch", { kind: "manual" }),
    consumer("search", { kind: "announce" }),
  ];
  const reasons = ["billing", "batch", "search", undefined].map((name) => ({
    ...(name !== undefined && { consumer: name }),
    source: "client" as const,
  }));
  const gate = { verdict: "waiting", blockers: [], reasons } as const;
  const record = recordIn("promoted");

  test("is told to its owner while the rotation waits for it", () => {
    expect(told({ record, policy: { ...policy, consumers }, rotation: running({ gate }) })).toMatchObject([
      {
        what: "billing (Team Billing) has to be restarted by hand",
        steps: ["Restart billing: call 555-0100", "rekey consumers billing-key"],
      },
      { what: "batch has to be restarted by hand", steps: ["Restart batch.", "rekey consumers billing-key"] },
    ]);
  });

  test("is not told when it moved, when nothing is declared, or when the run is over", () => {
    const moved = { ...gate, verdict: "adopted" } as const;
    expect(told({ record, policy: { ...policy, consumers }, rotation: running({ gate: moved }) })).toEqual(
      [],
    );
    expect(told({ record, rotation: running({ gate }) })).toEqual([]);
    expect(told({ policy: { ...policy, consumers }, rotation: running({ gate }) })).toEqual([]);
  });
});

test("instances for which there is no room are told once for each consumer, while the rotation runs", () => {
  const reason = { reason: "TooManyInstances", source: "client", detail: "more than 100 report" } as const;
  const reasons = [{ ...reason, consumer: "billing" }, reason, { ...reason, reason: "NotProven" as const }];
  const gate = { verdict: "waiting", blockers: [], reasons } as const;
  const record = recordIn("promoted");
  const said = told({ record, rotation: running({ gate }) });
  expect(said.map(({ id }) => id.split("/").at(-1))).toEqual(["billing", "(undeclared)"]);
  expect(said[0]).toMatchObject({
    severity: "notify",
    what: "more than 100 report",
    steps: ["rekey consumers billing-key", "Find out who puts these reports on the report bus."],
  });
  expect(told({ rotation: running({ gate }) })).toEqual([]);
  expect(told({ record, rotation: running({ gate, outcome: "needsHuman" }) })).toEqual([]);
  expect(told({ record, rotation: running() })).toEqual([]);
});

describe("work that is owed", () => {
  const debt = {
    kind: "RevokeOwed",
    keyId: "key-1",
    reason: "search-2 holds the retiring key",
    sinceMs: nowMs,
  };

  test("is told at once where consumers did not move, and else after a week", () => {
    expect(told({ debts: [{ ...debt, error: "AdoptionOverdue" }] })).toMatchObject([
      {
        id: `${secretArn}/owed/RevokeOwed/key-1`,
        topic: "AdoptionOverdue",
        what: "consumers have not moved in time: search-2 holds the retiring key",
      },
    ]);
    expect(told({ debts: [debt] })).toEqual([]);
    expect(told({ debts: [{ ...debt, sinceMs: nowMs - 7 * dayMs }] })).toMatchObject([
      { topic: "Superseded", what: "RevokeOwed key-1 is owed: search-2 holds the retiring key" },
    ]);
  });

  test("is not told while a run works on it, and speaks for the failed run", () => {
    const debts = [{ ...debt, error: "AdoptionOverdue" }];
    expect(told({ debts, record: recordIn("promoted"), rotation: running() })).toEqual([]);
    expect(told({ debts, rotation: running({ outcome: "needsHuman" }) })).toHaveLength(1);
  });
});

test("a rotation that failed is told, with what it said", () => {
  const rotation = running({ outcome: "needsHuman", reason: "KeyRejected" });
  expect(told({ rotation })).toMatchObject([
    { id: `${secretArn}/needsPerson/r-1`, what: "the last rotation failed: KeyRejected" },
  ]);
  expect(told({ rotation: running({ outcome: "needsHuman" }) })[0]?.what).toContain("see its run");
  expect(told({ rotation, record: recordIn("opened") })).toEqual([]);
});

describe("the current key's own expiry", () => {
  const until = (leftMs: number, change: Partial<SecretRecord> = {}) => ({
    ...idle,
    keys: idle.keys.map((key) => ({ ...key, expiresAtMs: nowMs + leftMs })),
    ...change,
  });

  test.each([
    [15, []],
    [14, [{ severity: "notify", what: "the current key expires at 1970-04-25 00:00:00Z" }]],
    [3, [{ severity: "page" }]],
    [-1, [{ severity: "page", what: "the current key expired at 1970-04-10 00:00:00Z" }]],
  ])("with %i days left", (days, expected) => {
    expect(told({ record: until(days * dayMs) })).toMatchObject(expected);
  });

  test("is nobody's work while a rotation is under way", () => {
    const { lease, run } = recordIn("opened");
    expect(told({ record: until(dayMs, { ...(lease && { lease }), ...(run && { run }) }) })).toEqual([]);
  });
});

test("a schedule that somebody paused is told", () => {
  expect(told({ scheduleFault: "paused" })).toMatchObject([
    {
      id: `${secretArn}/schedule/paused`,
      what: expect.stringContaining("paused"),
      steps: ["rekey apply", "rekey status billing-key"],
    },
  ]);
});

describe("a key older than its policy allows", () => {
  const keySinceMs = nowMs - 31 * dayMs;

  test("is told once for this key", () => {
    expect(told({ keySinceMs })).toMatchObject([
      { id: `${secretArn}/tooOld/${keySinceMs}`, steps: ["rekey doctor", "rekey rotate billing-key"] },
    ]);
  });

  test.each([
    ["a rotation is under way", { record: recordIn("opened") }],
    ["it is held", { record: { ...idle, hold: { by: "ada", reason: "x" } } }],
    ["it is only watched", { policy: { ...policy, mode: "index" } as Policy }],
    ["nobody knows its age", { keySinceMs: undefined }],
  ])("is not told when %s", (_title, change) => {
    const { keySinceMs: since, ...rest } = { keySinceMs, ...change };
    expect(
      told({ ...rest, ...(since !== undefined && { keySinceMs: since }) } as Partial<NoticeView>),
    ).toEqual([]);
  });
});

test("a read that nobody expected is told for two days, and pages only for a restricted secret", () => {
  const read = {
    principal: "arn:aws:iam::1:role/x",
    why: "undeclaredPrincipal",
    versionId: "v1",
    atMs: nowMs,
  } as const;
  const item = { day: "2026-11-30", openedAtMs: nowMs, reads: [read] };
  const [notice] = told({ triage: [item] });
  expect(notice).toMatchObject({
    id: `${secretArn}/triage/2026-11-30`,
    severity: "notify",
    topic: "UnexpectedRead",
  });
  expect(notice?.what).toBe(`on 2026-11-30 ${read.principal} read it, and the policy names no such reader`);
  expect(notice?.steps[0]).toBe("rekey report access billing-key");
  const restricted = { ...policy, classification: "restricted" } as const;
  const twice = { ...item, reads: [read, { ...read, principal: "y" }] };
  expect(told({ triage: [twice], policy: restricted })).toMatchObject([
    { severity: "page", what: expect.stringContaining("(and 1 more)") },
  ]);
  expect(told({ triage: [{ ...item, reads: [] }] })).toMatchObject([
    { what: "on 2026-11-30 somebody read it" },
  ]);
  expect(told({ triage: [{ ...item, openedAtMs: nowMs - 2 * dayMs }] })).toEqual([]);
});

test("a failed run whose certificate is still owed is told of all the same", () => {
  const rotation = running({ outcome: "needsHuman", reason: "QuotaReached" });
  const owed = { kind: "CertificateOwed", keyId: "r-1", reason: "not made yet", sinceMs: nowMs };
  expect(told({ rotation, debts: [owed] })).toMatchObject([
    { id: `${secretArn}/needsPerson/${rotation.rotationId}` },
  ]);
});

function like(pattern: RegExp | string): unknown {
  return typeof pattern === "string" ? pattern : expect.stringMatching(pattern);
}

describe("a rotation that could not begin", () => {
  const refused = { rotationId: "r-9", atMs: nowMs, reason: "the key is shared", error: "KeyShared" };

  test("is told, with the runbook of its reason", () => {
    expect(told({ record: { ...idle, refused } })).toEqual([
      {
        ...{ id: `${secretArn}/couldNotBegin/r-9`, secretArn, name: "billing-key", severity: "notify" },
        what: "the last rotation could not begin: the key is shared",
        steps: ["rekey history billing-key", "rekey rotate billing-key"],
        order: { words: ["rotate"] },
        topic: "KeyShared",
      },
    ]);
    const { error: _unknown, ...nameless } = refused;
    expect(told({ record: { ...idle, refused: nameless } })).toMatchObject([{ topic: "NoProgress" }]);
  });

  test("says nothing while a run is at work, nor once the secret is not rotated any more", () => {
    expect(told({ record: recordIn("opened", { refused }), rotation: running() })).toEqual([]);
    const watched = { ...policy, mode: "index" } as Policy;
    expect(told({ record: { ...idle, refused }, policy: watched })).toEqual([]);
  });
});
