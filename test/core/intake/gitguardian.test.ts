import { aliasesOf } from "../../../events/fingerprint.ts";
import { gitguardian } from "../../../events/intake/gitguardian.ts";
import { bytes, sample, sampleWith, spellingsIn } from "./samples.ts";

const parse = (changes: object) => gitguardian.parse(sampleWith("gitguardian.json", { ...changes }), {});

test("an incident starts an alert whose HMSL hash is an alias of the key", () => {
  expect(gitguardian.parse(sample("gitguardian.json"), {})).toEqual({
    start: [
      {
        schema: 1,
        source: "gitguardian",
        sourceId: "incident:900001",
        detectedAtMs: Date.parse("2026-11-22T03:01:01Z"),
        identity: { kind: "fingerprint", values: [aliasesOf("sk_test_example").hmsl] },
        exposure: "unknown",
        verified: "live",
        provider: "stripe-keys",
        where: ["https://dashboard.gitguardian.com/workspace/1/incidents/900001"],
      },
    ],
    append: [],
    ignored: [],
  });
});

test("an occurrence in a public repository is public exposure, with its place and date", () => {
  const { start } = gitguardian.parse(sample("gitguardian-occurrence.json"), {});

  expect(start).toMatchObject([
    {
      sourceId: "incident:900001",
      exposure: "public",
      exposedAtMs: Date.parse("2026-11-22T03:08:59Z"),
      where: expect.arrayContaining(["https://github.com/acme/website/blob/d670460b/config.js#L3"]),
    },
  ]);
});

test("the dashboard's test message starts nothing and its plaintext goes nowhere", () => {
  const outcome = gitguardian.parse(sample("gitguardian-test.json"), {});

  expect(outcome).toEqual({ start: [], append: [], ignored: [{ reason: "test", sourceId: "test message" }] });
  expect(spellingsIn(outcome, "sk_test_FAKEFAKEFAKEFAKE")).toEqual([]);
});

describe("what each action does", () => {
  const rows: readonly (readonly [string, object, string])[] = [
    ["incident_triggered", {}, "start"],
    ["incident_triggered", { validity: "not_checked" }, "start"],
    ["incident_triggered", { validity: "invalid" }, "inactive"],
    ["incident_triggered", { secret_revoked: true }, "inactive"],
    ["incident_triggered", { validity: "invalid", declarative_secret_status: "revoked" }, "start"],
    ["incident_triggered", { status: "IGNORED" }, "resolved"],
    ["incident_reopened", {}, "start"],
    ["incident_regression", {}, "start"],
    ["new_occurrence", {}, "start"],
    ["new_occurrence", { status: "resolved" }, "resolved"],
    ["incident_validity_changed", { validity: "valid" }, "start"],
    ["incident_validity_changed", { validity: "invalid" }, "inactive"],
    ["incident_validity_changed", { validity: "failed_to_check" }, "append"],
    ["incident_severity_changed", {}, "append"],
    ["incident_resolved", {}, "resolved"],
    ["incident_ignored", {}, "resolved"],
    ["incident_assigned", {}, "unknownEvent"],
    ["incident_shared_publicly", {}, "unknownEvent"],
    ["constructor", {}, "unknownEvent"],
  ];
  for (const [action, incident, outcome] of rows) {
    test(`${action} with ${JSON.stringify(incident)}: ${outcome}`, () => {
      const { start, append, ignored } = parse({ action, incident });
      const happened = [
        ...start.map(() => "start"),
        ...append.map(() => "append"),
        ...ignored.map(({ reason }) => reason),
      ];
      expect(happened).toEqual([outcome]);
    });
  }
});

test("visibility gives the exposure, and public monitoring is public", () => {
  const exposure = (visibility: string | undefined, incident = {}) =>
    parse({ incident, occurrence: { source: { visibility } } }).start[0]?.exposure;

  expect(exposure("public")).toBe("public");
  expect(exposure("private")).toBe("private");
  expect(exposure("internal")).toBe("private");
  expect(exposure(undefined)).toBe("unknown");
  expect(exposure(undefined, { declarative_secret_status: "active" })).toBe("public");
});

test("an incident without a hash that is one names only its place", () => {
  for (const hash of [undefined, null, "", "opaque", "g".repeat(64), "0".repeat(63)]) {
    expect(parse({ incident: { hmsl_hash: hash } }).start[0]?.identity.kind).toBe("location");
  }
});

test("an incident is not lost because a field that only helps is missing or odd", () => {
  const odd = {
    id: "x-1",
    date: 5,
    detector: "stripe",
    hmsl_hash: 7,
    gitguardian_url: null,
    status: null,
    validity: [],
  };
  expect(parse({ incident: odd, occurrence: { source: "none", url: 3 } }).start).toMatchObject([
    {
      sourceId: "incident:x-1",
      identity: { kind: "location", url: "incident x-1" },
      verified: "unknown",
      where: [],
    },
  ]);
});

test("the detector names the provider where it has no group", () => {
  expect(
    parse({ incident: { detector: { name: "openai_apikey", detector_group_name: null } } }).start[0]
      ?.provider,
  ).toBe("openai-apikey");
});

test("an event without an incident is refused", () => {
  expect(() => gitguardian.parse(bytes({ action: "incident_triggered" }), {})).toThrow("incident");
});
