import * as fc from "fast-check";
import { RotationError } from "../../../core/errors.ts";
import { AlertSchema, alertLimits } from "../../../events/alert.ts";
import { shownFor } from "../../../events/fingerprint.ts";
import { printable, withoutCredentials } from "../../../events/intake/edge/clean-outcome.ts";
import { headerOf } from "../../../events/intake/edge/source.ts";
import { intakeSources } from "../../../events/intake/index.ts";
import { report } from "../../../events/intake/report.ts";
import { trufflehog } from "../../../events/intake/trufflehog.ts";
import { bytes, sample, spellingsIn } from "./samples.ts";

const headers = { "x-github-event": "secret_scanning_alert" };
const sources = [...intakeSources.values()];
const key = "sk-proj-FAKEFAKEFAKE0001";
const whereOf = (where: readonly string[]) =>
  report.parse(bytes({ alerts: [{ id: "1", key, where }] }), {}).start[0]?.where;

describe.each(sources.map((source) => [source.name, source] as const))("%s", (_, source) => {
  test("refuses what is not UTF-8, not JSON or nested too deep, and quotes none of it", () => {
    const bodies = [
      Buffer.from([0xff, 0xfe, 0x7b, 0x00]),
      bytes(`{"alert": ${key}`),
      bytes(`{"action":"created","alert":${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
      bytes(`{"DetectorName":"x","alerts":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}`),
    ];
    for (const body of bodies) {
      const message = messageOf(() => source.parse(body, headers));
      expect(message).toMatch(/UTF-8|not JSON|nested deeper/);
      expect(spellingsIn(message, "sk-proj")).toEqual([]);
    }
  });

  test("refuses a body over its limit", () => {
    expect(messageOf(() => source.parse(Buffer.alloc(17 * 1024 * 1024, " "), headers))).toMatch(
      /bytes, at most/,
    );
  });

  test("answers any JSON with alerts that fit the bus, or refuses it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const outcome = outcomeOf(() => source.parse(bytes(value), headers));
        for (const alert of [...outcome.start, ...outcome.append]) AlertSchema.parse(alert);
      }),
      { numRuns: 100 },
    );
  });
});

test("brackets inside a text are not nesting", () => {
  const place = `"${"[{".repeat(40)}\\`;
  expect(whereOf([place])).toEqual([place]);
});

test("a byte order mark in front of a report is no part of it", () => {
  expect(report.parse(bytes(`\uFEFF{"alerts":[{"id":"1","key":"${key}"}]}`), {}).start).toHaveLength(1);
});

test("__proto__ in a body changes nothing", () => {
  const polluted = '{"__proto__":{"isAdmin":true,"where":["x"]},"constructor":{"prototype":{"isAdmin":true}}';
  const bodies = [
    `${polluted},"alerts":[{"id":"1","key":"${key}"}]}`,
    `${polluted},"DetectorName":"X","Raw":"${key}","SecretParts":{"__proto__":"FAKE-proto-part"},` +
      `"ExtraData":{"__proto__":{"is_canary":"true"}}}`,
    `[${polluted},"RuleID":"x","Secret":"${key}"}]`,
  ];
  for (const source of sources)
    for (const body of bodies) outcomeOf(() => source.parse(bytes(body), headers));

  expect(Object.hasOwn(Object.prototype, "isAdmin")).toBe(false);
  expect(trufflehog.parse(bytes(bodies[1]), {}).start).toHaveLength(1);
  expect(intakeSources.get("__proto__")).toBeUndefined();
  expect(headerOf({ ["__proto__"]: "x" }, "x-hub-signature-256")).toBeUndefined();
});

test("control, bidi and separator characters leave as escapes", () => {
  expect(whereOf(["a\nb\u0000\u001b[31m\u202Ec\u2028d"])).toEqual([
    "a\\u{a}b\\u{0}\\u{1b}[31m\\u{202e}c\\u{2028}d",
  ]);
  expect(printable("\uD800 é 🔑")).toBe("\\u{d800} é 🔑");
});

test("a key across a line break is hidden before it is escaped", () => {
  const pem = "FAKE-BEGIN\nFAKE-KEY-BODY\nFAKE-END";
  const outcome = report.parse(bytes({ alerts: [{ id: "1", key: pem, where: [`x ${pem} y`] }] }), {});
  expect(outcome.start[0]?.where).toEqual([`x ${shownFor(pem)} y`]);
});

test("a key at the end of a long place is not cut in two but hidden", () => {
  for (let before = 270; before < 310; before += 1) {
    const [place = ""] = whereOf(["x".repeat(before) + key]) ?? [];
    expect(place.length).toBeLessThanOrEqual(alertLimits.whereLength);
    expect(place).not.toContain("sk-");
  }
});

test("an address loses its user, query and fragment but keeps its line", () => {
  const rows = [
    ["https://user:p@ss@git.acme.test/shop.git x", "https://git.acme.test/shop.git x"],
    ["https://acme.test/a?token=FAKE#L7", "https://acme.test/a#L7"],
    ["https://acme.test/a#L7-L9", "https://acme.test/a#L7-L9"],
    ["https://acme.test/a#access_token=FAKE", "https://acme.test/a"],
    ["HTTPS://acme.test/a?x=FAKE https://acme.test/b?y=FAKE", "HTTPS://acme.test/a https://acme.test/b"],
    ["dir/what?.txt:3", "dir/what?.txt:3"],
  ];
  for (const [given = "", shown] of rows) expect(withoutCredentials(given)).toBe(shown);
});

test("a report with too many findings is refused whole, and says what to do", () => {
  const finding = JSON.stringify({ DetectorName: "X", Raw: key });
  const lines = (count: number) => bytes(Array.from({ length: count }, () => finding).join("\n"));

  expect(trufflehog.parse(lines(5_000), {}).start).toHaveLength(1);
  expect(messageOf(() => trufflehog.parse(lines(5_001), {}))).toMatch(
    /5001 findings, at most 5000: split it/,
  );
});

test("places of one key stop at a number", () => {
  const lines = Array.from({ length: 100 }, (_, line) => ({
    DetectorName: "X",
    Raw: key,
    SourceMetadata: { Data: { Git: { file: "a", line } } },
  }));
  expect(trufflehog.parse(bytes(lines), {}).start[0]?.where).toHaveLength(alertLimits.whereMax);
});

test("two long ids with the same beginning stay two", () => {
  const alerts = ["a", "b"].map((end) => ({ id: "x".repeat(1_000) + end, key }));
  const ids = report.parse(bytes({ alerts }), {}).start.map(({ sourceId }) => sourceId);

  expect(new Set(ids).size).toBe(2);
  for (const id of ids) expect(id.length).toBeLessThanOrEqual(alertLimits.idLength);
});

describe("input made to be slow is read in linear time", () => {
  const bodies: Readonly<Record<string, () => unknown>> = {
    "places of almost-addresses": () =>
      whereOf([`https://${"a:@".repeat(1_300)}`, "://".repeat(1_300), "#L".repeat(2_000)]),
    "keys that are each other's beginnings": () => {
      const findings = Array.from({ length: 1_000 }, (_, n) => ({
        DetectorName: "X",
        Raw: `${"a".repeat(8 + (n % 900))}c${n}`,
        SourceMetadata: { Data: { Git: { file: "a".repeat(500) } } },
      }));
      return trufflehog.parse(bytes(findings), {});
    },
    "one huge key of wrappings": () => {
      const Raw = "%41\\\\".repeat(10_000);
      return trufflehog.parse(bytes(Array.from({ length: 20 }, () => ({ DetectorName: "X", Raw }))), {});
    },
    "long names of detectors": () =>
      trufflehog.parse(bytes([{ DetectorName: "-".repeat(1_000_000), Raw: key }]), {}),
    "dates of digits and blanks": () =>
      trufflehog.parse(
        bytes([
          {
            DetectorName: "X",
            Raw: key,
            SourceMetadata: { Data: { Git: { timestamp: `2026-11-22 ${"0".repeat(1e6)}` } } },
          },
        ]),
        {},
      ),
  };
  for (const [what, read] of Object.entries(bodies)) {
    test(what, () => {
      const before = process.cpuUsage();
      read();
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1_000).toBeLessThan(2_000);
    });
  }
});

test("every sample, read by every source, gives no key away", () => {
  const samples = [
    "github-fetched.json",
    "gitguardian-test.json",
    "trufflehog.ndjson",
    "gitleaks.json",
    "gitleaks-sarif.json",
    "report.json",
  ];
  const keys = [key, "sk_test_FAKEFAKEFAKEFAKE", "FAKEsecretFAKEsecretFAKEsecretFAKE000001"];
  for (const source of sources) {
    for (const name of samples) {
      const said = saidBy(() => source.parse(sample(name), headers));
      for (const plaintext of keys) expect(spellingsIn(said, plaintext)).toEqual([]);
    }
  }
});

function saidBy(act: () => unknown): unknown {
  try {
    return act();
  } catch (refused) {
    if (refused instanceof RotationError) return [refused.message, String(refused.cause), refused.stack];
    throw refused;
  }
}

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (refused) {
    if (refused instanceof RotationError) return refused.message;
    throw refused;
  }
  return "nothing was refused";
}

function outcomeOf<T extends { start: readonly unknown[]; append: readonly unknown[] }>(act: () => T) {
  try {
    return act();
  } catch (refused) {
    if (refused instanceof RotationError) return { start: [], append: [] };
    throw refused;
  }
}
