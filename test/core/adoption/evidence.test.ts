import { type AdoptionReason, adoption } from "../../../core/adoption/adoption.ts";
import {
  type Evidence,
  evidenceKey,
  isMaterial,
  isNewer,
  mayForget,
} from "../../../core/adoption/evidence.ts";
import { sayDuration, sayReason, sayWanted } from "../../../core/adoption/reason-text.ts";
import { decisionText, nextCheckMs } from "../../../core/rotation/decision.ts";
import {
  attestation,
  consumer,
  incoming,
  minute,
  nowMs,
  provider,
  read,
  report,
  restart,
  retiring,
  second,
  use,
  withConsumers,
} from "./adoption-world.ts";

const every: readonly Evidence[] = [
  report(),
  report({ kind: "extension", instance: "i2" }),
  report({ kind: "agent", instance: "i3" }),
  report({ kind: "exec", instance: "i4" }),
  restart(),
  restart({ kind: "lambda" }),
  restart({ kind: "kubernetes" }),
  read(),
  attestation(),
  provider(),
];

describe("what a closed run forgets", () => {
  const day = 24 * 60 * minute;
  const long = 3 * day;

  test.each<[string, Evidence, number, boolean]>([
    ["an instance on the incoming key", report(), long, false],
    ["an instance that said that it ends", report({ ended: true }), nowMs, true],
    ["an instance that may have fetched the incoming key unheard", report({ holds: retiring }), day, false],
    ["an instance that has been silent for a day", report({ holds: retiring }), day + nowMs, true],
    ["one that may go without a report longer", report({ holds: retiring, maxStaleMs: long }), long, false],
    ["what was said of the retiring version", attestation({ versionId: "v1" }), nowMs, true],
    ["what was said of the incoming version", restart(), nowMs, false],
    ["the provider's figures", provider(), nowMs, true],
    ["one that has been silent for exactly a day", report({ holds: retiring }), nowMs - second + day, false],
    ["what another program said under an instance's name", report({ unproven: "jump" }), nowMs, true],
    ["what proves nothing and holds the incoming key", report({ unproven: "unsigned" }), long, false],
  ])("%s", (_what, item, atMs, isForgotten) => {
    expect(mayForget(item, { incoming, atMs })).toBe(isForgotten);
  });
});

describe("where evidence is kept", () => {
  test("each piece has a place of its own", () => {
    expect(new Set(every.map(evidenceKey)).size).toBe(every.length);
    expect(every.map(evidenceKey)).toEqual(every.map(() => expect.stringMatching(/^[a-z]+(\/|$)/)));
    expect(evidenceKey(attestation())).toBe("attestation/production/billing/v2");
    expect(evidenceKey(provider())).toBe("provider");
  });

  test("a newer report of the same source replaces the older one", () => {
    const later = { observedAtMs: nowMs };
    expect(evidenceKey(report({ ...later, holds: retiring, sequence: 2 }))).toBe(evidenceKey(report()));
    expect(evidenceKey(restart({ ...later, state: "failed" }))).toBe(evidenceKey(restart()));
    expect(evidenceKey(read(later))).toBe(evidenceKey(read()));
  });

  test("a read of the retiring version does not take the place of a read of the incoming one", () => {
    expect(evidenceKey(read({ versionId: "v1" }))).not.toBe(evidenceKey(read()));
  });
});

