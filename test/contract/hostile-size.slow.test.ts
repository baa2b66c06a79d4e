import type { IntakeSource } from "../../events/intake/edge/source.ts";
import { github } from "../../events/intake/github.ts";
import { gitleaks } from "../../events/intake/gitleaks.ts";
import { report } from "../../events/intake/report.ts";
import { trufflehog } from "../../events/intake/trufflehog.ts";
import { readAlerts } from "../../providers/read-alerts.ts";

const megabyte = 1024 * 1024;
/** The most that a function URL hands over. */
const largest = 6 * megabyte - 1_024;

const filled = (unit: string, size: number) => unit.repeat(Math.floor(size / unit.length));

/** As many records as fit, each made by its number. */
function listOf(size: number, one: (n: number) => unknown, max = Number.POSITIVE_INFINITY): string[] {
  const records: string[] = [];
  for (let length = 0; records.length < max; ) {
    const record = JSON.stringify(one(records.length));
    length += record.length + 1;
    if (length > size - 100) break;
    records.push(record);
  }
  return records;
}

const key = (n: number, length: number) => `FAKE${n}-`.padEnd(length, "abcdefghij");
const alerts = (records: readonly string[]) => `{"alerts":[${records.join(",")}]}`;
const sarif = (results: string) =>
  `{"runs":[{"tool":{"driver":{"name":"gitleaks"}},"results":[${results}]}]}`;
const headers = { "x-github-event": "secret_scanning_alert_location" };

/** What somebody with a signing secret, or a broken scanner, may send: each as large as asked for. */
const bodies: Readonly<Record<string, readonly [IntakeSource, (size: number) => string]>> = {
  "lines of nothing": [trufflehog, (size) => filled("{}\n", size)],
  "blank lines": [trufflehog, (size) => filled("\n", size)],
  "an array of nothing": [trufflehog, (size) => `[${filled("{},", size - 4)}{}]`],
  "log lines": [trufflehog, (size) => filled('{"level":1,"msg":"x"}\n', size)],
  "long keys": [
    trufflehog,
    (size) => listOf(size, (n) => ({ DetectorName: "X", Raw: key(n, 1_200) }), 5_000).join("\n"),
  ],
  "keys of many parts": [
    trufflehog,
    (size) =>
      listOf(
        size,
        (n) => ({
          DetectorName: "X",
          SecretParts: Object.fromEntries([..."abcdefgh"].map((part) => [`${part}key`, key(n, 90) + part])),
        }),
        5_000,
      ).join("\n"),
  ],
  "keys that are each other's beginnings": [
    report,
    (size) =>
      alerts(
        listOf(
          size,
          (n) => ({
            ...{ id: `${n}`, key: `${"a".repeat(8 + (n % 300) * 13)}b${n}` },
            where: ["a".repeat(4_000), "a".repeat(3_999)],
          }),
          1_000,
        ),
      ),
  ],
  "places of the beginnings of keys": [
    report,
    (size) =>
      alerts(
        listOf(
          size,
          (n) => ({ id: `${n}`, key: key(n, 50), where: Array(20).fill(filled("sk-proj-", 250)) }),
          1_000,
        ),
      ),
  ],
  "places without end": [
    report,
    (size) => alerts([`{"id":"1","key":"FAKE-key","where":[${filled('"a",', size - 100)}"a"]}`]),
  ],
  "a SARIF of nothing": [gitleaks, (size) => sarif(`${filled("{},", size - 200)}{}`)],
  "locations that are none": [gitleaks, (size) => sarif(`{"locations":[${filled("1,", size - 200)}1]}`)],
  "details without end": [
    github,
    (size) => {
      const details = listOf(size, (n) => ({ [`f${n}_url`]: "x" })).map((one) => one.slice(1, -1));
      return `{"action":"created","alert":{"number":1},"repository":{"full_name":"a/b"},"location":{"details":{${details}}}}`;
    },
  ],
};

function cpuMs([source, make]: readonly [IntakeSource, (size: number) => string], size: number): number {
  const body = Buffer.from(make(size));
  const before = process.cpuUsage();
  try {
    readAlerts(source, { body, headers });
  } catch (refused) {
    if (!(refused instanceof Error) || refused.name !== "InputInvalid") throw refused;
    expect(refused.message).toMatch(/split it|neither a finding|not as expected/);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** The garbage collector and other tests disturb a single run. */
function leastCpuMs(body: readonly [IntakeSource, (size: number) => string], size: number): number {
  return Math.min(cpuMs(body, size), cpuMs(body, size));
}

test.each(Object.entries(bodies))("%s: 6 MB take less than 2 s of CPU", (_, body) => {
  expect(leastCpuMs(body, largest)).toBeLessThan(2_000);
});

test.each(Object.entries(bodies))(
  "%s: four times the input takes far from sixteen times the CPU",
  (_, body) => {
    const quarter = leastCpuMs(body, megabyte / 4);
    const whole = leastCpuMs(body, megabyte);
    expect(whole).toBeLessThan(9 * quarter + 60);
  },
);
