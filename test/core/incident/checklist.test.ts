import { asItsIncidentsAre, listIncidents } from "../../../core/incident/checklist.ts";
import type { IncidentRecord, IncidentStatus } from "../../../core/incident/record.ts";

const entry = (secretArn: string, incidentId?: string) => ({
  ...{ title: secretArn, secretArn },
  ...(incidentId !== undefined && { incidentId }),
});
const parentOf = (checklist: IncidentRecord["checklist"]) =>
  ({ incidentId: "p-1", status: "open", seq: 1, checklist }) as unknown as IncidentRecord;
const child = (incidentId: string, status: IncidentStatus, closedAtMs?: number) =>
  ({ incidentId, status, closedAtMs }) as IncidentRecord;

test.each<[readonly IncidentStatus[], IncidentStatus]>([
  [["closed", "open"], "open"],
  [["closed", "reported"], "open"],
  [["closed", "contained"], "contained"],
  [["open", "needsPerson", "closed"], "needsPerson"],
  [["closed", "falseAlarm"], "closed"],
  [["falseAlarm", "falseAlarm"], "falseAlarm"],
])("a checklist whose incidents are %j is %s", (statuses, expected) => {
  const parent = parentOf(statuses.map((_, index) => entry(`arn:${index}`, `i-${index}`)));
  const children = statuses.map((status, index) => child(`i-${index}`, status));
  expect(asItsIncidentsAre(parent, children).status).toBe(expected);
});

test("it has ended when the last of them has, and never while a key was not reported", () => {
  const [one, two] = [entry("arn:1", "i-1"), entry("arn:2", "i-2")];
  const ended = [child("i-1", "closed", 5), child("i-2", "closed", 9)];
  expect(asItsIncidentsAre(parentOf([one, two]), ended)).toMatchObject({ status: "closed", closedAtMs: 9 });
  const broken = parentOf([one, two, entry("arn:3")]);
  expect(asItsIncidentsAre(broken, ended)).toMatchObject({ status: "open" });
});

test.each<[string, Partial<IncidentRecord>, boolean]>([
  ["of the same secret that a machine works on", {}, true],
  ["of another secret", { keys: [{ secretArn: "arn:2" }] as never }, false],
  ["that no machine was started for", { executionArn: undefined } as never, false],
  ["that is older", { alerts: [{ receivedAtMs: 9 }] as never }, false],
])("a key that the report did not come to is found in an incident %s", (_which, facts, isFound) => {
  const parent = { ...parentOf([entry("arn:1")]), receivedAtMs: 10 };
  const reported = {
    ...child("i-1", "closed", 12),
    ...{ executionArn: "arn:run", keys: [{ secretArn: "arn:1" }], alerts: [{ receivedAtMs: 11 }] },
    ...facts,
  } as IncidentRecord;
  expect(asItsIncidentsAre(parent, [reported])).toMatchObject(
    isFound ? { status: "closed", closedAtMs: 12 } : { status: "open", checklist: [entry("arn:1")] },
  );
});

test("a key's incidents are listed once", () => {
  const parent = parentOf([entry("arn:1"), entry("arn:2")]);
  const listed = listIncidents(parent, { secretArn: "arn:1", incidentIds: ["i-1", "i-2"] });
  expect(listed.checklist).toEqual([entry("arn:1", "i-1"), entry("arn:1", "i-2"), entry("arn:2")]);
  expect(listIncidents(listed, { secretArn: "arn:1", incidentIds: ["i-3"] })).toBe(listed);
  expect(listIncidents(parent, { secretArn: "arn:1", incidentIds: [] })).toBe(parent);
});
