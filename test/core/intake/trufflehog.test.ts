import { fingerprintOf } from "../../../events/fingerprint.ts";
import { trufflehog } from "../../../events/intake/trufflehog.ts";
import { bytes, sample, spellingsIn } from "./samples.ts";

const key = "sk-proj-FAKEFAKEFAKE0001";
const finding = { DetectorName: "OpenAI", Verified: true, Raw: key, RawV2: "", SecretParts: { key } };
const parse = (...changes: readonly object[]) =>
  trufflehog.parse(bytes(changes.map((change) => JSON.stringify({ ...finding, ...change })).join("\n")), {});
const valuesOf = (change: object) => {
  const identity = parse(change).start[0]?.identity;
  return identity?.kind === "fingerprint" ? identity.values : [];
};

test("the sample gives one alert per key, with every place, and leaves out log lines", () => {
  const { start, ignored } = trufflehog.parse(sample("trufflehog.ndjson"), {});

  expect(start.map(({ provider, verified, exposure }) => ({ provider, verified, exposure }))).toEqual([
    { provider: "openai", verified: "live", exposure: "unknown" },
    { provider: "aws", verified: "unknown", exposure: "public" },
  ]);
  expect(start[0]).toMatchObject({
    identity: { kind: "fingerprint", values: [fingerprintOf(key)] },
    exposedAtMs: Date.parse("2026-11-21T17:30:00Z"),
    where: [
      "https://github.com/acme/shop 0f00f14d7debf9775f957cf4f1e8176da0786431 .env:7",
      "https://github.com/acme/shop 1f00f14d7debf9775f957cf4f1e8176da0786431 backup/.env:3",
    ],
  });
  expect(start[0]).not.toHaveProperty("detectedAtMs");
  expect(ignored).toMatchObject([{ reason: "canary" }]);
});

test("no key of the sample, the canary's included, is in the outcome", () => {
  const outcome = trufflehog.parse(sample("trufflehog.ndjson"), {});

  for (const plaintext of [
    key,
    "FAKEsecretFAKEsecretFAKEsecretFAKE000001",
    "FAKEcanaryFAKEcanaryFAKEcanaryFAKE000002",
  ]) {
    expect(spellingsIn(outcome, plaintext)).toEqual([]);
  }
});

test("an array is read like lines", () => {
  const lines = sample("trufflehog.ndjson").toString().trim().split("\n");
  expect(trufflehog.parse(bytes(`[${lines.join(",")}]`), {})).toEqual(
    trufflehog.parse(sample("trufflehog.ndjson"), {}),
  );
});

test("a second scan gives the same ids", () => {
  const ids = () => trufflehog.parse(sample("trufflehog.ndjson"), {}).start.map(({ sourceId }) => sourceId);
  expect(ids()).toEqual(ids());
  expect(new Set(ids()).size).toBe(2);
});

describe("the text that counts as the key", () => {
  test("is in the named parts before RawV2 before Raw", () => {
    expect(valuesOf({ SecretParts: { key: "FAKE-part" }, RawV2: "FAKE-raw-v2", Raw: "FAKE-raw" })).toEqual([
      fingerprintOf("FAKE-part"),
    ]);
    expect(valuesOf({ SecretParts: {}, RawV2: "FAKE-raw-v2", Raw: "FAKE-raw" })).toContain(
      fingerprintOf("FAKE-raw-v2"),
    );
    expect(valuesOf({ SecretParts: null, RawV2: "", Raw: "FAKE-raw" })).toEqual([fingerprintOf("FAKE-raw")]);
  });

  test("is not a part that names an account, user or host", () => {
    const values = valuesOf({
      SecretParts: {
        username: "fake-user",
        host: "db.acme.test",
        access_key_id: "AKIAEXAMPLEFAKE00001",
        password: "FAKE-password",
      },
    });
    expect(values).toEqual([fingerprintOf("FAKE-password")]);
  });

  test("is what follows the id where an older report has only RawV2", () => {
    const values = valuesOf({
      SecretParts: undefined,
      Raw: "AKIAEXAMPLEFAKE00001",
      RawV2: "AKIAEXAMPLEFAKE00001:FAKEsecret0001",
    });
    expect(values).toContain(fingerprintOf("FAKEsecret0001"));
    expect(values).not.toContain(fingerprintOf("AKIAEXAMPLEFAKE00001"));
  });
});

test("a finding without a usable key is a place", () => {
  const change = {
    Raw: "",
    SecretParts: {},
    SourceMetadata: { Data: { S3: { bucket: "acme-dumps", file: "a.sql" } } },
  };
  expect(parse(change).start[0]?.identity).toEqual({ kind: "location", url: "acme-dumps a.sql" });
});

