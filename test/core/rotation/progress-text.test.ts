import type { GateReasons } from "../../../core/rotation/progress-text.ts";
import { phaseText, waitsFor } from "../../../core/rotation/progress-text.ts";
import type { SecretRecord } from "../../../core/rotation/secret-record.ts";
import { phases, recordIn, ticket } from "./record-world.ts";

const nowMs = 3_000;
const wait = { rotationId: ticket.rotationId, token: "t-1", decision: "supply" };
const order = { kind: "promote", what: {}, digest: "d", untilMs: 9_000 } as const;

function gate(change: Partial<GateReasons>): GateReasons {
  return { verdict: "waiting", reasons: [], blockers: [], ...change };
}

function said(record: SecretRecord, answer?: GateReasons): string | undefined {
  return waitsFor({ name: "billing-key", record, gate: answer, nowMs });
}

test("every phase is named, and a run that has not opened too", () => {
  const { run: _none, ...unopened } = recordIn("opened");
  expect(phaseText(unopened)).toBe("opening");
  expect(new Set(phases.map((phase) => phaseText(recordIn(phase)))).size).toBe(phases.length - 1);
  expect(phaseText(recordIn("opened", { wait }))).toBe("waiting for the incoming key");
});

test("a person is named by the command that ends the wait", () => {
  expect(said(recordIn("opened", { wait }))).toBe("waits for `rekey supply billing-key`");
  expect(said(recordIn("proven", { order }))).toBe("waits for `rekey approve r-1` by a second person");
  const { run: _none, ...unopened } = recordIn("opened", { order });
  expect(said(unopened)).toBe("waits for `rekey approve billing-key` by a second person");
});

test("an approved order is no wait, and neither is a run at work", () => {
  const approved = { ...order, approval: { by: "b", atMs: 1 } };
  expect(said(recordIn("proven", { order: approved }))).toBeUndefined();
  expect(said(recordIn("promoted"))).toBeUndefined();
  expect(said(recordIn("promoted"), gate({ verdict: "adopted" }))).toBeUndefined();
  expect(said(recordIn("promoted"), gate({}))).toBeUndefined();
  expect(said(recordIn("revoked"), gate({ blockers: ["a hold"] }))).toBeUndefined();
});

test("consumers, instances and signals are named, each once, and the time that is left", () => {
  const reasons = [
    { consumer: "search", instance: "search-2", source: "client" },
    { consumer: "search", instance: "search-2", source: "client" },
    { consumer: "billing", source: "ecs" },
    { source: "provider" },
  ] as const;
  expect(said(recordIn("promoted"), gate({ reasons }))).toBe(
    "waits for search-2, billing, the provider's signal, at most 6.0 s more",
  );
  expect(said(recordIn("promoted"), gate({ reasons, blockers: ["a hold by anna", "a freeze"] }))).toBe(
    "waits for search-2, billing, the provider's signal and 2 more, at most 6.0 s more",
  );
});

test("after its deadline a wait is overdue", () => {
  const late = waitsFor({
    ...{ name: "billing-key", record: recordIn("promoted"), nowMs: 9_000 },
    gate: gate({ blockers: ["a hold"] }),
  });
  expect(late).toBe("overdue: waits for a hold");
});
