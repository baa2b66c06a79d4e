import { jsonBytes } from "../../../core/bytes.ts";
import {
  boundedAlert,
  compactedAlerts,
  incidentBytesMax,
  newestEntries,
  withinLimits,
} from "../../../core/incident/limits.ts";
import type { AlertSeen, PageSent, TimelineEntry } from "../../../core/incident/record.ts";
import type { ScopeFindings } from "../../../core/incident/scope-findings.ts";
import { incident, match, openedAtMs } from "./incident-world.ts";

const alert = (sourceId: string, facts: Partial<AlertSeen> = {}): AlertSeen => ({
  ...{ source: "report", sourceId, principal: "intake/report", receivedAtMs: openedAtMs },
  ...{ exposure: "unknown", verified: "unknown", match, where: [] },
  ...facts,
});
const entry = (what: TimelineEntry["what"], detail: string): TimelineEntry => ({
  atMs: openedAtMs,
  what,
  detail,
});
const page = (why: string, atMs: number): PageSent => ({
  ...{ atMs, reason: "needsPerson", severity: "page", why, delivered: ["sns"], failed: [] },
});
const long = "x".repeat(2_000);
const idsOf = ({ alerts }: { readonly alerts: readonly AlertSeen[] }) =>
  alerts.map(({ sourceId }) => sourceId);

describe("one alert", () => {
  test("brings ten places at most, and says how many there were", () => {
    const places = Array.from({ length: 12 }, (_, index) => `p${index}`);
    expect(boundedAlert(alert("a", { where: places }))).toMatchObject({
      where: places.slice(0, 10),
      whereSeen: 12,
    });
    expect(boundedAlert(alert("a", { where: places.slice(2) }))).not.toHaveProperty("whereSeen");
    expect(boundedAlert(alert("a", { where: ["p0"], whereSeen: 40 }))).toMatchObject({ whereSeen: 40 });
  });
});

describe("the alerts of an incident", () => {
  const facts: readonly AlertSeen[] = [
    alert("first"),
    alert("noise1"),
    alert("public", { exposure: "public" }),
    alert("private", { exposure: "private" }),
    alert("person", { source: "person" }),
    alert("live", { verified: "live" }),
    alert("public2", { exposure: "public" }),
    alert("noise2"),
    alert("newest"),
  ];

  test("keep what the plan was chosen from and the newest that fit, and the names of those that go", () => {
    const kept = compactedAlerts({ alerts: facts }, jsonBytes(facts.at(-1)) + 1);
    expect(idsOf(kept)).toEqual(["first", "public", "private", "person", "live", "newest"]);
    expect(kept.alertsSeen).toBe(9);
    expect(kept.alertsDropped).toEqual(["report noise2"]);
    const more = compactedAlerts({ alerts: facts, alertsSeen: 50, alertsDropped: ["x"] }, 600);
    expect(more.alertsSeen).toBe(50);
    expect(more.alertsDropped).toContain("x");
  });

  test("stay as they are while they fit", () => {
    const all = { alerts: facts, alertsSeen: 20, alertsDropped: ["report gone"] };
    expect(compactedAlerts(all)).toEqual(all);
    expect(compactedAlerts({ alerts: facts })).toEqual({ alerts: facts });
  });

  test("are forty at most, the newest of those that say nothing more", () => {
    const many = Array.from({ length: 45 }, (_, index) => alert(`n${index}`));
    const kept = idsOf(compactedAlerts({ alerts: many }));
    expect(kept).toHaveLength(40);
    expect(kept.slice(0, 2)).toEqual(["n0", "n6"]);
  });
});

describe("a timeline of more than three hundred entries", () => {
  const ours = Array.from({ length: 299 }, (_, index) => entry("contained" as never, `${index}`));

  test("loses the oldest of what others said, and never its first entry", () => {
    for (const what of ["note", "alertAppended"] as const) {
      const timeline = [entry(what, "first"), ...ours.slice(0, 100), entry(what, "said"), ...ours.slice(100)];
      const kept = newestEntries(timeline);
      expect(kept).toHaveLength(300);
      expect(kept.map(({ detail }) => detail)).not.toContain("said");
      expect(kept[0]?.detail).toBe("first");
    }
  });

  test("loses its second entry where Rekey did everything, and nothing while it is not longer", () => {
    const timeline = [entry("opened", "first"), entry("opened", "second"), ...ours];
    expect(
      newestEntries(timeline)
        .map(({ detail }) => detail)
        .slice(0, 2),
    ).toEqual(["first", "0"]);
    const full = timeline.slice(0, 300);
    expect(newestEntries(full)).toBe(full);
  });
});

