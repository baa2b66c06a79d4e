import type { IncidentRecord, KeyInScope, SecretInScope } from "../../../core/incident/record.ts";
import type { ScopeFindings } from "../../../core/incident/scope-findings.ts";
import type { Policy } from "../../../core/policy.ts";
import { type IncidentReport, reportOf } from "../../../core/report/report.ts";
import { reportJson, reportMarkdown } from "../../../core/report/report-text.ts";
import { utcText } from "../../../core/utc.ts";

const noon = Date.parse("2026-11-22T12:00:00Z");
const after = (seconds: number) => noon + seconds * 1000;
const filedAtMs = after(120);
const secretArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing-FAKE00";
const otherArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:search-FAKE00";

const deadKey: KeyInScope = {
  keyId: "key_FAKE1",
  fingerprint: `sha256:${"ab".repeat(32)}`,
  account: "openai-main",
  provider: "openai",
  standing: "current",
  secretArn,
  versionId: "version-1",
  state: "dead",
  revokeIntendedAtMs: after(8),
  acceptedAtMs: after(9),
  deadAtMs: after(70),
  how: "refused",
  probes: 7,
  refusals: 5,
};

const movedSecret: SecretInScope = {
  secretArn,
  name: "billing-key",
  environment: "production",
  standing: "current",
  replacement: "adopted",
  keyId: "key_FAKE1",
  incomingKeyId: "key_FAKE2",
  promotedAtMs: after(8),
  adoptedAtMs: after(21),
  behind: [],
  moved: [
    { consumer: "search", atMs: after(8) },
    { consumer: "billing", atMs: after(21) },
  ],
};

const incident: IncidentRecord = {
  incidentId: "i-20261122-1",
  subject: deadKey.fingerprint ?? "",
  status: "contained",
  seq: 12,
  starts: 1,
  test: false,
  checklist: [],
  plan: "contain-first",
  planWhy: "github saw the key in public",
  match: { by: "fingerprint", text: "sha256:abababab…" },
  detectedAtMs: noon,
  receivedAtMs: after(2),
  exposedAtMs: after(-3600),
  openedAtMs: after(3),
  deadlineAtMs: after(900),
  escalateAtMs: after(303),
  keys: [deadKey],
  secrets: [movedSecret],
  alerts: [
    {
      source: "github",
      sourceId: "acme/shop#7",
      principal: "intake/github",
      receivedAtMs: after(2),
      detectedAtMs: noon,
      exposure: "public",
      verified: "live",
      match: { by: "fingerprint", text: "sha256:abababab…" },
      where: ["https://github.com/acme/shop/security/secret-scanning/7"],
    },
  ],
  timeline: [
    { atMs: after(3), what: "opened", detail: "contain-first" },
    { atMs: after(9), what: "revokeAccepted", detail: "openai took the revoke", keyId: "key_FAKE1" },
    { atMs: after(70), what: "dead", detail: "refused 5 times in a row", keyId: "key_FAKE1" },
    {
      atMs: after(90),
      what: "note",
      detail: "told the customer",
      by: "arn:aws:sts::111122223333:assumed-role/oncall/ada",
    },
  ],
  notes: [],
  pages: [],
  waits: [],
  scope: {
    readers: [
      {
        principal: "arn:aws:iam::111122223333:role/stranger",
        secretArn,
        versionId: "version-1",
        firstAtMs: after(-7200),
        lastAtMs: after(-600),
        reads: 3,
        known: false,
      },
    ],
    keyUse: [
      {
        keyId: "key_FAKE1",
        fromMs: after(-3600),
        toMs: after(70),
        requests: 412,
        lastUsedAtMs: after(8),
        stillUsedBy: ["production/billing/i-1"],
      },
    ],
    newKeys: [{ keyId: "key_FAKE9", name: "not-an-attacker", createdAtMs: after(-1800) }],
    siblings: [{ secretArn: otherArn, why: "arn:aws:iam::111122223333:role/stranger read it too" }],
    reachedBackToMs: after(-7200),
    ended: "timeBoxed",
    notChecked: ["earlier reads of the secret: the time for looking was up"],
  },
  reports: [],
};

const policies = [
  {
    secretArn,
    name: "billing-key",
    consumers: [{ name: "billing", refresh: { kind: "announce", owner: "team-billing" } }],
  },
  { secretArn: otherArn, name: "search-key", consumers: "none" },
] as unknown as readonly Policy[];

