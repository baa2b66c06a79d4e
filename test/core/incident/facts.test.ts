import { incidentFacts } from "../../../core/incident/facts.ts";
import type { PageSent } from "../../../core/incident/record.ts";
import { incident, keyWith, minute, openedAtMs, secretWith } from "./incident-world.ts";

const at = (minutes: number) => openedAtMs + minutes * minute;
const page = (facts: Partial<PageSent>): PageSent => ({
  ...{
    atMs: openedAtMs,
    reason: "opened",
    severity: "page",
    why: "a key leaked",
    delivered: ["sns"],
    failed: [],
  },
  ...facts,
});

describe("an incident counts as escalated", () => {
  const isEscalated = (...pages: readonly PageSent[]) => incidentFacts(incident({ pages })).escalated;

  test("once a page reached a channel", () => {
    expect(isEscalated(page({ delivered: [] }), page({}))).toBe(true);
  });

  test("not by a message that pages nobody, nor by a page that no channel took", () => {
    expect(isEscalated()).toBe(false);
    expect(isEscalated(page({ severity: "notify" }))).toBe(false);
    expect(isEscalated(page({ delivered: [] }))).toBe(false);
  });
});

describe("the outage", () => {
  const outageOf = (facts: Parameters<typeof incident>[0]) =>
    incidentFacts(incident(facts)).outageMs / minute;
  const stopped = [keyWith({ acceptedAtMs: at(3) }), keyWith({ keyId: "k2", quarantinedAtMs: at(2) })];
  const moved = [secretWith({ adoptedAtMs: at(4) }), secretWith({ adoptedAtMs: at(9) })];

  test("goes from the first key that stopped to the last consumer that moved", () => {
    expect(outageOf({ keys: stopped, secrets: moved })).toBe(7);
  });

  test("is nothing where nothing stopped, nobody moved, or all had moved before", () => {
    expect(outageOf({ keys: [keyWith()], secrets: moved })).toBe(0);
    expect(outageOf({ keys: stopped, secrets: [secretWith()] })).toBe(0);
    expect(outageOf({ keys: stopped, secrets: [secretWith({ adoptedAtMs: at(1) })] })).toBe(0);
  });

  test("is not that of a key that was gone before, nor of a secret that needed no replacement", () => {
    const gone = stopped.map((key) => ({ ...key, goneBefore: true as const }));
    expect(outageOf({ keys: gone, secrets: moved })).toBe(0);
    const unneeded = moved.map((secret) => ({ ...secret, replacement: "notNeeded" as const }));
    expect(outageOf({ keys: stopped, secrets: unneeded })).toBe(0);
  });
});

test("the report is named once there is one", () => {
  expect(incidentFacts(incident())).not.toHaveProperty("reportPath");
});
