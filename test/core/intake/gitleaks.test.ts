import { fingerprintOf, shownFor } from "../../../events/fingerprint.ts";
import { gitleaks } from "../../../events/intake/gitleaks.ts";
import { bytes, sample, spellingsIn } from "./samples.ts";

const key = "sk-proj-FAKEFAKEFAKE0001";
const commit = "f14d7debf9775f957cf4f1e8176da0786431f72b";
const sarifWith = (changes: { driver?: string; result?: object }) => {
  const sarif = JSON.parse(sample("gitleaks-sarif.json").toString());
  const [run] = sarif.runs;
  run.tool.driver.name = changes.driver ?? run.tool.driver.name;
  Object.assign(run.results[0], changes.result ?? {});
  return gitleaks.parse(bytes(sarif), {});
};

test("a finding names its key, and a redacted one only its place", () => {
  const outcome = gitleaks.parse(sample("gitleaks.json"), {});

  expect(outcome.start).toMatchObject([
    {
      source: "gitleaks",
      identity: { kind: "fingerprint", values: [fingerprintOf(key)] },
      provider: "openai-api-key",
      exposure: "unknown",
      verified: "unknown",
      exposedAtMs: Date.parse("2026-11-22T02:58:00Z"),
      where: [`https://github.com/acme/shop/blob/${commit}/deploy/.env#L7`],
    },
    {
      identity: { kind: "location", url: "scripts/seed.py:31" },
      sourceId: "generic-api-key:scripts/seed.py:31",
    },
  ]);
  expect(spellingsIn(outcome, key)).toEqual([]);
});

test("a partly redacted key is not taken for a key", () => {
  const outcome = gitleaks.parse(
    bytes([{ RuleID: "openai-api-key", Secret: "sk-proj-FAKEFAKE...", File: "a", StartLine: 1 }]),
    {},
  );
  expect(outcome.start[0]?.identity).toEqual({ kind: "location", url: "a:1" });
});

test("SARIF of gitleaks gives the same key by the same id as its JSON", () => {
  const outcome = gitleaks.parse(sample("gitleaks-sarif.json"), {});

  expect(outcome.start).toMatchObject([
    {
      identity: { kind: "fingerprint", values: [fingerprintOf(key)] },
      sourceId: gitleaks.parse(sample("gitleaks.json"), {}).start[0]?.sourceId,
      where: [`${commit} deploy/.env:7`],
    },
  ]);
  expect(spellingsIn(outcome, key)).toEqual([]);
});

test("SARIF of another tool names only a place, and its snippet is hidden all the same", () => {
  const region = { startLine: 7, snippet: { text: key } };
  const locations = [{ physicalLocation: { artifactLocation: { uri: `dump/${key}.txt` }, region } }];
  const outcome = sarifWith({ driver: "other-scanner", result: { locations } });

  expect(outcome.start[0]?.identity).toEqual({
    kind: "location",
    url: `${commit} dump/${shownFor(key)}.txt:7`,
  });
  expect(spellingsIn(outcome, key)).toEqual([]);
});

test("a finding is not lost because a field that only helps is missing or odd", () => {
  const odd = {
    RuleID: "stripe-access-token",
    Secret: key,
    File: 7,
    StartLine: "7",
    Commit: null,
    Link: {},
    Date: 0,
  };
  expect(gitleaks.parse(bytes([odd]), {}).start).toMatchObject([
    { identity: { kind: "fingerprint" }, where: ["stripe-access-token"] },
  ]);
  expect(
    sarifWith({ result: { ruleId: 1, locations: "none", partialFingerprints: null } }).start,
  ).toMatchObject([{ identity: { kind: "location" }, provider: "unknown" }]);
});

test("a run without results has none", () => {
  const runs = [{ tool: { driver: { name: "gitleaks" } } }];
  expect(gitleaks.parse(bytes({ runs }), {}).start).toEqual([]);
});

test("a suppressed result starts nothing", () => {
  expect(sarifWith({ result: { suppressions: [{ kind: "inSource" }] } })).toMatchObject({
    start: [],
    ignored: [{ reason: "suppressed" }],
  });
  expect(sarifWith({ result: { suppressions: [] } }).start).toHaveLength(1);
});

test("a clean report starts nothing, and one that was cut off is refused", () => {
  expect(gitleaks.parse(bytes("[]"), {}).start).toEqual([]);
  expect(() => gitleaks.parse(sample("gitleaks.json").subarray(0, -3), {})).toThrow(
    "not JSON: was it cut off?",
  );
});

describe("Betterleaks", () => {
  const place = { attributes: { path: ".env", "git.sha": commit, "git.date": "2026-11-22T02:58:00Z" } };
  const versions: Readonly<Record<string, object>> = {
    "with a camel-case rule": {
      ...{ ruleID: "openai-api-key", secret: key, match: `KEY=${key}`, ...place },
      ...{ location: { startLine: 7 }, validation: { status: "valid" } },
    },
    "with the key in its match": {
      ...{ schema_version: 1, ruleID: "openai-api-key", match: { full: `KEY=${key}`, value: key } },
      ...{ ...place, location: { path: ".env", startLine: 7 }, validation: { status: "valid" } },
    },
  };

  test.each(Object.entries(versions))("%s: names the key and its place", (_, finding) => {
    for (const text of [JSON.stringify([finding]), JSON.stringify(finding), `${JSON.stringify(finding)}\n`]) {
      const outcome = gitleaks.parse(bytes(text), {});
      expect(outcome.start).toMatchObject([
        {
          identity: { kind: "fingerprint", values: [fingerprintOf(key)] },
          ...{ provider: "openai-api-key", verified: "live", where: [`${commit} .env:7`] },
          exposedAtMs: Date.parse("2026-11-22T02:58:00Z"),
        },
      ]);
      expect(spellingsIn(outcome, key)).toEqual([]);
    }
  });

  test("one finding a line is read like an array", () => {
    const lines = Object.values(versions).map((finding) => JSON.stringify(finding));
    expect(gitleaks.parse(bytes(lines.join("\n")), {}).start).toHaveLength(1);
  });

  test("its SARIF names the key", () => {
    expect(sarifWith({ driver: "betterleaks" }).start[0]?.identity.kind).toBe("fingerprint");
  });
});

test("`null` is a clean scan, and a record without a rule refuses the report", () => {
  expect(gitleaks.parse(bytes("null"), {}).start).toEqual([]);
  expect(() => gitleaks.parse(bytes([{ secret: key }]), {})).toThrow("finding 1 of the report has no RuleID");
});
