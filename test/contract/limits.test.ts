import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { instanceLimits, unprovenStaleMsMax } from "../../core/adoption/instance-limits.ts";
import { incidentLimits } from "../../core/incident/limits.ts";
import { senderLimit } from "../../core/incident/plan.ts";
import { confirmWithinMs } from "../../core/orders.ts";
import { ackAgeMsMax } from "../../events/intake/acknowledgements.ts";
import { campaignKeysMax, coveredBy } from "../../functions/admin/campaign/covered.ts";
import { checklistMax } from "../../functions/admin/compromise/target.ts";
import { ordersPerMinuteMax } from "../../functions/admin/order-rate.ts";
import { weakeningsMax } from "../../functions/admin/two-people/applying.ts";
import { pendingMax } from "../../functions/admin/two-people/pending.ts";
import { adminWorld, arnOf, fileWith } from "./admin-world.ts";

const root = new URL("../../", import.meta.url);
const rows = readFileSync(new URL("docs/limits.md", root), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| what |"))
  .map((line) => line.split("|").map((cell) => cell.trim()));

test.each([
  ["orders of one principal", ordersPerMinuteMax],
  ["orders that wait for a second person", pendingMax],
  ["what one approval covers of an `apply`", weakeningsMax],
  ["time to confirm what was shown", confirmWithinMs / 60_000],
  ["age of an acknowledgement from Slack", ackAgeMsMax / 60_000],
  ["keys that one sender of alerts may have contained unseen", senderLimit.keysPerHour],
  ["alerts kept per incident", incidentLimits.alerts],
  ["pages per incident", incidentLimits.pages],
  ["keys of one checklist", checklistMax],
  ["keys of one campaign", `2,000`],
  ["instances of a consumer that prove they hold a key", instanceLimits.instance.ofConsumer],
  ["instances of a consumer that prove nothing", instanceLimits.unproven.ofConsumer],
  ["instances of a consumer whose sequence jumps", instanceLimits.jump.ofConsumer],
  ["time for which a report that proves nothing is in the way", unprovenStaleMsMax / 3_600_000],
])("docs/limits.md says of %s what the code says: %s", (what, limit) => {
  expect(rows.find(([, title]) => title === what)?.[2]).toMatch(new RegExp(`^${limit}\\b`));
});

test("every limit names a file that exists", () => {
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) {
    const path = /`([^`]+)`/.exec(row[4] ?? "")?.[1] ?? "no file";
    expect([path, existsSync(new URL(path, root))]).toEqual([path, true]);
  }
});

test(`after ${ordersPerMinuteMax} orders in a minute one principal is refused with words, and may still stop and hold`, async () => {
  const world = adminWorld();
  world.secret("billing-key");
  const order = { command: "hold", secret: "no-such-key", reason: "x" };
  const attest = { command: "attest", secret: "no-such-key", consumer: "billing" };
  for (let given = 0; given < ordersPerMinuteMax; given += 1)
    expect((await world.send(attest)).answer["reason"]).toBe("UnknownSecret");

  expect((await world.send(attest)).answer).toMatchObject({ outcome: "refused", reason: "TooManyOrders" });
  expect((await world.send(order)).answer["reason"]).toBe("UnknownSecret");
  const other = "arn:aws:sts::111122223333:assumed-role/operator/ben";
  expect((await world.send(attest, other)).answer["reason"]).toBe("UnknownSecret");
});

/** As many secrets as asked for, all of one provider account. */
async function policiesOf(count: number) {
  const world = adminWorld();
  world.secret("billing-key");
  await world.send({
    command: "apply",
    files: [{ path: "rekey.yml", data: parse(fileWith({ secrets: { "billing-key": "" } })) }],
  });
  const policy = await world.ledger.policy(arnOf("billing-key"));
  if (policy === undefined) throw new Error("nothing was applied");
  const policies = Array.from({ length: count }, (_, n) => ({
    ...policy,
    secretArn: arnOf(`k-${n}`),
    name: `k-${n}`,
  }));
  return { world, policies };
}

test("one checklist takes no more keys than it says, and names a narrower way", async () => {
  const { world, policies } = await policiesOf(checklistMax);
  for (const policy of policies.slice(1)) await world.ledger.putPolicy(policy);
  const report = { command: "compromise", account: "main", dryRun: true, reason: "x" };
  // As many as it takes: what is wrong with these is only that the store has none of them.
  expect((await world.send(report)).answer["reason"]).toBe("SecretUnusable");

  await world.ledger.putPolicy({ ...policies[0], secretArn: arnOf("one-more"), name: "one-more" } as never);
  expect((await world.send(report)).answer).toMatchObject({
    ...{ outcome: "refused", reason: "TooManyKeys" },
    hint: expect.stringContaining("by consumer or repository"),
  });
});

test("one campaign takes no more keys than it says, and names a narrower way", async () => {
  const { policies } = await policiesOf(campaignKeysMax + 1);
  expect(coveredBy({ all: true }, policies.slice(1))).toMatchObject({ title: "all" });
  expect(coveredBy({ all: true }, policies)).toMatchObject({
    refusal: { reason: "TooManyKeys", hint: "open one for each provider account" },
  });
});