function report(changes: Partial<IncidentRecord> = {}): IncidentReport {
  return reportOf({ incident: { ...incident, ...changes }, policies, nowMs: filedAtMs });
}

test("a contained incident reads from exposure to death", () => {
  expect(reportMarkdown(report())).toMatchSnapshot();
});

test("the JSON says the same and is parsed back whole", () => {
  const json = reportJson(report());

  expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(report())));
  expect(json).toMatchSnapshot();
});

test("accepted and observed dead are two clocks", () => {
  expect(report().clocks).toMatchObject({
    detectedToAcceptedMs: 9_000,
    detectedToDeadMs: 70_000,
    exposedToDeadMs: 3_670_000,
    deadline: "met",
  });
});

test("a clock of several keys ends with the last of them, and is open while one lives", () => {
  const second = { ...deadKey, keyId: "key_FAKE5", acceptedAtMs: after(30), deadAtMs: after(1000) };
  const { deadAtMs: _, ...alive } = { ...second, state: "accepted" as const };

  expect(report({ keys: [deadKey, second] }).clocks).toMatchObject({
    deadAtMs: after(1000),
    deadline: "missed",
  });
  expect(report({ keys: [deadKey, alive] }).clocks).toMatchObject({
    acceptedAtMs: after(30),
    deadline: "open",
  });
  expect(report({ keys: [deadKey, alive] }).clocks.deadAtMs).toBeUndefined();
});

test("the outage ends for each consumer when it moved, and is nothing for those that moved before", () => {
  expect(report().outages).toMatchObject([
    {
      cause: "rekey",
      atMostMs: 12_000,
      consumers: [
        { consumer: "search", atMostMs: 0, isOver: true },
        { consumer: "billing", atMostMs: 12_000, isOver: true },
      ],
    },
  ]);
  const early = { ...movedSecret, adoptedAtMs: after(8), moved: [{ consumer: "billing", atMs: after(8) }] };
  expect(report({ secrets: [early] }).outages).toMatchObject([{ cause: "none", atMostMs: 0 }]);
});

test("an outage lasts while a consumer is behind, and its owner is asked to move it", () => {
  const { adoptedAtMs: _, ...late } = {
    ...movedSecret,
    replacement: "promoted" as const,
    behind: ["billing"],
    moved: [],
  };
  const filed = report({ secrets: [late] });

  expect(filed.outages).toMatchObject([
    { cause: "rekey", atMostMs: 111_000, consumers: [{ isOver: false }] },
  ]);
  expect(filed.outages[0]?.endedAtMs).toBeUndefined();
  expect(filed.followUps).toContainEqual(
    expect.objectContaining({
      what: "Move billing to the incoming key of billing-key",
      owner: "team-billing",
    }),
  );
});

test("the owner of a secret is asked where no consumer names one", () => {
  const owned = policies.map((policy) =>
    policy.name === "search-key" ? { ...policy, owner: "Team Search" } : policy,
  );
  const { followUps } = reportOf({ incident, policies: owned, nowMs: filedAtMs });

  expect(followUps).toContainEqual(
    expect.objectContaining({ what: expect.stringContaining("search-key"), owner: "Team Search" }),
  );
});

test("a secret that is only watched is cut off by the same revoke, under whatever id it knows the key", () => {
  const { keyId: _, adoptedAtMs: __, incomingKeyId: ___, ...copy } = movedSecret;
  const watched = {
    ...copy,
    secretArn: otherArn,
    name: "batch-copy",
    replacement: "failed" as const,
    moved: [],
  };

  expect(report({ secrets: [watched] }).outages).toMatchObject([
    { name: "batch-copy", cause: "rekey", stoppedAtMs: after(9), atMostMs: 111_000, consumers: [] },
  ]);
  const strange = { ...deadKey, keyId: "key_FAKE7", secretArn: otherArn, acceptedAtMs: after(20) };
  const { keyId: ____, ...nameless } = strange;
  expect(report({ keys: [deadKey, nameless], secrets: [watched] }).outages).toMatchObject([
    { stoppedAtMs: after(20) },
  ]);
  expect(
    report({ keys: [deadKey, strange], secrets: [{ ...watched, keyId: "key_FAKE1" }] }).outages,
  ).toMatchObject([{ stoppedAtMs: after(9) }]);
});

