import { readFileSync } from "node:fs";
import { lasting } from "../../functions/admin/two-people/lasting.ts";
import { newWorld, openIncident } from "../cli/incident-world.ts";
import { arnOf } from "./admin-world.ts";

const ADA = "arn:aws:sts::111122223333:assumed-role/operator/ada";
const twoPeople = { mayAsk: ["operator"], mayApprove: ["approver"] };
const reason = "it seems right";

/** Orders that wait wherever they are given. */
const always: Readonly<Record<string, object>> = {
  stop: { all: true, includingIncidents: true, reason },
  leave: { secret: "billing-key", reason },
  retire: { secret: "billing-key", reason },
  "campaign-clean": { destination: "shop", reason },
  attest: { secret: "billing-key", consumer: "billing" },
};

/** Orders that wait in a state of things, and the test which brings that about. */
const elsewhere: Readonly<Record<string, readonly [file: string, test: string]>> = {
  "incident-false-alarm": ["two-people.test.ts", "a false alarm about %s"],
  "incident-undo-quarantine": ["two-people.test.ts", "the %s for a key that is public"],
  "incident-switch-first": ["two-people.test.ts", "the %s for a key that is public"],
  release: ["two-people.test.ts", "a freeze that is lifted, and not a hold that is released"],
  overwrite: ["two-people.test.ts", "an overwrite of what somebody else put at a destination"],
  apply: ["two-people.test.ts", "an apply with %s, and not one that changes nothing"],
  forget: ["forget.test.ts", 'outcome: "pending", command: "forget"'],
  campaign: ["campaign.test.ts", "waits for a second person, who confirms the digest of the same keys"],
  issue: ["issue.test.ts", "waits for a second person where the template says so"],
  "campaign-resume": ["campaign-resume.test.ts", "goes on once a second person has seen"],
};

test("each order that can do lasting harm is asked here, or names its test", () => {
  const asked = ["incident-waive", ...Object.keys(always), ...Object.keys(elsewhere)];
  expect(asked.sort()).toEqual(Object.keys(lasting).sort());
  for (const [file, title] of Object.values(elsewhere))
    expect(readFileSync(new URL(file, import.meta.url), "utf8")).toContain(title);
});

test.each(Object.entries(always))("%s of one person changes nothing and waits", async (command, given) => {
  const { world } = await newWorld();
  Object.assign(world.deps, { twoPeople });
  const stops = JSON.stringify(await world.ledger.stops());
  const { answer } = await world.send({ command, ...given }, ADA);
  expect(answer).toMatchObject({ outcome: "pending", command, order: expect.any(String) });
  expect(JSON.stringify(await world.ledger.stops())).toBe(stops);
  expect(await world.ledger.policy(arnOf("billing-key"))).toMatchObject({ name: "billing-key" });
});

test("incident-waive of one person changes nothing and waits", async () => {
  const { world, incidentId, only } = await openIncident();
  Object.assign(world.deps, { twoPeople });
  const { answer } = await world.send({ command: "incident-waive", incident: incidentId, reason }, ADA);
  expect(answer.outcome).toBe("pending");
  expect((await only()).keys[0]?.waiver).toBeUndefined();
});
