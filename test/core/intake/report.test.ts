import { AlertSchema } from "../../../events/alert.ts";
import { fingerprintOf, shownFor } from "../../../events/fingerprint.ts";
import { report } from "../../../events/intake/report.ts";
import { bytes, sample, spellingsIn } from "./samples.ts";

const key = "sk-proj-FAKEFAKEFAKE0001";
const parse = (alert: object) => report.parse(bytes({ alerts: [{ id: "case-1", ...alert }] }), {});

test("the sample names keys by plaintext, fingerprint, id and hint", () => {
  const outcome = report.parse(sample("report.json"), {});

  expect(outcome.start.map(({ identity }) => identity)).toEqual([
    { kind: "fingerprint", values: [fingerprintOf(key)] },
    { kind: "fingerprint", values: ["sha1:0000000000000000000000000000000000fa4e18"] },
    { kind: "keyId", provider: "anthropic", keyId: "apikey_01FAKE19" },
    { kind: "hint", provider: "openai", hint: "sk-...FAK0" },
  ]);
  expect(outcome.start[0]).toMatchObject({
    sourceId: "case-17",
    detectedAtMs: Date.parse("2026-11-22T03:00:00Z"),
    exposedAtMs: Date.parse("2026-11-22T02:41:00Z"),
    exposure: "public",
    verified: "live",
  });
  expect(spellingsIn(outcome, key)).toEqual([]);
});

test("the other fields say nothing unless they are given", () => {
  expect(parse({ location: "https://paste.example/1" }).start).toEqual([
    {
      schema: 1,
      source: "report",
      sourceId: "case-1",
      identity: { kind: "location", url: "https://paste.example/1" },
      exposure: "unknown",
      verified: "unknown",
      where: ["https://paste.example/1"],
    },
  ]);
});

test("a synthetic leak starts, marked as a test", () => {
  expect(parse({ key, test: true }).start[0]?.test).toBe(true);
});

test("a hint that shows nearly all of the key is taken as the key and dropped", () => {
  const full = "sk-proj-FAKEFAKEFAKEFAKEFAKE0001";
  const outcome = parse({ hint: full });

  expect(outcome.start[0]?.identity).toEqual({ kind: "fingerprint", values: [fingerprintOf(full)] });
  expect(spellingsIn(outcome, full)).toEqual([]);
});

test("a key repeated in other fields, in any spelling and in other alerts, is hidden there", () => {
  const odd = 'FAKE/key+with "quotes"';
  const spellings = [
    odd,
    encodeURIComponent(odd),
    Buffer.from(odd).toString("base64"),
    Buffer.from(odd).toString("base64url"),
  ];
  const outcome = report.parse(
    bytes({
      alerts: [
        {
          id: `1 ${odd}`,
          key: odd,
          provider: odd,
          where: spellings.map((spelling) => `https://x.test/${spelling}/y`),
        },
        { id: "2", hint: odd.slice(0, 12), location: `https://x.test/${odd}`, where: [`Bearer ${odd}`] },
        { id: "3", keyId: odd, provider: "openai" },
      ],
    }),
    {},
  );

  expect(spellingsIn(outcome, odd)).toEqual([]);
  expect(outcome.start[1]?.where).toContain(`Bearer ${shownFor(odd)}`);
});

test("two keys under one id stay two alerts, and a repeat of one becomes one", () => {
  const ids = report.parse(
    bytes({
      alerts: [
        { id: "1", key },
        { id: "1", key: "FAKE-other-key" },
        { id: "1", key, where: ["again"] },
      ],
    }),
    {},
  );
  expect(ids.start.map(({ where }) => where)).toEqual([["again"], []]);
});

test("of a repeat the earliest times and the worse exposure count", () => {
  const early = {
    id: "1",
    key,
    detectedAt: "2026-11-22T03:00:00Z",
    exposedAt: "2026-11-20T00:00:00Z",
    verified: "dead",
  };
  const late = { id: "1", key, detectedAt: "2026-11-22T04:00:00Z", exposure: "public" };
  for (const alerts of [
    [early, late],
    [late, early],
  ]) {
    expect(report.parse(bytes({ alerts }), {}).start).toMatchObject([
      {
        detectedAtMs: Date.parse(early.detectedAt),
        exposedAtMs: Date.parse(early.exposedAt),
        exposure: "public",
        verified: "unknown",
      },
    ]);
  }
});

test("an id, hint or place that is nothing but the key is still said to be there", () => {
  const { start } = report.parse(
    bytes({
      alerts: [
        { id: key, key, where: [" "] },
        { id: "2", hint: "…FAKE" },
      ],
    }),
    {},
  );
  expect(start).toMatchObject([{ sourceId: shownFor(key) }, { identity: { kind: "hint", hint: "…FAKE" } }]);
});

describe("a report is refused, without a word of it in the message, when", () => {
  const rows: Readonly<Record<string, object>> = {
    "no key is named": {},
    "the key is too short": { key: "short" },
    "a key id has no provider": { keyId: "k-1" },
    "a field is unknown": { Key: key },
    "a field has another type": { key: [key] },
    "an enum is unknown": { key, exposure: key },
    "a fingerprint is not one": { fingerprints: [key] },
    "a time is not one": { key, detectedAt: key },
    "a place is too long": { key, where: [key.repeat(200)] },
    "there are too many places": { key, where: Array.from({ length: 21 }, (_, n) => `place ${n}`) },
  };
  for (const [when, alert] of Object.entries(rows)) {
    test(when, () => {
      const message = messageOf(() => parse(alert));
      expect(message).toMatch(/report/);
      expect(spellingsIn(message, key)).toEqual([]);
    });
  }
});

test("every alert is what the bus's schema demands", () => {
  for (const alert of report.parse(sample("report.json"), {}).start)
    expect(AlertSchema.parse(alert)).toEqual(alert);
});

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (refused) {
    if (refused instanceof Error && refused.name === "InputInvalid") return refused.message;
    throw refused;
  }
  return "nothing was refused";
}

describe("a key in a field where no key belongs", () => {
  const other = "sk-proj-FAKEotherFAKEotherFAKE0002";
  const findKeys = (text: string) => text.match(/sk-proj-[A-Za-z0-9]{16,}/g) ?? [];
  const read = (alert: object) => report.parse(bytes({ alerts: [alert] }), {}, findKeys);

  test.each([
    ["id", { id: other, key }],
    ["location", { id: "1", location: `https://paste.example/${other}` }],
    ["where", { id: "1", key, where: [`found ${other} here`] }],
    ["provider", { id: "1", key, provider: other }],
  ])("%s: is replaced by the beginning of its fingerprint, and counted", (_, alert) => {
    const outcome = read(alert);

    expect(spellingsIn(outcome, other)).toEqual([]);
    expect(outcome.hidden).toBeGreaterThan(0);
  });

  test("keyId: names the leaked key by its fingerprint", () => {
    expect(read({ id: "1", keyId: other, provider: "openai" }).start[0]?.identity).toEqual({
      kind: "fingerprint",
      values: [fingerprintOf(other)],
    });
  });

  test("is not cut in two by the limit of a place", () => {
    const place = `${"x ".repeat(140)}${other}`;
    expect(JSON.stringify(read({ id: "1", key, where: [place] }))).not.toContain("sk-proj");
  });
});