test("Rekey is not blamed for a key that was dead before", () => {
  const { acceptedAtMs: _, ...before } = { ...deadKey, how: "alreadyDead" as const };
  const filed = report({ keys: [before] });

  expect(filed.outages).toMatchObject([{ cause: "deadBefore", atMostMs: 0 }]);
  expect(filed.clocks.acceptedAtMs).toBe(after(70));
});

test("a waived key is followed up, and the report says that nobody saw it dead", () => {
  const waiver = { by: "ada", reason: "the vendor confirmed by phone", atMs: after(100) };
  const { deadAtMs: _, how: __, ...rest } = deadKey;
  const filed = report({ keys: [{ ...rest, state: "accepted", waiver }] });

  expect(filed.deaths).toEqual([]);
  expect(filed.notChecked).toContain("key key_FAKE1 was waived by ada, not proven dead");
  expect(filed.followUps[0]).toMatchObject({ owner: "ada", why: "the vendor confirmed by phone" });
  const text = reportMarkdown(filed);
  expect(text).toContain("waived, not proven dead");
  expect(text).toContain("| waived by `ada` |");
  expect(text).toContain("A person waived the key before the deadline; it was not proven dead.");
});

test("only what asked for somebody, or was done by somebody, is listed as a person's", () => {
  const page = { reason: "opened" as const, delivered: ["sns"], failed: [] };
  const timeline = [
    { atMs: after(3), what: "escalated" as const, detail: "notify opened: sns" },
    { atMs: after(5), what: "escalated" as const, detail: "page held: sns" },
    { atMs: after(6), what: "escalationFailed" as const, detail: "no channel of sns" },
    { atMs: after(9), what: "revokeAccepted" as const, detail: "revoked" },
  ];
  const pages = [
    { ...page, atMs: after(3), severity: "notify" as const, why: "a key leaked" },
    { ...page, atMs: after(5), severity: "page" as const, why: "a key leaked" },
  ];

  expect(report({ timeline, pages }).people.map(({ detail }) => detail)).toEqual([
    "page held: sns",
    "no channel of sns",
  ]);
});

test("the head says what a person ordered, and that an unknown key matches nothing", () => {
  const containNow = { by: "ada", reason: "it was on a *forum*", atMs: after(1) };
  const text = reportMarkdown(report({ containNow, match: { by: "none", text: "sha1:FAKE" } }));

  expect(text).toContain("contain now, ordered by `ada`: it was on a \\*forum\\*\n");
  expect(text).toContain("Matches no key that Rekey knows: `sha1:FAKE`.");
});

test("a report of containment does not say that the incident closes", () => {
  const { scope: _, ...unscoped } = incident;
  const filed = reportOf({ incident: unscoped, policies: [], nowMs: after(120) });

  expect(reportMarkdown(filed)).toContain("status contained. Plan");
  expect(filed.followUps).toMatchObject([{ owner: "the owner of billing-key, whom no policy names" }]);
  const nowhere = reportOf({ incident: { ...unscoped, secrets: [] }, policies: [], nowMs: after(120) });
  expect(nowhere.followUps).toMatchObject([{ owner: "the security team" }]);
});

test("a reader of an unsaid version is not accused of the leaked one", () => {
  const [reader] = incident.scope?.readers ?? [];
  const { versionId: _, ...unsaid } = reader ?? ({} as NonNullable<typeof reader>);
  const readers = [unsaid, { ...unsaid, versionId: "version-2" }];
  const text = reportMarkdown(report({ scope: { ...incident.scope, readers } as ScopeFindings }));

  expect(text).toContain("| not said | 3 |");
  expect(text).toContain("| `version-2` | 3 |");
});

test("a key without plaintext is dead by listing, and the report says what that is worth", () => {
  const filed = report({ keys: [{ ...deadKey, how: "listing", probes: 0 }] });

  expect(filed.notChecked[0]).toMatch(/could not be tried, because its plaintext is not held/);
});

test("a report that is filed before scoping says that nobody looked yet", () => {
  const { scope: _, ...unscoped } = incident;
  const filed = reportOf({ incident: unscoped, policies, nowMs: filedAtMs });

  expect(filed.notChecked).toEqual(["who read the secret and what the key did: not looked up yet"]);
  expect(reportMarkdown(filed)).toContain("Not looked up yet.");
});

