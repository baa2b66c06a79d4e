import { readFileSync } from "node:fs";
import * as z from "zod";
import type { ProviderFacts } from "../../core/policy.ts";
import type { DeclaredKind } from "../../events/policy-file.ts";
import { parsePolicyFile } from "../../events/policy-text.ts";
import { declaredKinds } from "../../providers/declared-kinds.ts";
import { stores } from "../../stores/index.ts";

const arn = (name: string) => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}-AbCdEf`;
const nowMs = Date.UTC(2026, 10, 30, 12);
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const facts: ProviderFacts = {
  capabilities: {
    shape: { kind: "sideBySide" },
    quarantine: "no",
    quarantineContains: false,
    revoke: true,
    lastUsed: true,
    usagePerKey: false,
    expiry: false,
  },
  propagation: {
    activateMs: 0,
    dieMs: 0,
    deadProbes: 1,
    deadWindowMs: 0,
    probeEveryMs: 1,
    usageLagMs: 30 * minute,
  },
};
const settings = z.strictObject({ adminCredential: z.string(), project: z.string().regex(/^proj_/) });
const kinds: Readonly<Record<string, DeclaredKind>> = {
  acme: { settings, facts: () => facts },
  silent: {
    settings,
    facts: () => ({ ...facts, capabilities: { ...facts.capabilities, lastUsed: false } }),
  },
};

const head = `version: 1
environment: production
account: "111122223333"
providers:
  main: { kind: acme, adminCredential: "${arn("admin")}", project: proj_1 }
  quiet: { kind: silent, adminCredential: "${arn("admin-2")}", project: proj_1 }
