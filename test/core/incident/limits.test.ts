import fc from "fast-check";
import { auditLog } from "../../../audit/chain.ts";
import { jsonBytes } from "../../../core/bytes.ts";
import { alertCount } from "../../../core/incident/alerts.ts";
import { incidentBytesMax, withinLimits } from "../../../core/incident/limits.ts";
import { containNow, falseAlarm, takeNote, waive } from "../../../core/incident/orders.ts";
import { whyNotClose } from "../../../core/incident/plan.ts";
import type { AlertSeen, IncidentRecord, PageSent } from "../../../core/incident/record.ts";
import type { ScopeFindings } from "../../../core/incident/scope-findings.ts";
import { addToTimeline, appendAlert, changeKey } from "../../../core/incident/transitions.ts";
import { ledgerOn } from "../../../ledger/ledger.ts";
import { memoryTable } from "../../../ledger/memory.ts";
import { itemBytes, itemBytesMax } from "../../../ledger/record-rules.ts";
import { incident, keyWith, match, secretWith, word } from "./incident-world.ts";

/** As long as the schemas of what comes from outside allow, in characters that take the most bytes. */
const text = (max: number) =>
  fc.string({ unit: fc.constantFrom("a", "\u20ac", "\u{1f600}", '"', "\\"), minLength: 1, maxLength: max });
const full = (max: number) => fc.constantFrom("\u20ac".repeat(max), "a".repeat(max), '"'.repeat(max));
const hostile = (max: number) => fc.oneof(text(max), full(max));

const hostileAlert: fc.Arbitrary<AlertSeen> = fc.record({
  source: fc.constantFrom("report", "github", "person"),
  sourceId: hostile(256),
  principal: fc.constant("intake/report"),
  receivedAtMs: fc.integer({ min: word.atMs, max: word.atMs + 10_000 }),
  exposure: fc.constantFrom("public", "private", "unknown"),
  verified: fc.constantFrom("live", "dead", "unknown"),
  match: fc.constant(match),
  where: fc.array(hostile(300), { maxLength: 20 }),
  reason: hostile(180),
});

const hostilePage: fc.Arbitrary<PageSent> = fc.record({
  atMs: fc.constant(word.atMs),
  reason: fc.constantFrom("asked", "needsPerson"),
  severity: fc.constantFrom("page", "notify"),
  why: hostile(500),
  delivered: fc.constant(["sns"]),
  failed: fc.constant([]),
});

const flood = fc.record({
  alerts: fc.array(hostileAlert, { minLength: 1, maxLength: 8 }),
  times: fc.constantFrom(1, 8),
  notes: fc.array(hostile(180), { maxLength: 10 }),
  pages: fc.array(hostilePage, { maxLength: 10 }),
  secrets: fc.integer({ min: 1, max: 60 }),
  readers: fc.integer({ min: 0, max: 200 }),
});

function scopeOf(readers: number): ScopeFindings {
  return {
    readers: Array.from({ length: readers }, (_, index) => ({
      principal: `arn:aws:iam::111122223333:role/${"r".repeat(500)}${index}`,
      ...{ secretArn: "arn:1", firstAtMs: 1, lastAtMs: 2, reads: 3, known: index % 2 === 0 },
    })),
    ...{ keyUse: [], newKeys: [], siblings: [], ended: "complete", notChecked: [] },
  };
}

async function stored(record: IncidentRecord) {
  const table = memoryTable();
  const { incidents } = ledgerOn(table);
  await incidents.reportIncident(record);
  const change = (edit: (now: IncidentRecord) => IncidentRecord) =>
    incidents.changeIncident(record.incidentId, edit);
  const bytes = () => Math.max(...table.dump().map(itemBytes));
  return { change, bytes };
}

test("an incident full of hostile data is still contained, noted, waived and closed", async () => {
  await fc.assert(
    fc.asyncProperty(flood, async ({ alerts, times, notes, pages, secrets, readers }) => {
      const held = Array.from({ length: secrets }, (_, index) => secretWith({ secretArn: `arn:${index}` }));
      const { change, bytes } = await stored(incident({ secrets: held }));
      for (let round = 0; round < times; round++) {
        const again = alerts.map((alert) => ({
          ...alert,
          sourceId: `${round}${alert.sourceId}`.slice(0, 256),
        }));
        await change((now) => again.reduce(appendAlert, now));
        await change((now) => notes.reduce((next, reason) => takeNote(next, { ...word, reason }), now));
        await change((now) => ({ ...now, pages: [...now.pages, ...pages] }));
      }
      await change((now) => ({ ...now, scope: scopeOf(readers) }));

      await change((now) => containNow(now, word));
      await change((now) =>
        changeKey(addToTimeline(now, { atMs: 1, what: "revokeIntended", detail: "now" }), "k1", (key) => ({
          ...key,
          state: "revoking",
        })),
      );
      const noted = await change((now) => takeNote(now, { ...word, reason: "seen" }));
      expect(noted.notes.at(-1)?.text).toBe("seen");
      const waived = await change((now) => waive(now, { ref: "k1", word }));
      expect(whyNotClose(waived)).toBeUndefined();
      const ended = await change((now) => falseAlarm(now, word));
      expect(ended.status).toBe("falseAlarm");
      expect(ended.timeline.map(({ what }) => what)).toContain("revokeIntended");
      expect(bytes()).toBeLessThan(itemBytesMax - 64 * 1024);
    }),
    { numRuns: 6 },
  );
});