test("a key that only its fingerprint names, or nothing, is called by what there is", () => {
  const { keyId: _, ...nameless } = { ...deadKey, how: "listing" as const };
  const { fingerprint: __, ...unknown } = nameless;
  const filed = report({ keys: [nameless, unknown] });

  expect(filed.notChecked.slice(0, 2)).toEqual([
    expect.stringMatching(/^the key with fingerprint sha256:abababababab… is gone/),
    expect.stringMatching(/^the reported key is gone/),
  ]);
  const text = reportMarkdown(filed);
  expect(text).toContain("| `the reported key` | current | dead |");
  expect(text).toContain(
    "- `the reported key` was seen dead at 2026-11-22 12:01:10Z: gone from the listing, 7 probes",
  );
});

test("what is blocked, waived or merely open is a follow-up of its owner", () => {
  const { deadAtMs: _, how: __, ...open } = { ...deadKey, state: "accepted" as const };
  const waiver = { by: "ada", reason: "by phone", atMs: after(100) };
  const owned = (key: KeyInScope) => report({ keys: [key], alerts: [] }).followUps[0];

  expect(owned(open)).toEqual({
    what: "Make sure that key key_FAKE1 is dead",
    owner: "the security team",
    why: "it is accepted",
  });
  expect(owned({ ...open, waiver })).toMatchObject({ owner: "ada", why: "by phone" });
  expect(owned({ ...open, waiver, blocked: { why: "no such call" } })).toMatchObject({
    owner: "ada",
    why: "no such call",
  });
});

describe("an owner is asked", () => {
  const { adoptedAtMs: _, ...late } = { ...movedSecret, replacement: "failed" as const, moved: [] };
  const asked = (changes: Partial<IncidentRecord>, of = policies) =>
    reportOf({ incident: { ...incident, ...changes }, policies: of, nowMs: filedAtMs }).followUps.map(
      ({ what, owner, why }) => `${owner}: ${what} (${why})`,
    );

  test("to replace by hand what Rekey could not replace, with its reason where there is one", () => {
    const what = "team-billing: Replace the key of billing-key by hand";
    expect(asked({ secrets: [late] })).toContain(`${what} (it failed)`);
    expect(asked({ secrets: [{ ...late, failure: "QuotaReached" }] })).toContain(`${what} (QuotaReached)`);
  });

  test.each<[string, string, readonly Policy[], string]>([
    ["the policy names them", "billing", policies, "team-billing"],
    [
      "the policy does not know the consumer",
      "search",
      policies,
      "the owner of search, whom no policy names",
    ],
    [
      "the policy says that there is none",
      "billing",
      [{ secretArn, consumers: "none" }] as never,
      "the owner of billing, whom no policy names",
    ],
    ["the policy is gone", "billing", [], "the owner of billing, whom no policy names"],
  ])("to move a consumer that is behind, when %s", (_when, consumer, of, owner) => {
    const move = `${owner}: Move ${consumer} to the incoming key of billing-key`;
    expect(asked({ secrets: [{ ...late, behind: [consumer] }] }, of)).toContainEqual(
      expect.stringContaining(move),
    );
  });

  test("to clean one place or several, and nobody where it lay nowhere", () => {
    const at = (where: readonly string[]) =>
      asked({ alerts: incident.alerts.map((alert) => ({ ...alert, where })) });
    expect(at(["a"])).toContainEqual(
      expect.stringContaining("Remove the key from the place where it was found"),
    );
    expect(at(["a", "b", "a"])).toContainEqual(expect.stringContaining("Remove the key from the 2 places"));
    expect(at([]).filter((each) => each.includes("where it lay"))).toEqual([]);
  });

  test("about the place by the security team, where no secret is known to hold the key", () => {
    expect(asked({ secrets: [] })).toContainEqual(
      expect.stringContaining("the security team: Remove the key from the place"),
    );
  });

  test("by the name of everybody who runs a consumer of the secret", () => {
    const owned = (name: string, owner?: string) => ({
      name,
      refresh: { kind: "announce", ...(owner && { owner }) },
    });
    const consumers = [owned("billing", "team-billing"), owned("batch"), owned("shop", "team-shop")];
    expect(asked({ secrets: [late] }, [{ secretArn, consumers }] as never)[0]).toMatch(
      /^team-billing, team-shop: Replace/,
    );
  });

  test("about a secret beside it by its ARN, when no policy names it any more", () => {
    const question = `the owner of ${otherArn}, whom no policy names: Decide whether ${otherArn} has to be replaced too`;
    expect(asked({}, [])).toContainEqual(expect.stringContaining(question));
  });
});