`;

/** The policies of these secrets' blocks. */
function policiesOf(blocks: string) {
  const file = parsePolicyFile({ text: `${head}secrets:\n${blocks}` }, { kinds, stores, nowMs });
  if ("mistakes" in file) throw new Error(JSON.stringify(file.mistakes, undefined, 1));
  return file.policies;
}

/** The mistakes as `line:column message`, the first secret on line 1. */
function mistakesOf(blocks: string): readonly string[] {
  const above = head.split("\n").length;
  const file = parsePolicyFile({ text: `${head}secrets:\n${blocks}` }, { kinds, stores, nowMs });
  if (!("mistakes" in file)) return [];
  return file.mistakes.map(({ line, column, message }) => `${line - above}:${column} ${message}`);
}

const mistakesInFile = (text: string): readonly string[] => {
  const file = parsePolicyFile({ text }, { kinds, stores, nowMs });
  if (!("mistakes" in file)) return [];
  return file.mistakes.map(({ line, column, message }) => `${line}:${column} ${message}`);
};

/** One secret with everything that it has to have, and `more`. */
const plain = (more: string, name = "a") =>
  `  ${name}: { arn: "${arn(name)}", provider: main, rotate: manual, consumers: [{ name: web }]${more} }`;

describe("what a sound file means", () => {
  test("the example of the documentation is sound", () => {
    const text = readFileSync(new URL("../../examples/rekey.yml", import.meta.url), "utf8");
    const file = parsePolicyFile({ text }, { kinds: declaredKinds, stores, nowMs });
    expect(file).toMatchObject({
      environment: "production",
      policies: [
        { name: "billing-key", schedule: "rate(30 days)" },
        { name: "search-key" },
        { mode: "index" },
      ],
    });
  });

  test("a provider's budget replaces what is usual, field by field, and is checked", () => {
    const budgeted = (budget: string) => {
      const text = head.replace("project: proj_1 }", `project: proj_1, budget: ${budget} }`);
      return `${text}secrets:\n${plain("")}`;
    };
    const text = budgeted("{ callsPerMinute: 120, failuresInARow: 5 }");
    const file = parsePolicyFile({ text }, { kinds, stores, nowMs });
    const [provider] = "mistakes" in file ? [] : file.providers;
    expect(provider?.budget).toEqual({ callsPerMinute: 120, failuresInARow: 5, mintsAtOnce: 4 });
    expect(provider?.settings).not.toHaveProperty("budget");
    expect(mistakesInFile(budgeted("{ callsPerMinute: 0, mintsPerHour: 3 }"))).toEqual([
      expect.stringContaining("callsPerMinute"),
      expect.stringContaining("mintsPerHour"),
    ]);
  });

  test("every default is filled in", () => {
    const [policy] = policiesOf(plain(""));
    expect(policy).toEqual({
      secretArn: arn("a"),
      name: "a",
      environment: "production",
      file: "rekey",
      mode: "rotate",
      provider: {
        account: "main",
        kind: "acme",
        adminCredential: arn("admin"),
        settings: { adminCredential: arn("admin"), project: "proj_1" },
        budget: { mintsAtOnce: 4, failuresInARow: 3 },
      },
      consumers: [
        {
          ...{ name: "web", environment: "production", account: "111122223333", evidence: ["client"] },
          ...{ maxStaleMs: 15 * minute, demandUse: false, refresh: { kind: "announce" } },
        },
      ],
      signals: ["client", "provider"],
      maxAgeMs: 365 * day,
      quietMs: 30 * minute,
      overlapMs: day,
      soakMs: 15 * minute,
      retain: false,
      incident: { containByMs: 10 * minute, escalateAfterMs: 5 * minute },
    });
  });

  test("every field is read", () => {
    const [policy] = policiesOf(`
  a:
    arn: ${arn("a")}
    owner: Team Search
    field: apiKey
    provider: main
    rotate: { cron: "0 3 1 * ? *", timezone: Europe/Berlin }
    overlap: 2h
    quiet: 45m
    soak: 90s
    maxAge: 40d
    signals: [provider]
    retain: true
    approve: before-revoke
    windows: { timezone: Europe/Berlin, open: [{ days: [mon, tue, wed, thu, fri, sat, sun], from: "09:15", to: "08:15" }] }
    freeze: [{ from: 2026-12-20, to: 2027-01-03T06:30, timezone: Europe/Berlin, reason: the sale }]
    after: staging/b
    currentKeyId: key_1
    scopes: [model.read]
    consumers:
      - name: web
        environment: staging
        account: "444455556666"
        evidence: [extension, kms]
        maxStale: 1h
        cadence: 2h
        demandUse: true
        refresh: { manual: call them, owner: team-web }
        roles: ["arn:aws:iam::444455556666:role/web"]
        workload: deployment/web
    incident: { plan: contain-first, containBy: 3m, escalateAfter: 1m }`);
    expect(policy).toMatchObject({
      ...{
        owner: "Team Search",
        field: "apiKey",
        schedule: "cron(0 3 1 * ? *)",
        scheduleTimezone: "Europe/Berlin",
      },
      ...{ overlapMs: 2 * hour, quietMs: 45 * minute, soakMs: 90_000, maxAgeMs: 40 * day },
      ...{ signals: ["provider"], retain: true, currentKeyId: "key_1", scopes: ["model.read"] },
      ...{ approve: "before-revoke", after: "staging/b" },
      windows: {
        timezone: "Europe/Berlin",
        open: [{ days: [1, 2, 3, 4, 5, 6, 0], fromMinute: 555, untilMinute: 495 }],
      },
      freeze: [
        {
          ...{ fromMs: Date.UTC(2026, 11, 19, 23), untilMs: Date.UTC(2027, 0, 3, 5, 30) },
          reason: "the sale",
        },
      ],
      consumers: [
        {
          ...{
            environment: "staging",
            account: "444455556666",
            evidence: ["extension", "kms"],
            maxStaleMs: hour,
          },
          ...{ cadenceMs: 2 * hour, demandUse: true, roles: ["arn:aws:iam::444455556666:role/web"] },
          workload: "deployment/web",
          refresh: { kind: "manual", target: "call them", owner: "team-web" },
        },
      ],
      incident: { plan: "contain-first", containByMs: 3 * minute, escalateAfterMs: minute },
    });
  });

  test.each([
    ["{ every: 30d }", "rate(30 days)", 31 * day],
    ["{ every: 36h }", "rate(36 hours)", 60 * hour],
    ['{ cron: "0 3 ? * MON *" }', "cron(0 3 ? * MON *)", 8 * day],
    ['{ cron: "0 3 1 1,4,7,10 ? *" }', "cron(0 3 1 1,4,7,10 ? *)", 93 * day],
    ['{ at: "2027-01-31T03:00:00+02:00" }', "at(2027-01-31T01:00:00)", 365 * day],
    ['{ at: "2027-01-31 03:00" }', "at(2027-01-31T03:00:00)", 365 * day],
  ])("rotate: %s is %s, and a key may get as old as that asks for", (rotate, schedule, maxAgeMs) => {
    const [policy] = policiesOf(
      `  a: { arn: "${arn("a")}", provider: main, rotate: ${rotate}, consumers: none }`,
    );
    expect(policy).toMatchObject({ schedule, maxAgeMs });
  });

  test("signals and the quiet window follow from who can say something", () => {
    const block = (provider: string, evidence: string) =>
      `  a: { arn: "${arn("a")}", provider: ${provider}, rotate: manual, consumers: [{ name: w, evidence: [${evidence}] }] }`;
    expect(policiesOf(block("quiet", "client"))[0]).toMatchObject({ signals: ["client"], quietMs: minute });
    expect(policiesOf(block("main", "attestation"))[0]).toMatchObject({
      signals: ["provider"],
      quietMs: 30 * minute,
    });
    expect(mistakesOf(block("quiet", "attestation"))).toEqual([
      expect.stringContaining("no signal would say that the retiring key is unused"),
    ]);
  });

  test("a watched secret needs neither a schedule nor consumers", () => {
    const [policy] = policiesOf(`  a: { arn: "${arn("a")}", provider: main, mode: index }`);
    expect(policy).toMatchObject({ mode: "index", consumers: "none" });
    expect(policy).not.toHaveProperty("schedule");
  });

  test("an anchor saves writing a consumer twice", () => {
    const policies = policiesOf(
      [
        `  a: { arn: "${arn("a")}", provider: main, rotate: manual, consumers: &web [{ name: web, maxStale: 5m }] }`,
        `  b: { arn: "${arn("b")}", provider: main, rotate: manual, consumers: *web }`,
      ].join("\n"),
    );
    expect(policies[1]?.consumers).toEqual(policies[0]?.consumers);
  });

  test("a secret and a consumer name the repositories whose leak is theirs", () => {
    const policies = policiesOf(
      `  a: { arn: "${arn("a")}", provider: main, rotate: manual, repositories: [acme/shop], consumers: [{ name: web, repositories: [github.com/acme/web] }] }`,
    );
    expect(policies).toMatchObject([
      { repositories: ["acme/shop"], consumers: [{ repositories: ["github.com/acme/web"] }] },
    ]);
  });

  test("a provider's scopes are those of its keys, unless the secret has its own", () => {
    const scoped = {
      acme: { settings: settings.extend({ scopes: z.array(z.string()) }), facts: () => facts },
    };
    const text = `${head.replace("project: proj_1 }", "project: proj_1, scopes: [all] }").replace(/ {2}quiet.*\n/, "")}secrets:\n`;
    const file = parsePolicyFile(
      { text: `${text}${plain("")}\n${plain(", scopes: [one]", "b")}` },
      {
        kinds: scoped,
        stores,
        nowMs,
      },
    );
    expect(file).toMatchObject({ policies: [{ scopes: ["all"] }, { scopes: ["one"] }] });
  });
});

describe("what is wrong with one secret", () => {
  test.each([
    [
      "an unknown field",
      plain(", overlapp: 2h"),
      '1:138 secrets.a.overlapp: unknown field "overlapp": did you mean overlap?',
    ],
    ["an unknown field that is like no other", plain(", zzzzzzzz: 1"), 'unknown field "zzzzzzzz"'],
    [
      "a duration without a unit",
      plain(", overlap: 10"),
      "secrets.a.overlap: write a duration such as 30d, 2h, 15m or 90s",
    ],
    ["a duration in words", plain(", quiet: 10 min"), "secrets.a.quiet: write a duration"],
    [
      "a quiet window shorter than the provider's lag",
      plain(", quiet: 5m"),
      "secrets.a.quiet: the provider's usage is up to 30m late: quiet must be at least that",
    ],
    [
      "an overlap that is over before the quiet window",
      plain(", overlap: 20m"),
      "secrets.a.overlap: the overlap of 20m ends before the quiet window of 30m can",
    ],
    [
      "an incident that takes longer than its clock",
      plain(", incident: { containBy: 1h }"),
      "secrets.a.incident.containBy: an incident's key is dead or escalated after 15m",
    ],
    [
      "a repository by its last part",
      plain(", repositories: [shop]"),
      "secrets.a.repositories.0: a repository is written as acme/shop, or with its host",
    ],
    [
      "an empty list of scopes",
      plain(", scopes: []"),
      "secrets.a.scopes: an empty list would mean every scope",
    ],
    [
      "a word where true or false belongs",
      plain(", retain: perhaps"),
      "secrets.a.retain: retain is true or false",
    ],
    [
      "a step that nobody approves",
      plain(", approve: always"),
      "secrets.a.approve: approve is before-promote or before-revoke",
    ],
    [
      "windows that begin between the quarters",
      plain(', windows: { open: [{ days: [mon], from: "09:10", to: "17:00" }] }'),
      'secrets.a.windows.open.0.from: write a quarter of an hour such as "09:00"',
    ],
    [
      "windows in a zone that nobody knows",
      plain(
        ', windows: { timezone: Berlin, open: [{ days: [mon, tue, wed, thu, fri, sat, sun], from: "00:00", to: "24:00" }] }',
      ),
      "secrets.a.windows.timezone: write a time zone such as Europe/Berlin",
    ],
    [
      "windows that stay closed for longer than the overlap",
      plain(', windows: { open: [{ days: [mon], from: "09:00", to: "17:00" }] }'),
      "secrets.a.overlap: the change windows stay closed for 160h",
    ],
    [
      "a freeze on a day that does not exist",
      plain(", freeze: [{ from: 2027-02-30, to: 2027-03-02 }]"),
      "secrets.a.freeze.0.from: there is no such date or time",
    ],
    [
      "a freeze that ends before it begins",
      plain(", freeze: [{ from: 2027-03-02, to: 2027-03-01 }]"),
      "secrets.a.freeze.0.to: a freeze ends after it begins",
    ],
    [
      "a secret without its environment",
      plain(", after: b"),
      "secrets.a.after: name a secret as <environment>/",
    ],
    [
      "a signal nobody has",
      plain(", signals: [cloud]"),
      "secrets.a.signals.0: a signal is client or provider",
    ],
    [
      "an owner of two lines",
      plain(', owner: "a\\nb"'),
      "secrets.a.owner: an owner has 1 to 128 characters in one line",
    ],
    ["a mode nobody has", plain(", mode: watch"), "secrets.a.mode: mode is index, observe or rotate"],
    ["no block at all", "  a: 7", "secrets.a: this has to be a block of fields"],
    [
      "a schedule for a secret that is only watched",
      `  a: { arn: "${arn("a")}", provider: main, mode: index, rotate: { every: 1d } }`,
      "secrets.a.rotate: mode index only watches the secret",
    ],
    [
      "a name that is no name",
      plain("", "a b").replace(arn("a b"), arn("ab")),
      "secrets.a b: a name starts with a letter or digit",
    ],
  ])("%s", (_title, block, message) => {
    expect(mistakesOf(block)).toEqual([expect.stringContaining(message)]);
  });

  test.each([
    ["a name", "billing", "this is not the full ARN of a secret"],
    [
      "an ARN without its last six characters",
      "arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing",
      "this ARN lacks the six characters",
    ],
    ["another service's ARN", "arn:aws:iam::111122223333:role/x", "this is not the full ARN of a secret"],
    [
      "a key pasted into the wrong place",
      "sk-svcacct-FAKE-0000000000000000",
      "this is not the full ARN of a secret",
    ],
  ])("%s is no ARN of a secret, and is not repeated", (_title, text, message) => {
    const mistakes = mistakesOf(`  a: { arn: "${text}", provider: main, rotate: manual, consumers: none }`);
    expect(mistakes).toEqual([expect.stringContaining(message)]);
    expect(mistakes.join()).not.toContain(text);
  });

  test("what is missing is said once for each field", () => {
    expect(mistakesOf("  a: {}")).toEqual([
      "1:3 secrets.a.arn: arn is missing: give the secret's full ARN; `rekey issue` makes a new secret from a template",
      "1:3 secrets.a.provider: provider is missing: name one of this file",
      "1:3 secrets.a.rotate: rotate is missing: say when, or `rotate: manual`",
      "1:3 secrets.a.consumers: no consumers: name them, or say `consumers: none` if nothing uses the key",
    ]);
  });

  test("an unknown provider is not blamed on anything else", () => {
    const block = (provider: string) =>
      `  a: { arn: "${arn("a")}", provider: ${provider}, rotate: manual, quiet: 0s, consumers: [{ name: w, maxStale: 2d }] }`;
    expect(mistakesOf(block("mian"))).toEqual([
      expect.stringContaining("no such provider: did you mean main?"),
      expect.stringContaining("longer than the overlap of 1d"),
    ]);
    expect(mistakesOf(block("something-else"))[0]).toContain("no such provider: this file has main, quiet");
  });

  test.each([
    ["{ every: 90s }", "rotate.every: write whole minutes, hours or days"],
    ["{ every: soon }", "rotate.every: write whole minutes, hours or days"],
    ['{ cron: "0 3 1 * *" }', "rotate.cron: a cron has six fields"],
    ["{ at: tomorrow }", "rotate.at: write a date and time"],
    ['{ at: "2027-02-30T03:00:00" }', "rotate.at: write a date and time"],
    ['{ at: "2027-13-01T03:00:00" }', "rotate.at: write a date and time"],
    ["{ every: 1d, at: 2027-01-01T00:00:00 }", "rotate: write `manual`, or one of every"],
    ["{}", "rotate: write `manual`, or one of every"],
    ["weekly", "rotate: write `manual`, or one of every"],
    ["[1]", "rotate: write `manual`, or one of every"],
    ["{ evry: 1d }", "rotate.evry: unknown field: write `manual`, or one of every"],
    ['{ cron: "0 3 1 * ? *", timezone: Mars/Olympus }', "rotate.timezone: write a time zone"],
    ['{ cron: "0 3 1 * ? *", timezone: 2 }', "rotate.timezone: write a time zone"],
    ["{ every: 30d, timezone: Europe/Berlin }", "rotate.timezone: a time zone means nothing here"],
    [
      "{ at: 2027-01-01T00:00:00Z, timezone: Europe/Berlin }",
      "rotate.timezone: a time zone means nothing here",
    ],
    ["{ every: 12h }", "rotate: rotates again after 12h, but one rotation may take the overlap of 1d"],
    [
      "{ every: 24h }",
      "rotate: rotates again after 1d, but one rotation may take the overlap of 1d and the quiet",
    ],
    [
      '{ cron: "0 3,9 ? * MON *" }',
      "and the quiet window of 30m; it fires 2026-12-07 03:00:00Z, 2026-12-07 09:00:00Z, 2026-12-14 03:00:00Z",
    ],
    ['{ cron: "0 3 31 2 ? *" }', "rotate: never fires again: there is no such day in its years"],
    ['{ cron: "0 3 1 * ? 2025" }', "rotate: never fires again: there is no such day in its years"],
    ["{ at: 2026-11-30T11:59:00 }", "rotate: never fires again: this time is past"],
    ["{ at: 2026-11-30T13:30:00+02:00 }", "rotate: never fires again: this time is past"],
    ['{ cron: "0 3 1 * ? *", timezone: europe/berlin }', "as AWS spells it: did you mean Europe/Berlin?"],
    ['{ cron: "0 3 1 * ? *", timezone: "+02:00" }', "rotate.timezone: write a time zone"],
    ['{ cron: "0 3 1 * ? *", timezone: us/pacific }', "rotate.timezone: write a time zone"],
  ])("rotate: %s", (rotate, message) => {
    const block = `  a: { arn: "${arn("a")}", provider: main, rotate: ${rotate}, consumers: none }`;
    expect(mistakesOf(block)).toEqual([expect.stringContaining(message)]);
  });

  test.each([
    ["an empty list", "[]", "consumers: no consumers: name them"],
    ["a word", "some", "consumers: write none or rekey, or a block"],
    ["no name", "[{ maxStale: 5m }]", "consumers.0.name: name is missing"],
    [
      "the same one twice",
      "[{ name: w }, { name: w }]",
      "consumers.1.name: consumer production/w is declared twice",
    ],
    [
      "a cache that outlives the overlap",
      "[{ name: w, maxStale: 2d }]",
      "consumers.0.maxStale: w may use a key for 2d without asking, longer than the overlap of 1d",
    ],
    [
      "a cadence longer than the overlap",
      "[{ name: w, cadence: 7d }]",
      "consumers.0.cadence: w runs every 7d, so it cannot be seen within the overlap of 1d",
    ],
    [
      "evidence nobody knows",
      "[{ name: w, evidence: [vibes] }]",
      "consumers.0.evidence.0: evidence is one of client",
    ],
    ["an unknown field", "[{ name: w, maxstale: 5m }]", "did you mean maxStale?"],
    [
      "an account that YAML read as a number",
      "[{ name: w, account: 111122223333 }]",
      "consumers.0.account: an AWS account is twelve digits in quotes",
    ],
    [
      "a repository by its last part",
      "[{ name: w, repositories: [shop] }]",
      "consumers.0.repositories.0: a repository is written as acme/shop, or with its host",
    ],
    ["a role that is none", "[{ name: w, roles: [me] }]", "consumers.0.roles.0: give the role's ARN"],
    [
      "two ways to refresh",
      "[{ name: w, refresh: { sqs: q, webhook: 'https://x.example' } }]",
      "consumers.0.refresh: name exactly one way to refresh",
    ],
    [
      "evidence of a platform that nobody can be asked about",
      "[{ name: w, evidence: [ecs] }]",
      "consumers.0.workload: ecs evidence needs what runs w",
    ],
    [
      "no way to refresh",
      "[{ name: w, refresh: {} }]",
      "consumers.0.refresh: name exactly one way to refresh",
    ],
    [
      "an open webhook",
      "[{ name: w, refresh: { webhook: 'http://x.example' } }]",
      "consumers.0.refresh: a webhook is an https address",
    ],
    [
      "a refresh nobody knows",
      "[{ name: w, refresh: { ecs: x } }]",
      'consumers.0.refresh.ecs: unknown field "ecs"',
    ],
    [
      "a word for a refresh",
      "[{ name: w, refresh: later }]",
      "consumers.0.refresh: write announce, or a block",
    ],
  ])("consumers: %s", (_title, consumers, message) => {
    const block = `  a: { arn: "${arn("a")}", provider: main, rotate: manual, consumers: ${consumers} }`;
    expect(mistakesOf(block)).toEqual([expect.stringContaining(message)]);
  });
});

test("every mistake of a file is there at once, in its order, with line and column", () => {
  const mistakes = mistakesOf(`
  a:
    arn: billing
    provider: mian
    rotate: { cron: "0 3 1 * * *" }
    overlapp: 2h
    overlap: 10 min
    consumers:
      - name: web
        evidence: [clint]
        maxStale: 3d
      - { maxStale: 1h }
  b:
    arn: ${arn("b")}
    provider: main
    rotate: { every: 90s }
    quiet: 5m
    consumers: []`);
  expect(mistakes.map((mistake) => mistake.split(":").slice(0, 2).join(":").replace(/ .*/, ""))).toEqual([
    ...["3:10", "4:15", "5:21", "6:5", "7:14", "10:20", "11:19", "12:9"],
    ...["16:22", "17:12", "18:5"],
  ]);
  expect(mistakes[6]).toBe(
    "11:19 secrets.a.consumers.0.maxStale: web may use a key for 3d without asking, longer than the overlap of 1d",
  );
});

describe("between secrets", () => {
  test("two policies for one secret are refused at the second", () => {
    const twice = `${plain("")}\n${plain("", "b").replace(arn("b"), arn("a"))}`;
    expect(mistakesOf(twice)).toEqual([
      expect.stringMatching(/^2:13 secrets.b.arn: a has this secret already/),
    ]);
  });

  test("an admin credential is never rotated", () => {
    expect(mistakesOf(plain("").replace(arn("a"), arn("admin")))).toEqual([
      expect.stringContaining("this is the admin credential of main: Rekey would lock itself out"),
    ]);
  });
});

describe("what is wrong around the secrets", () => {
  test.each([
    ["a provider of no kind", "  x: { adminCredential: b }", "providers.x.kind: kind is one of acme, silent"],
    [
      "a provider whose kind is one of Object's",
      "  x: { kind: constructor }",
      "providers.x.kind: kind is one of acme, silent",
    ],
    ["a provider that is no block", "  x: 7", "providers.x.kind: kind is one of acme, silent"],
    [
      "a setting that its kind does not know",
      `  x: { kind: acme, adminCredential: "${arn("x")}", project: proj_1, projct: 1 }`,
      'providers.x.projct: unknown field "projct": did you mean project?',
    ],
    [
      "a setting that its kind refuses",
      `  x: { kind: acme, adminCredential: "${arn("x")}", project: sk-FAKE }`,
      "providers.x.project: this is not of the form it has to have",
    ],
    [
      "a setting that is missing",
      `  x: { kind: acme, adminCredential: "${arn("x")}" }`,
      "providers.x.project: this field is missing",
    ],
    [
      "a setting of another type",
      `  x: { kind: acme, adminCredential: "${arn("x")}", project: 7 }`,
      "providers.x.project: this has to be a string",
    ],
    [
      "a name that is none",
      `  "x y": { kind: acme, adminCredential: "${arn("x")}", project: proj_1 }`,
      "providers.x y: a name starts with",
    ],
  ])("%s", (_title, provider, message) => {
    const text = `${head}${provider}\nsecrets:\n${plain("")}`;
    const mistakes = mistakesInFile(text);
    expect(mistakes).toEqual([expect.stringContaining(message)]);
    expect(mistakes.join()).not.toContain("sk-FAKE");
  });

  test("an empty file says what it needs", () => {
    expect(mistakesInFile("{}")).toEqual([
      expect.stringContaining("version is missing"),
      expect.stringContaining("environment is missing"),
      expect.stringContaining("account is missing"),
      expect.stringContaining("providers is missing"),
      expect.stringContaining("secrets is missing"),
    ]);
  });

  test("a file without a secret is refused, for it would remove every policy", () => {
    expect(mistakesInFile(`${head}secrets: {}`)).toEqual([expect.stringContaining("no secret is named")]);
  });

  test("a version from the future is refused", () => {
    expect(mistakesInFile(`${head.replace("version: 1", "version: 2")}secrets:\n${plain("")}`)).toEqual([
      "1:10 version: this Rekey reads version 1",
    ]);
  });
});

describe("hostile YAML", () => {
  const bomb = [
    "a: &a [x,x,x,x,x,x,x,x,x]",
    ...["b", "c", "d"].map((name, at) => `${name}: &${name} [${Array(9).fill(`*${"abc"[at]}`).join(",")}]`),
  ].join("\n");
  test.each([
    ["a field that is there twice", "version: 1\nversion: 1", "2:1 this field is there twice"],
    ["a bomb of aliases", bomb, "1:1 its aliases expand to too much"],
    ["an alias inside what it means", "x: &a [*a]", "1:8 an alias cannot stand inside what it means"],
    ["an alias of nothing", "a: *nope", "1:4 no anchor of this name stands before it"],
    ["__proto__", "secrets: { __proto__: { arn: x } }", '1:12 "__proto__" cannot be a name'],
    ["constructor", "secrets: { constructor: 1 }", '1:12 "constructor" cannot be a name'],
    ["a tag", "a: !!js/function x", "1:4 tags such as !this are not supported"],
    ["a second document", "a: 1\n---\nb: 2", "2:1 a policy file is one document: take out the second ---"],
    ["a tab", "\ta: 1", "1:1 indent with spaces, not with tabs"],
    ["too many brackets", "[".repeat(100_000), "the file is nested too deeply"],
    ["a program", "\x7fELF\0[\n]: }\n", "1:1 this is no text file"],
    ["too much text", " ".repeat(2_000_000), "1:1 the file has more than 1048576 characters"],
  ])("%s is refused", (_title, text, message) => {
    expect(mistakesInFile(text)).toContainEqual(expect.stringContaining(message));
    expect(({} as Record<string, unknown>)["arn"]).toBeUndefined();
  });

  test("what is no YAML is not quoted", () => {
    const mistakes = mistakesInFile('a: "sk-svcacct-FAKE-0000\nb: [');
    expect(mistakes.length).toBeGreaterThan(0);
    expect(mistakes.join()).not.toContain("FAKE");
  });
});

describe("the store of a secret", () => {
  const unsafe = { ...storeKind(), capabilities: { ...storeKind().capabilities, consumersSeePending: true } };
  const read = (extra: string) => {
    const file = parsePolicyFile(
      { text: `${head}secrets:\n${plain(extra)}` },
      {
        kinds,
        stores: { ...stores, unsafe },
        nowMs,
      },
    );
    return "mistakes" in file ? file.mistakes.map(({ message }) => message) : [];
  };

  test("is Secrets Manager unless its block names another kind", () => {
    expect(read("")).toEqual([]);
    expect(read(", store: secrets-manager")).toEqual([]);
    expect(read(", store: shoebox")).toEqual([expect.stringContaining("store is one of secrets-manager")]);
  });

  test("is refused for a rotation where consumers would see pending versions, and can be watched", () => {
    expect(read(", store: unsafe")).toEqual([expect.stringContaining("before it is proven")]);
    expect(read(", store: unsafe, mode: index")).toEqual([]);
  });
});

function storeKind() {
  return Object.values(stores)[0] as (typeof stores)[string];
}