describe("an incident's item that is too large", () => {
  test("keeps how it began, what Rekey did, and the newest of what others said", () => {
    const said = Array.from({ length: 100 }, (_, index) => entry("note", `${index}${long}`));
    const timeline = [entry("note", "began"), entry("revokeIntended", "ours"), ...said];
    const kept = withinLimits(incident({ timeline })).timeline.map(({ detail }) => detail.replace(long, ""));
    expect(kept.slice(0, 2)).toEqual(["began", "ours"]);
    expect(kept.at(-1)).toBe("99");
    expect(kept).not.toContain("0");
    expect(kept.length).toBeGreaterThan(20);
  });

  test("keeps the newest notes, and the last page of each cause", () => {
    const notes = Array.from({ length: 100 }, (_, index) => ({
      by: "ada",
      text: `${index}${long}`,
      atMs: index,
    }));
    const pages = [
      page("rare", 1),
      ...Array.from({ length: 80 }, (_, index) => page(`often${long}`, index + 2)),
    ];
    const kept = withinLimits(incident({ notes, pages }));
    expect(kept.notes.at(-1)?.text).toBe(`99${long}`);
    expect(kept.notes.length).toBeLessThan(14);
    expect(kept.notes.length).toBeGreaterThan(8);
    expect(kept.pages[0]).toEqual(pages[0]);
    expect(kept.pages.at(-1)).toEqual(pages.at(-1));
    expect(kept.pages.length).toBeLessThan(14);
  });

  test("keeps the readers that nobody knows before those that are known, and says how many are missing", () => {
    const reader = (known: boolean, index: number): ScopeFindings["readers"][number] => ({
      ...{ principal: `${known}${index}${long}`, secretArn: "arn:1", reads: 1, known },
      ...{ firstAtMs: 1, lastAtMs: 2 },
    });
    const scope: ScopeFindings = {
      readers: Array.from({ length: 90 }, (_, index) => reader(index % 10 !== 0, index)),
      newKeys: Array.from({ length: 30 }, (_, index) => ({ keyId: `k${index}`, name: long })),
      keyUse: Array.from({ length: 30 }, (_, index) => ({
        ...{ keyId: `k${index}${long}`, fromMs: 1, toMs: 2, stillUsedBy: [] },
      })),
      siblings: Array.from({ length: 30 }, (_, index) => ({ secretArn: `arn:${index}`, why: long })),
      ...{ ended: "complete", notChecked: Array.from({ length: 30 }, () => long) },
    };
    const kept = withinLimits(incident({ scope })).scope;
    expect(kept?.readers.filter(({ known }) => !known)).toHaveLength(9);
    const left = 90 - (kept?.readers.length ?? 0);
    expect(left).toBeGreaterThan(75);
    expect(kept?.notChecked.at(-1)).toBe(
      `${left} more readers of the secret were found than this record has room for`,
    );
    expect(kept?.newKeys.map(({ keyId }) => keyId)).toEqual(["k26", "k27", "k28", "k29"]);
    expect(kept?.keyUse).toHaveLength(4);
    expect(kept?.siblings.map(({ secretArn }) => secretArn)).toEqual(["arn:28", "arn:29"]);
    expect(kept?.notChecked).toHaveLength(3);
    expect(kept && jsonBytes(kept)).toBeLessThan(48 * 1024);
  });

  test("keeps a scope that fits whole, with nothing added, and makes none up", () => {
    const scope: ScopeFindings = {
      ...{ readers: [], newKeys: [], keyUse: [], siblings: [], ended: "complete", notChecked: ["a"] },
    };
    const notes = Array.from({ length: 100 }, (_, index) => ({
      by: "ada",
      text: `${index}${long}`,
      atMs: index,
    }));
    expect(withinLimits(incident({ notes, scope })).scope).toEqual(scope);
    expect(withinLimits(incident({ notes }))).not.toHaveProperty("scope");
    expect(jsonBytes(withinLimits(incident({ notes })))).toBeLessThan(incidentBytesMax);
  });
});