describe("no outage is Rekey's", () => {
  const causeOf = (changes: Partial<IncidentRecord>) => report(changes).outages.map(({ cause }) => cause);

  test("if the key was never stopped, or if the secret does not hold it", () => {
    const { acceptedAtMs: _, ...untouched } = deadKey;
    expect(causeOf({ keys: [untouched] })).toEqual(["none"]);
    expect(causeOf({ secrets: [{ ...movedSecret, replacement: "notNeeded" }] })).toEqual(["none"]);
  });

  test("and among several keys one without an id is the secret's by the ARN alone", () => {
    const { keyId: _, ...nameless } = deadKey;
    const elsewhere = { ...deadKey, keyId: "key_FAKE2", secretArn: otherArn };
    expect(causeOf({ keys: [nameless, elsewhere] })).toEqual(["rekey"]);
    expect(causeOf({ keys: [{ ...nameless, secretArn: otherArn }, elsewhere] })).toEqual(["none"]);
  });

  test("where nobody was seen to move, it is as long as it took to adopt, or has taken until now", () => {
    const { adoptedAtMs: _, ...unmoved } = { ...movedSecret, moved: [] };
    expect(report({ secrets: [{ ...movedSecret, moved: [] }] }).outages[0]).toMatchObject({
      atMostMs: 12_000,
    });
    expect(report({ secrets: [unmoved] }).outages[0]).toMatchObject({ atMostMs: 111_000, consumers: [] });
  });
});