describe("evidence that arrives twice or out of order", () => {
  test("of an instance is ordered by its own count, whatever the bus stamped", () => {
    const first = report({ sequence: 1, observedAtMs: nowMs });
    const second_ = report({ sequence: 2, observedAtMs: 0 });
    expect([isNewer(second_, first), isNewer(first, second_), isNewer(first, first)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("of a program that jumped is ordered by its stamp: its count is not to be trusted", () => {
    const jump = report({ unproven: "jump", sequence: 9_999, observedAtMs: 1 });
    expect(isNewer({ ...jump, sequence: 7, observedAtMs: 2 }, jump)).toBe(true);
    expect(isNewer({ ...jump, sequence: 99_999, observedAtMs: 0 }, jump)).toBe(false);
  });

  test("of a count and a stamp is ordered by the stamp", () => {
    expect(isNewer(report({ observedAtMs: 2 }), read({ observedAtMs: 1 }))).toBe(true);
    expect(isNewer(read({ observedAtMs: 1 }), read({ observedAtMs: 1 }))).toBe(true);
  });

  test("of anything else is ordered by its stamp", () => {
    expect(isNewer(read({ observedAtMs: 2 }), read({ observedAtMs: 1 }))).toBe(true);
    expect(isNewer(read({ observedAtMs: 1 }), read({ observedAtMs: 2 }))).toBe(false);
    expect(isNewer(read(), undefined)).toBe(true);
  });
});

describe("evidence that could change a decision", () => {
  const changes: readonly (readonly [string, Evidence, Evidence, boolean])[] = [
    ["another held key", report(), report({ holds: retiring }), true],
    ["an end", report(), report({ ended: true }), true],
    ["a first success", report(), report({ uses: [use(incoming, [0, null])] }), true],
    [
      "a refusal after a success",
      report({ uses: [use(incoming, [1, 2])] }),
      report({ uses: [use(incoming, [2, 1])] }),
      true,
    ],
    [
      "a refusal after no success",
      report({ uses: [use(incoming, [null, 1])] }),
      report({ uses: [use(incoming, [1, null])] }),
      true,
    ],
    ["a finished restart", restart({ state: "running" }), restart(), true],
    ["another count of instances", restart({ instances: 1 }), restart(), true],
    ["another use at the provider", provider(), provider({ retiring: { keyId: "k1", seenAtMs: 1 } }), true],
    [
      "ages alone",
      report({ uses: [use(incoming, [1, 2])] }),
      report({ uses: [use(incoming, [101, 102])], sequence: 9 }),
      false,
    ],
    [
      "another order of the same uses",
      report({ uses: [use(incoming, [1, null]), use(retiring, [1, null])] }),
      report({ uses: [use(retiring, [1, null]), use(incoming, [1, null])] }),
      false,
    ],
    [
      "an end of the first success",
      report({ uses: [use(incoming, [1, null])] }),
      report({ uses: [use(incoming, [null, null])] }),
      true,
    ],
    [
      "a first refusal of what works",
      report({ uses: [use(incoming, [1, null])] }),
      report({ uses: [use(incoming, [1, 2])] }),
      true,
    ],
    [
      "a success at the same time as a refusal",
      report({ uses: [use(incoming, [1, 2])] }),
      report({ uses: [use(incoming, [2, 2])] }),
      true,
    ],
    ["another version of the same key", report(), report({ holds: { ...incoming, versionId: "v3" } }), true],
    ["a proof that was missing", report({ unproven: "unsigned" }), report(), true],
    [
      "what the extension holds",
      report({ kind: "extension" }),
      report({ kind: "extension", ended: true }),
      true,
    ],
    ["what the agent holds", report({ kind: "agent" }), report({ kind: "agent", ended: true }), true],
    ["what an exec holds", report({ kind: "exec" }), report({ kind: "exec", ended: true }), true],
    ["a function's restart", restart({ kind: "lambda", state: "failed" }), restart({ kind: "lambda" }), true],
    ["a rollout", restart({ kind: "kubernetes", state: "failed" }), restart({ kind: "kubernetes" }), true],
    ["a read of another version", read({ versionId: "v1" }), read(), true],
    ["a word for another version", attestation({ versionId: "v1" }), attestation(), true],
    [
      "a first use at the provider",
      { kind: "provider", observedAtMs: 1 },
      provider({ incoming: { keyId: "k2", seenAtMs: 1, lastUsedAtMs: 1 } }),
      true,
    ],
    ["a second read of the same version", read(), read({ observedAtMs: nowMs }), false],
    ["a second word for the same version", attestation(), attestation({ observedAtMs: nowMs }), false],
    [
      "the same of the provider",
      provider({ incoming: { keyId: "k2", seenAtMs: 1 } }),
      provider({ incoming: { keyId: "k2", seenAtMs: 2 } }),
      false,
    ],
  ];
  test.each(changes)("%s", (_name, before, after, expected) =>
    expect(isMaterial(after, before)).toBe(expected),
  );

  test("the first of its kind always is", () => {
    for (const item of every) expect(isMaterial(item, undefined)).toBe(true);
  });
});

const reasonKinds = [
  "NoLiveInstance",
  "HoldsRetiringKey",
  "HoldsUnknownKey",
  "RetiringKeyStillUsed",
  "IncomingKeyUnused",
  "IncomingKeyRefused",
  "NotRestarted",
  "RestartFailed",
  "WiredToOldVersion",
  "NotRead",
  "MayHoldRetiringVersion",
  "NotAttested",
  "ProviderSilent",
  "QuietWindowOpen",
  "UndeclaredConsumer",
  "ConsumersUnknown",
  "NotProven",
  "TwoUnderOneName",
  "ForgottenReturned",
  "CopyNotWritten",
  "CopyChanged",
  "CopyElsewhere",
  "CopyNotActive",
  "CopyFailed",
  "ReplicaBehind",
] as const satisfies readonly AdoptionReason["reason"][];

const plain = (reason: AdoptionReason["reason"]): AdoptionReason => ({
  reason,
  source: "client",
  detail: "the detail",
});

describe("a decision", () => {
  const behind = (agoMs: number) =>
    adoption(withConsumers([consumer()], [report({ holds: retiring, observedAtMs: nowMs - agoMs })]));

  test("is the same while only its ages change", () => {
    expect(decisionText(behind(second))).toBe(decisionText(behind(2 * second)));
    expect(decisionText(behind(second))).toBe("waiting: HoldsRetiringKey billing i1");
  });

  test("names what no evidence can answer", () => {
    expect(decisionText({ verdict: "adopted" })).toBe("adopted");
    expect(decisionText({ verdict: "adopted" }, ["Held by ada"])).toBe("blocked: Held by ada");
    expect(decisionText(behind(second), ["Held by ada"])).toBe(
      "waiting: Held by ada; HoldsRetiringKey billing i1",
    );
  });

  test("stays small enough to travel, and counts what it leaves out", () => {
    const reasons = Array.from({ length: 25 }, (_, index) => ({
      ...plain("NotRead"),
      consumer: `c${10 + index}`,
    }));
    const text = decisionText({ verdict: "contradicted", reasons });
    expect(text).toMatch(/^contradicted: NotRead c10; .*; and 5 more$/);
  });
});

describe("how long to wait", () => {
  const pace = (reasons: readonly AdoptionReason[], untilDeadlineMs = 60 * minute) =>
    nextCheckMs({ reasons, untilDeadlineMs, lapMs: minute });
  const open = (remainingMs: number) => ({ ...plain("QuietWindowOpen"), remainingMs });

  test("is until the last window ends where only windows are open", () => {
    expect(pace([open(5 * second), open(9 * second)])).toBe(9 * second);
  });

  test("is one lap where something has to be asked again, or nothing is known", () => {
    expect(pace([open(5 * second), plain("NotRead")])).toBe(minute);
    expect(pace([])).toBe(minute);
  });

  test("never goes past the deadline, nor below nothing", () => {
    expect(pace([open(9 * second)], 4 * second)).toBe(4 * second);
    expect(pace([plain("NotRead")], -1)).toBe(0);
  });
});

describe("a reason in words", () => {
  test("says who, what and how long ago", () => {
    const who = { consumer: "billing", instance: "i1", agoMs: 3 * second };
    expect(sayReason({ ...plain("HoldsRetiringKey"), ...who })).toBe(
      "billing: instance i1 still holds the retiring key, seen 3.0 s ago",
    );
    expect(sayReason({ ...plain("RetiringKeyStillUsed"), ...who })).toBe(
      "billing: instance i1 still used the retiring key 3.0 s ago",
    );
    expect(sayReason({ ...plain("RetiringKeyStillUsed"), source: "provider", agoMs: minute })).toBe(
      "the provider saw the retiring key used 60 s ago",
    );
    expect(sayReason({ ...plain("NotRead"), consumer: "billing" })).toBe("billing the detail");
  });

  test("says how long a window is still open", () => {
    expect(sayReason({ ...plain("QuietWindowOpen"), remainingMs: 4 * minute })).toBe(
      "the quiet window is still open for 4 min",
    );
    expect(sayReason(plain("QuietWindowOpen"))).toBe("the quiet window is still open");
  });

  test("comes with what would end it, for every reason there is", () => {
    const wanted = reasonKinds.map((reason) => sayWanted(plain(reason)));
    expect(wanted.every((text) => text.length > 10)).toBe(true);
    expect(sayWanted({ ...plain("NotAttested"), consumer: "billing" })).toBe("rekey attest <secret> billing");
    expect(sayWanted({ ...plain("UndeclaredConsumer"), source: "kms" })).toContain("role");
    expect(sayWanted({ ...plain("HoldsRetiringKey"), remainingMs: minute })).toBe(
      "wait 60 s: it ends by itself",
    );
    expect(sayWanted({ ...plain("RestartFailed"), consumer: "billing", remainingMs: 1 })).toBe(
      "fix billing and restart it",
    );
  });

  test("every other reason is said by its detail", () => {
    const own = ["RetiringKeyStillUsed", "QuietWindowOpen", "HoldsRetiringKey"];
    for (const reason of reasonKinds.filter((each) => !own.includes(each))) {
      expect(sayReason(plain(reason))).toBe("the detail");
    }
  });

  test.each<[AdoptionReason["reason"], string]>([
    ["NoLiveInstance", "start billing, give it a cadence"],
    ["NotProven", "update the client of billing"],
    ["TwoUnderOneName", "find who else reports"],
    ["HoldsRetiringKey", "rekey forget <secret> <instance>"],
    ["HoldsUnknownKey", "rekey forget <secret> <instance>"],
    ["RetiringKeyStillUsed", "find who still uses the retiring key"],
    ["IncomingKeyUnused", "let billing make one call"],
    ["IncomingKeyRefused", "find out why the provider refuses"],
    ["NotRestarted", "restart what runs billing"],
    ["NotRead", "let billing read the secret"],
    ["NotAttested", "rekey attest <secret> billing"],
    ["ProviderSilent", "check that the provider answers"],
    ["UndeclaredConsumer", "declare it, or stop it"],
    ["ConsumersUnknown", "name the consumers in the policy"],
    ["CopyNotWritten", "Rekey writes it again by itself"],
    ["CopyChanged", "rekey overwrite <secret> <destination>"],
    ["CopyElsewhere", "correct the destination"],
    ["CopyFailed", "activate it again for billing"],
    ["ReplicaBehind", "remove the replica there"],
    ["CopyNotActive", "let the activation of billing end"],
    ["MayHoldRetiringVersion", "it ends by itself"],
    ["QuietWindowOpen", "it ends by itself"],
  ])("%s is ended thus: %s", (reason, step) => {
    expect(sayWanted({ ...plain(reason), consumer: "billing" })).toContain(step);
  });

  test.each([
    ["ecs", "name the secret in the definition of billing, or let it make one call"],
    ["lambda", "name the secret in the definition of billing, or let it make one call"],
    ["kubernetes", "name the secret in the definition of billing, or let it make one call"],
    ["client", "let billing make one call with the incoming key"],
  ] as const)("use of the incoming key that %s does not show: %s", (source, step) => {
    expect(sayWanted({ ...plain("IncomingKeyUnused"), source, consumer: "billing" })).toMatch(
      new RegExp(`^${step}`),
    );
  });

  test("a reader that nobody declared is known by its role, and a consumer without a name is the consumer", () => {
    expect(sayWanted({ ...plain("UndeclaredConsumer"), source: "kms" })).toBe(
      "declare a consumer with this role, or remove its access",
    );
    expect(sayWanted(plain("RestartFailed"))).toBe("fix the consumer and restart it");
  });

  test("durations change their unit where the next one says as much", () => {
    expect(
      [9_999, 10_000, 119_000, 120_000, 7_199_000, 7_200_000, 172_799_000, 172_800_000].map(sayDuration),
    ).toEqual([...["10.0 s", "10 s", "119 s", "2 min", "120 min", "2 h", "48 h", "2 d"]]);
  });

  test("durations keep two figures", () => {
    expect([0, 1_200, 60_000, 240_000, 3 * 3_600_000, 12 * 86_400_000].map(sayDuration)).toEqual([
      "0.0 s",
      "1.2 s",
      "60 s",
      "4 min",
      "3 h",
      "12 d",
    ]);
  });
});
