import { isIncidentWork, whyStopped } from "../../../core/rotation/stop-order.ts";
import { recordIn, secretArn } from "./record-world.ts";

const policy = {
  secretArn,
  environment: "production",
  provider: { account: "main", kind: "openai", adminCredential: "arn:admin", settings: {} },
};
const order = (scope: string, includingIncidents = false) => ({
  ...{ scope, by: "ada", reason: "an outage", includingIncidents },
});
const work = { policy, isIncident: false };

test.each(["all", secretArn, "provider/main", "environment/production"])(
  "a stop of %s covers it",
  (scope) => {
    expect(whyStopped([order("provider/other"), order(scope)], work)).toEqual({
      reason: "Stopped",
      detail: `stopped for ${scope} by ada: an outage`,
    });
  },
);

test.each(["provider/other", "environment/staging", `${secretArn}x`])("a stop of %s does not", (scope) => {
  expect(whyStopped([order(scope)], work)).toBeUndefined();
});

test("an incident's work is stopped only by an order that includes incidents", () => {
  const incident = { policy, isIncident: true };
  expect(whyStopped([order("all")], incident)).toBeUndefined();
  expect(whyStopped([order("all"), order("provider/main", true)], incident)?.detail).toContain(
    "provider/main",
  );
});

test("whose work it is, the lease says", () => {
  expect(isIncidentWork({})).toBe(false);
  expect(isIncidentWork(recordIn("opened"))).toBe(false);
  const lease = { runId: "i-1", kind: "incident" as const, executionArn: "arn:i-1" };
  expect(isIncidentWork({ lease })).toBe(true);
});
