import { existsSync, readFileSync } from "node:fs";
import { instanceLimits, unprovenStaleMsMax } from "../../core/adoption/instance-limits.ts";
import { incidentLimits } from "../../core/incident/limits.ts";
import { senderLimit } from "../../core/incident/plan.ts";
import { confirmWithinMs } from "../../core/orders.ts";
import { ackAgeMsMax } from "../../events/intake/acknowledgements.ts";
import { ordersPerMinuteMax } from "../../functions/admin/order-rate.ts";
import { weakeningsMax } from "../../functions/admin/two-people/applying.ts";
import { pendingMax } from "../../functions/admin/two-people/pending.ts";
import { adminWorld } from "./admin-world.ts";

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
