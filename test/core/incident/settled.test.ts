import type { IncidentRecord } from "../../../core/incident/record.ts";
import { executionNameOf, settled } from "../../../core/incident/transitions.ts";
import { incident, keyWith, openedAtMs } from "./incident-world.ts";

const executionOf = (record: IncidentRecord) =>
  `arn:aws:states:eu-west-1:1:execution:rekey:${executionNameOf(record)}`;
const reason = "ExecutionABORTED";
const atMs = openedAtMs + 9;

function settledOf(changes: Partial<IncidentRecord>) {
  const record = incident({ waits: [], ...changes });
  return { record, next: settled(record, { executionArn: executionOf(record), reason, atMs }) };
}

test("an incident whose execution ended is a person's, with the reason", () => {
  const { next } = settledOf({ status: "open" });
  expect(next).toMatchObject({ status: "needsPerson", reason, waits: [] });
  expect(next.closedAtMs).toBeUndefined();
  expect(next.timeline.at(-1)).toMatchObject({ what: "settled", detail: reason, atMs });
});

test("one whose keys are dead is closed", () => {
  const { next } = settledOf({ status: "contained", keys: [keyWith({ state: "dead" })], secrets: [] });
  expect(next).toMatchObject({ status: "closed", closedAtMs: atMs });
});

test("a false alarm stays one", () => {
  expect(settledOf({ status: "falseAlarm" }).next.status).toBe("falseAlarm");
});

test.each<[string, Partial<IncidentRecord>]>([
  ["is a person's already", { status: "needsPerson" }],
  ["is closed", { status: "closed", closedAtMs: openedAtMs }],
])("one that %s stays as it is", (_what, changes) => {
  const { record, next } = settledOf(changes);
  expect(next).toBe(record);
});

test("an execution that another one has overtaken settles nothing", () => {
  const record = incident({ starts: 2 });
  const executionArn = executionOf({ ...record, starts: 1 });
  expect(settled(record, { executionArn, reason, atMs })).toBe(record);
});