test("a canary starts nothing, however the flag is written", () => {
  for (const flag of ["true", "TRUE", true]) {
    expect(parse({ ExtraData: { is_canary: flag } })).toMatchObject({
      start: [],
      ignored: [{ reason: "canary" }],
    });
  }
  expect(parse({ ExtraData: { is_canary: "false" } }).start).toHaveLength(1);
});

test("GitHub's visibility is the exposure, and public when the enum's zero was left out", () => {
  const exposure = (kind: string, visibility?: unknown) =>
    parse({
      SourceMetadata: {
        Data: { [kind]: { file: "a", ...(visibility === undefined ? {} : { visibility }) } },
      },
    }).start[0]?.exposure;

  expect(exposure("Github")).toBe("public");
  expect(exposure("Github", "public")).toBe("public");
  expect(exposure("Github", 1)).toBe("private");
  expect(exposure("Github", 3)).toBe("unknown");
  expect(exposure("Git")).toBe("unknown");
});

test("the worse of two sightings of one key wins", () => {
  const github = { SourceMetadata: { Data: { Github: { file: "a" } } } };
  expect(parse({ Verified: false }, github).start).toMatchObject([{ verified: "live", exposure: "public" }]);
});

test("text lines are skipped, and a line that was cut off refuses the report", () => {
  const line = JSON.stringify(finding);
  expect(
    trufflehog.parse(bytes(`🐷🔑🐷  TruffleHog. Unearth your secrets.\n\n${line}\r\n`), {}).start,
  ).toHaveLength(1);
  expect(() => trufflehog.parse(bytes(`${line}\n${line.slice(0, -20)}`), {})).toThrow(
    "line 2 of the report is not JSON",
  );
});

test("a finding is not lost because a field that only helps is missing or odd", () => {
  const odd = {
    Verified: "yes",
    SecretParts: [],
    ExtraData: "none",
    SourceMetadata: { Data: { Git: "none" } },
  };
  expect(parse(odd, { SourceMetadata: null, Raw: "FAKE-raw-2", SecretParts: {} }).start).toMatchObject([
    { identity: { values: [fingerprintOf(key)] }, verified: "unknown", where: ["OpenAI"] },
    { identity: { values: [fingerprintOf("FAKE-raw-2")] } },
  ]);
});

test("an empty report starts nothing", () => {
  for (const empty of ["", "\n", "[]"]) expect(trufflehog.parse(bytes(empty), {}).start).toEqual([]);
});

describe("the older JSON", () => {
  const legacy = {
    ...{
      branch: "origin/main",
      commit: "add deploy",
      commitHash: "f14d7debf9775f957cf4f1e8176da0786431f72b",
    },
    ...{ date: "2021-03-04 05:06:07", diff: `+KEY=${key}`, path: "deploy/.env", printDiff: key },
    ...{ reason: "OpenAI", stringsFound: [key, "FAKE-other-key-0002"] },
  };

  test("names every key that it found, and its place", () => {
    const { start } = trufflehog.parse(bytes(legacy), {});

    expect(start.map(({ identity }) => identity)).toEqual([
      { kind: "fingerprint", values: [fingerprintOf(key)] },
      { kind: "fingerprint", values: [fingerprintOf("FAKE-other-key-0002")] },
    ]);
    expect(start[0]).toMatchObject({
      provider: "openai",
      where: ["f14d7debf9775f957cf4f1e8176da0786431f72b deploy/.env"],
      exposedAtMs: Date.parse("2021-03-04T05:06:07Z"),
    });
    expect(spellingsIn(start, key)).toEqual([]);
  });
});

test("a record that is neither a finding nor a log line refuses the report, and is not quoted", () => {
  for (const record of [{}, { detector: "OpenAI", secret: key }, 7, null]) {
    expect(() => trufflehog.parse(bytes([record]), {})).toThrow(
      "record 1 of the report is neither a finding nor a log line of TruffleHog",
    );
  }
});

test("output for people refuses the report, and a clean scan does not", () => {
  const plain = `Found verified result\nDetector Type: OpenAI\nRaw result: ${key}\n`;
  expect(() => trufflehog.parse(bytes(plain), {})).toThrow("run TruffleHog with --json");
  for (const clean of ["", "\n", "null", "[]"]) expect(trufflehog.parse(bytes(clean), {}).start).toEqual([]);
});

test("characters that are not UTF-8 cost no finding, unless they are in the key", () => {
  const latin1 = (text: string) => Buffer.from(text, "latin1");
  const named = { ...finding, SourceMetadata: { Data: { Git: { file: "caf\u00e9.env" } } } };
  const broken = { ...finding, Raw: "FAKE-caf\u00e9-key", SecretParts: {} };

  const { start } = trufflehog.parse(latin1(`${JSON.stringify(named)}\n${JSON.stringify(broken)}`), {});

  expect(start.map(({ identity }) => identity.kind)).toEqual(["fingerprint", "location"]);
  expect(JSON.stringify(start)).not.toContain("FAKE-caf");
});