test("a flood leaves the plan what it was chosen from, and every alert is counted", async () => {
  const open: AlertSeen = {
    ...{ source: "github", sourceId: "first", principal: "intake/github", receivedAtMs: word.atMs },
    ...{ exposure: "public", verified: "live", match, where: ["https://example.com/public"] },
  };
  const { change, bytes } = await stored(appendAlert(incident(), open));
  const place = "\u20ac".repeat(300);
  let last = incident();
  for (let count = 0; count < 130; count++) {
    const where = Array.from({ length: 20 }, () => place);
    const noise = { ...open, source: "report", sourceId: `${count}`, exposure: "unknown", where } as const;
    last = await change((now) => appendAlert(now, { ...noise, verified: "unknown" }));
  }
  expect(alertCount(last)).toBe(131);
  expect(last.alerts.length).toBeLessThanOrEqual(40);
  expect(last.alerts[0]).toMatchObject({ sourceId: "first", exposure: "public", verified: "live" });
  expect(last.timeline[0]).toMatchObject({ what: "alertAppended", detail: "github first: public, live" });
  expect(bytes()).toBeLessThan(incidentBytesMax);
});

test("the machine's own part may fill most of the item: what came from outside makes room", async () => {
  const behind = Array.from({ length: 100 }, (_, index) => `consumer-${index}-${"c".repeat(40)}`);
  const held = Array.from({ length: 30 }, (_, index) =>
    secretWith({ secretArn: `arn:${index}`, behind, keyId: "k1" }),
  );
  const { change, bytes } = await stored(incident({ secrets: held, keys: [keyWith()] }));
  const words = Array.from({ length: 200 }, () => ({ ...word, reason: "\u20ac".repeat(180) }));
  await change((now) => words.reduce(takeNote, now));
  expect(bytes()).toBeLessThan(itemBytesMax - 64 * 1024);
});

test("what outsiders said goes altogether where the machine's own part is too large, and that part is kept", () => {
  const behind = Array.from({ length: 400 }, (_, index) => `consumer-${index}-${"c".repeat(40)}`);
  const secrets = Array.from({ length: 60 }, (_, index) => secretWith({ secretArn: `arn:${index}`, behind }));
  const said = Array.from({ length: 20 }, (_, index) => ({ by: "ada", text: `${index}`, atMs: index }));
  const kept = withinLimits(incident({ secrets, notes: said }));
  expect(kept.notes).toEqual([]);
  expect(kept.secrets).toEqual(secrets);
  expect(jsonBytes(kept)).toBeGreaterThan(incidentBytesMax);
});

test("a record with room is kept as it is, whatever is in it", () => {
  const small = incident({ notes: [{ by: "ada", text: "n", atMs: 1 }] });
  expect(withinLimits(small)).toBe(small);
});

describe("what stands beside an incident stays small, whatever outsiders say", () => {
  const long = "\u20ac".repeat(150_000);
  const secretArn = "arn:1";

  test("debts, evidence and audit entries", async () => {
    const table = memoryTable();
    const ledger = ledgerOn(table);
    await ledger.putDebt({
      ...{ kind: "RevokeOwed", secretArn, keyId: "k1", rotationId: "r-1", reason: long, sinceMs: 1 },
    });
    await ledger.putEvidence(secretArn, {
      ...{ kind: "ecs", consumer: "billing", environment: "production", account: "1", versionId: "v1" },
      ...{ state: "running", instances: 1, observedAtMs: 1, detail: long },
    });
    const audit = auditLog({ table, digest: { sha256Hex: () => "0".repeat(64) }, now: () => 1 });
    const detail = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`${n}${long}`, long]));
    await audit.append(secretArn, { id: "1", actor: long, action: long, detail });
    expect(Math.max(...table.dump().map(itemBytes))).toBeLessThan(itemBytesMax / 2);
  });

  test("a secret's item with the longest hold, freeze and key list", async () => {
    const table = memoryTable();
    const key = { name: `rekey/${"r".repeat(80)}/1`, state: "stray" as const, keyId: "k".repeat(256) };
    await ledgerOn(table).changeSecret(secretArn, (now) => ({
      ...now,
      hold: { by: long, reason: long },
      frozen: { reason: long },
      keys: Array.from({ length: 100 }, () => key),
      wait: { rotationId: "r-1", token: "t".repeat(2048), decision: "waiting" },
    }));
    expect(Math.max(...table.dump().map(itemBytes))).toBeLessThan(itemBytesMax / 2);
  });
});

test.each([
  ["an item one byte too large", { id: "1", sort: "1", body: "a".repeat(itemBytesMax) }],
  ["a sort of more than 1,024 bytes", { id: "1", sort: "\u20ac".repeat(342), body: 1 }],
  ["an id of more than 2,048 bytes", { id: "a".repeat(2_050), sort: "1", body: 1 }],
])("the table in memory refuses what DynamoDB refuses: %s", async (_, record) => {
  await expect(memoryTable().put({ kind: "TEST", revision: 1, ...record })).rejects.toThrow("DynamoDB takes");
});
