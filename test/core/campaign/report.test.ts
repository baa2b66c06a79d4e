import { addCampaignEntry, addCampaignPage } from "../../../core/campaign/entries.ts";
import { figuresOf } from "../../../core/campaign/progress.ts";
import type { Campaign } from "../../../core/campaign/record.ts";
import { campaignMarkdown, campaignReport, summaryOf } from "../../../core/campaign/report.ts";
import { campaign, key, minute, moved } from "./samples.ts";

test("the report has the result of every key, and names cannot break its table", () => {
  const progress = { ...moved, containedAtMs: 2 * minute, certificate: { path: "s3://c", sha256: "s" } };
  const keys = [
    key("a|b\nc", { incidentId: "i-1", progress }),
    key("p", { person: "rekey supply p" }),
    key("q", { incidentId: "i-2" }),
  ];
  const ended = campaign({ figures: figuresOf(keys), approvedBy: "eve", closedAtMs: 1 });
  const report = campaignReport(ended, keys);
  expect(report).toMatchObject({
    approvedBy: "eve",
    closedAtMs: 1,
    keys: [{}, { person: "rekey supply p" }, {}],
  });
  expect(report.summary).toBe(
    "1 of 3 keys contained, 1 replaced, 1 need people; the last after 2 min, not all within the deadline",
  );
  const text = campaignMarkdown(report);
  expect(text).toContain("approved by eve");
  expect(text).toContain("| a\\|b c | main | switch-first | after 2 min | yes | i-1 | s3://c |");
  expect(text).toContain("- p: rekey supply p");
  const plain = campaignReport(campaign({ figures: figuresOf([]) }), []);
  expect(plain.summary).toBe("0 of 0 keys contained, 0 replaced, 0 need people");
  expect(campaignMarkdown(plain)).not.toContain("What people have to do");
  const all = campaign({ figures: figuresOf([key("a", { progress })]) });
  expect(campaignReport(all, []).summary).toContain("within the deadline");
});

test("a page that no channel took stands in the timeline as such", () => {
  const sent = { atMs: 1, reason: "opened" as const, needPeople: 0, delivered: [] };
  expect(addCampaignPage(campaign(), sent).timeline.at(-1)?.detail).toBe("opened: no channel took it");
  expect(addCampaignPage(campaign(), { ...sent, delivered: ["sns"] }).pages).toHaveLength(1);
});

describe("the report of a campaign", () => {
  const progress = { ...moved, refusedInstances: 2, containedAtMs: 3 * minute };
  const keys = [
    key("a", { place: 1, incidentId: "i-1", progress, wave: "abused", plan: "contain-first" }),
    key("b", { place: 2, person: "rekey supply b", account: "side" }),
    key("c", { place: 3, incidentId: "i-3", progress: { ...moved, isReplaced: false, person: "sign it" } }),
  ];

  test("is this text", () => {
    const openedAtMs = minute;
    const ended = campaign({
      openedAtMs,
      figures: figuresOf(keys),
      approvedBy: "eve",
      closedAtMs: 4 * minute,
    });
    expect(campaignMarkdown(campaignReport(ended, keys))).toBe(
      [
        "# Campaign c-1",
        "",
        "all: breach. Ordered by ada, approved by eve.",
        "Opened 1970-01-01 00:01:00Z, deadline 1970-01-01 00:15:00Z.",
        "",
        "1 of 3 keys contained, 1 replaced, 2 need people; the last after 2 min, not all within the deadline.",
        "",
        "## What people have to do",
        "",
        "- b: rekey supply b",
        "- c: sign it",
        "",
        "## Every key",
        "",
        "| place | secret | account | plan | contained | replaced | incident | certificate |",
        "|---|---|---|---|---|---|---|---|",
        "| 1 | a | main | contain-first | after 2 min | yes | i-1 | none yet |",
        "| 2 | b | side | switch-first | no | no | none | none yet |",
        "| 3 | c | main | switch-first | no | no | i-3 | none yet |",
        "",
      ].join("\n"),
    );
  });

  test("leaves out who approved, and the list for people, where there is neither", () => {
    const lines = campaignMarkdown(campaignReport(campaign(), [])).split("\n");
    expect(lines.slice(2, 7)).toEqual([
      "all: breach. Ordered by ada.",
      "Opened 1970-01-01 00:00:00Z, deadline 1970-01-01 00:15:00Z.",
      "",
      "0 of 0 keys contained, 0 replaced, 0 need people.",
      "",
    ]);
    expect(lines[7]).toBe("## Every key");
  });

  test("has of each key what is known, and nothing that is not", () => {
    const certificate = { path: "p", sha256: "s" };
    const { keys: results, ...report } = campaignReport(campaign(), [
      key("a", { incidentId: "i-1", progress: { ...progress, certificate, person: "look at it" } }),
      key("b"),
    ]);
    const same = { secretArn: "arn:a", name: "a", environment: "production", account: "main", place: 1 };
    const as = { plan: "switch-first", wave: "rest", why: "x" };
    expect(results).toStrictEqual([
      {
        ...{ ...same, ...as, isReplaced: true, refusedInstances: 2, incidentId: "i-1" },
        ...{ containedAtMs: 3 * minute, person: "look at it", certificate },
      },
      { ...same, ...as, secretArn: "arn:b", name: "b", isReplaced: false, refusedInstances: 0 },
    ]);
    expect(Object.keys(report)).not.toEqual(expect.arrayContaining(["approvedBy"]));
    expect(Object.keys(report)).not.toEqual(expect.arrayContaining(["closedAtMs"]));
  });

  test.each<[string, Partial<Campaign["figures"]>]>([
    ["within", { keys: 2, contained: 2, lastContainedAtMs: 15 * minute }],
    ["not all within", { keys: 2, contained: 2, lastContainedAtMs: 15 * minute + 1 }],
    ["not all within", { keys: 3, contained: 2, lastContainedAtMs: minute }],
  ])("says that the keys were contained %s the deadline", (said, figures) => {
    const summary = summaryOf(campaign({ figures: { ...figuresOf([]), ...figures } }));
    expect(summary).toContain(`, ${said} the deadline`);
  });
});

describe("what a campaign keeps", () => {
  const entry = (atMs: number) => ({ atMs, what: "resumed" as const, detail: String(atMs) });
  const details = ({ timeline }: Campaign) => timeline.map(({ detail }) => detail);

  test("of its timeline the first entry and the last 199", () => {
    const all = Array.from({ length: 203 }, (_, index) => entry(index));
    const kept = details(all.reduce<Campaign>(addCampaignEntry, campaign()));
    expect(kept).toHaveLength(200);
    expect([kept[0], kept[1], kept.at(-1)]).toEqual(["0", "4", "202"]);
    expect(details(addCampaignEntry(campaign(), entry(7)))).toEqual(["7"]);
  });

  test("of its pages the last 50, and each in the timeline with where it went", () => {
    const page = (atMs: number) => ({
      ...{ atMs, reason: "paused" as const, needPeople: 0, delivered: ["sns", "slack"] },
    });
    const all = Array.from({ length: 52 }, (_, index) => page(index));
    const { pages, timeline } = all.reduce<Campaign>(addCampaignPage, campaign());
    expect([pages.length, pages[0]?.atMs]).toEqual([50, 2]);
    expect(timeline.at(-1)).toEqual({ atMs: 51, what: "paged", detail: "paused: sns, slack" });
  });
});