describe("the text says", () => {
  const { exposedAtMs: _e, ...unexposed } = incident;
  const {
    scope = { readers: [], keyUse: [], newKeys: [], siblings: [], ended: "complete", notChecked: [] },
  } = incident;
  const [alert] = incident.alerts;
  const { deadAtMs: _d, how: _h, acceptedAtMs: _a, ...alive } = { ...deadKey, state: "waiting" as const };
  const { acceptedAtMs: _n, ...unasked } = deadKey;
  const { fingerprint: _f, ...withoutFingerprint } = deadKey;
  const { reachedBackToMs: _r, ...scopeToNow } = scope;

  test.each<[string, Partial<IncidentRecord>, string]>([
    [
      "no fingerprint where none is known",
      { keys: [withoutFingerprint] },
      "revoke accepted 2026-11-22 12:00:09Z\n",
    ],
    [
      "an outage without a consumer",
      { secrets: [{ ...movedSecret, moved: [] }] },
      "`production`: at most 12 s\n",
    ],
    ["that no key was in scope", { keys: [] }, "## Keys\n\nnone\n"],
    ["no revoke where none was asked for", { keys: [unasked] }, "refused in a row, 7 probes, `sha256:"],
    [
      "once what says all",
      { timeline: [{ atMs: noon, what: "opened", detail: "opened" }] },
      "12:00:00Z opened\n",
    ],
    ["that it was a test", { test: true }, "# TEST Incident i-20261122-1"],
    ["that it was a false alarm", { status: "falseAlarm" }, "i-20261122-1: a false alarm"],
    ["why it ended", { reason: "the *machine* stopped" }, "Ended because: the \\*machine\\* stopped"],
    ["how many keys are open", { keys: [deadKey, alive] }, "1 of 2 keys not dead"],
    ["that a key was not seen dead", { keys: [alive] }, "| `key_FAKE1` | current | waiting | no | no |"],
    ["that nobody saw it dead", { keys: [alive] }, "none: no key of this incident was seen dead"],
    [
      "that a key was dead before",
      { keys: [{ ...deadKey, how: "alreadyDead" }] },
      "was dead before, 7 probes",
    ],
    [
      "whose outage that was",
      { keys: [{ ...deadKey, how: "alreadyDead" }] },
      "none; the key was dead before Rekey touched it",
    ],
    [
      "that nobody had an outage",
      { secrets: [{ ...movedSecret, replacement: "notNeeded" }] },
      "`production`: none\n",
    ],
    ["that no secret was in scope", { secrets: [] }, "none: no secret was in scope"],
    ["that a person reported it", { alerts: [] }, "nothing: a person reported it"],
    [
      "an alert that names no place",
      { alerts: alert ? [{ ...alert, where: [] }] : [] },
      "public exposure, key live, reported by `intake/github`\n",
    ],
    ["how far the look went", { scope: { ...scope, ended: "complete" } }, "Looked up completely, back to"],
    ["no more than it knows of that", { scope: scopeToNow }, "Looked up until the time was up.\n"],
    [
      "that a version was not named",
      { scope: { ...scope, readers: withoutVersion(scope) } },
      "| not said | 3 |",
    ],
    [
      "that a reader is one of ours",
      { scope: { ...scope, readers: known(scope) } },
      "role/stranger` | `version-1`",
    ],
    [
      "what the key cost",
      { scope: { ...scope, keyUse: used({ costUsd: 1.5 }) } },
      "| unknown | $1.50 | unknown | nobody seen |",
    ],
    [
      "that a key was made at some time",
      { scope: { ...scope, newKeys: [{ keyId: "k", name: "n" }] } },
      "`k` `n`, made at an unknown time",
    ],
    ["that nothing was found", { scope: { ...scope, newKeys: [], siblings: [] } }, "- none found"],
    ["that nothing was told", { timeline: [] }, "## Timeline\n\n- empty"],
  ])("%s", (_what, changes, text) => {
    expect(reportMarkdown(report(changes))).toContain(text);
  });

  test("that the exposure is not known", () => {
    expect(reportMarkdown(reportOf({ incident: unexposed, policies, nowMs: filedAtMs }))).toContain(
      "| exposed | unknown |  |",
    );
  });

  test("that an outage lasts, and for whom", () => {
    const { adoptedAtMs: _, ...late } = { ...movedSecret, behind: ["support"] };
    expect(reportMarkdown(report({ secrets: [late] }))).toContain(
      "at most 111 s, and it lasts (`search` 0.0 s, `billing` 12 s, `support` 111 s so far)",
    );
  });

  test("200 rows of a list or a table, and how many more there are", () => {
    const alerts = Array.from({ length: 203 }, (_, n) => ({ ...incident.alerts[0], sourceId: `n${n}` }));
    const keys = Array.from({ length: 201 }, (_, n) => ({ ...deadKey, keyId: `k${n}` }));
    const text = reportMarkdown(report({ alerts: alerts as IncidentRecord["alerts"], keys }));
    expect(text).toContain("`n199`");
    expect(text).not.toContain("`n200`");
    expect(text).toContain("- and 3 more");
    expect(text).toContain("| and 1 more |  |  |  |  |");
  });

  test("that nothing is missing of a false alarm that nobody scoped", () => {
    const { scope: _, ...unscoped } = { ...incident, status: "falseAlarm" as const };
    const filed = reportOf({ incident: unscoped, policies, nowMs: filedAtMs });
    expect(filed.notChecked).toEqual([]);
    expect(reportMarkdown(filed)).toContain("nothing is known to be missing");
  });
});

function withoutVersion({ readers }: ScopeFindings) {
  return readers.map(({ versionId: _, ...reader }) => reader);
}

function known({ readers }: ScopeFindings) {
  return readers.map((reader) => ({ ...reader, known: true }));
}

function used(facts: Partial<ScopeFindings["keyUse"][number]>): ScopeFindings["keyUse"] {
  return [{ ...{ keyId: "key_FAKE1", fromMs: noon, toMs: after(70), stillUsedBy: [] }, ...facts }];
}

