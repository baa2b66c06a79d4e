import { evidenceKey } from "../../../core/adoption/evidence.ts";
import { instancesIn } from "../../../ledger/instances.ts";
import { open } from "./story.ts";

const place = { environment: "production", account: "111122223333" };

test("what thousands of ended instances left is removed some at a time, and has a time to live", async () => {
  const story = await open({ consumers: [{ name: "billing", instances: 1 }] });
  const { fingerprint, versionId } = story.retiring();
  const item = (nth: number) => ({
    ...({ kind: "client", consumer: "billing", ...place, instance: `short-lived/${nth}`, uses: [] } as const),
    ...{ observedAtMs: story.world.time.nowMs(), sequence: 2, maxStaleMs: 1_000, ended: true },
    holds: { fingerprint, versionId },
  });
  const { ledger } = story.world;
  await instancesIn(ledger.documents).putInstance(story.secretArn, item(0));
  const [{ forgetAtMs = 0 } = {}] = story.world.table
    .dump()
    .filter(({ sort }) => sort.includes("short-lived/"));
  const endedBefore = 3_000;
  // More than the limit on instances: from before there was one.
  for (let nth = 1; nth < endedBefore; nth++) {
    const key = { kind: "EVIDENCE", id: story.secretArn, sort: evidenceKey(item(nth)) };
    await ledger.documents.change(key, () => item(nth), { forgetAtMs });
  }
  const left = () => story.world.table.dump().filter(({ sort }) => sort.includes("short-lived/"));

  const run = await story.rotate();

  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  expect(left().length).toBeLessThan(endedBefore);
  expect(left().length).toBeGreaterThanOrEqual(endedBefore - 500);
  expect(left()[0]?.forgetAtMs).toBeGreaterThan(story.world.time.nowMs());
}, 60_000);