describe("what people were told and have to do", () => {
  const page = { reason: "needsPerson" as const, severity: "page" as const, delivered: ["sns"], failed: [] };
  const ada = { by: "ada", reason: "on it", atMs: noon + 60_000 };

  test("pages and acknowledgements stand in the order of their times, with who took them and who did not", () => {
    const pages = [
      { ...page, atMs: noon + 90_000, why: "no *call*", delivered: ["sns", "chat"], failed: ["mail", "sms"] },
      { ...page, atMs: noon + 30_000, why: "first", delivered: [] },
    ];
    const text = reportMarkdown(report({ pages, acknowledged: [ada] }));
    expect(text).toContain(
      [
        "- 2026-11-22 12:00:30Z page needsPerson: first (no channel took it)",
        "- 2026-11-22 12:01:00Z acknowledged by `ada`: on it",
        "- 2026-11-22 12:01:30Z page needsPerson: no \\*call\\* (taken by sns, chat; mail, sms did not)",
      ].join("\n"),
    );
  });

  test("a step has its command in a block of its own, to be pasted", () => {
    const steps = [{ what: "Delete *it*" }, { what: "Close it", command: "rekey  incident\nclose i-1" }];
    const text = reportMarkdown(reportOf({ incident, policies, nowMs: filedAtMs, steps } as never));
    expect(text).toContain("- Delete \\*it\\*\n- Close it\n\n  ```sh\n  rekey incident close i-1\n  ```\n");
  });

  test("an order says who confirmed it, or that one person gave it alone", () => {
    const ordered = (more: object) => reportMarkdown(report({ containNow: { ...ada, ...more } }));
    expect(ordered({ approvedBy: "eve" })).toContain(
      "contain now, ordered by `ada`, approved by `eve`: on it",
    );
    expect(ordered({ alone: true })).toContain("by `ada` **alone, without a second person**: on it");
    expect(ordered({})).toContain("by `ada`: on it");
  });

  test("how many alerts and places are not kept", () => {
    const [first] = incident.alerts;
    const alerts = first ? [{ ...first, whereSeen: 12, reason: "a *dump*" }] : [];
    const text = reportMarkdown(report({ alerts, alertsSeen: 40 }));
    expect(text).toContain("39 more alerts came, of which only the number was kept");
    expect(text).toContain(" and 11 more places, reported by `intake/github`: a \\*dump\\*");
  });

  test("how a consumer stood that did not move", () => {
    const { adoptedAtMs: _, ...late } = { ...movedSecret, replacement: "promoted" as const, moved: [] };
    const standings = [{ consumer: "billing", standing: "cutOff" as const, instances: 1 }];
    const whys = (facts: Partial<SecretInScope>) =>
      report({ secrets: [{ ...late, behind: ["billing"], ...facts }] }).followUps.map(({ why }) => why);
    expect(whys({ standings })).toContain("billing is cut off: alive, with the key that no longer works");
    expect(whys({})).toContain("it was behind when it was last asked");
    const copiesBehind = [{ consumer: "billing", why: "CopyFailed: KEY at web: the build failed" }];
    expect(whys({ copiesBehind })).toContain("CopyFailed: KEY at web: the build failed");
    expect(whys({ standings, copiesBehind })).toContain(
      "billing is cut off: alive, with the key that no longer works; CopyFailed: KEY at web: the build failed",
    );
    expect(whys({ standings: standings.map((each) => ({ ...each, consumer: "else" })) })).toContain(
      "it was behind when it was last asked",
    );
  });
});

test("text from outside formats nothing: no link, no HTML, no extra table cell", () => {
  const where = ["https://x.test/`<img src=x>` | [click](javascript:1)\n# heading"];
  const alerts = incident.alerts.map((alert) => ({ ...alert, where, sourceId: "a`b|c" }));
  const timeline = [{ atMs: noon, what: "note" as const, detail: "<b>bold</b> [x](y) | z", by: "eve" }];
  const text = reportMarkdown(report({ alerts, timeline }));

  expect(text).not.toContain("<b>");
  expect(text).not.toContain("\n# heading");
  expect(text).toContain("`a'b/c`");
  expect(text).toContain("\\<b\\>bold\\</b\\> \\[x\\](y) \\| z");
});

test("every time is shown in UTC, also before 1970 and on a leap day", () => {
  expect(utcText(Date.parse("2024-02-29T23:59:59.999Z"))).toBe("2024-02-29 23:59:59Z");
  expect(utcText(Date.parse("1969-12-31T23:59:59Z"))).toBe("1969-12-31 23:59:59Z");
  expect(utcText(0)).toBe("1970-01-01 00:00:00Z");
  for (let day = 0; day < 800; day += 1) {
    const ms = Date.parse("1999-12-01T06:07:08Z") + day * 86_400_000 * 13;
    expect(utcText(ms)).toBe(new Date(ms).toISOString().replace("T", " ").replace(".000", ""));
  }
});
