import { isInstance, placeOf } from "../../../core/adoption/evidence.ts";
import { instanceLimits } from "../../../core/adoption/instance-limits.ts";
import { promotedRun } from "../../../core/rotation/secret-record.ts";
import { open, type Story } from "./story.ts";

const place = { environment: "production", account: "111122223333" };
const minute = 60_000;
const longest = "x".repeat(100);

/** Unsigned reports of as many made-up instances, with the longest names that the schema takes. */
async function flood(story: Story, count: number, said: object) {
  for (let nth = 0; nth < count; nth += 1) {
    story.world.report(place, {
      ...{ schema: 1, kind: "client", consumer: "billing", secretArn: story.secretArn },
      ...{ instance: `${longest}/${nth}`, uses: [], cause: "changed", sequence: 1, maxStaleMs: 900_000 },
      ...said,
    });
  }
  await story.world.time.advance(1_000);
}

async function waiting() {
  const story = await open({ consumers: [{ name: "billing", instances: 1 }] });
  const [real] = story.instances("billing");
  real?.freeze();
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  const { retiring, incoming } = promotedRun((await story.world.ledger.secret(story.secretArn)).run) ?? {};
  const kept = async (pool: string) =>
    (await story.world.ledger.evidence(story.secretArn)).filter((item) =>
      isInstance(item) ? placeOf(item) === pool : item.kind === pool,
    );
  return { story, run, real, kept, retiring, incoming };
}

test.each(["retiring", "incoming"] as const)(
  "a flood of made-up instances with the %s key opens no gate, takes no room of who proves it, and ends by itself",
  async (which) => {
    const { story, run, real, kept, ...keys } = await waiting();
    const { fingerprint = "", versionId = "" } = keys[which] ?? {};
    const { ofConsumer } = instanceLimits.unproven;

    await flood(story, ofConsumer + 30, { holds: { fingerprint, versionId } });

    expect(await kept("unproven")).toHaveLength(ofConsumer);
    expect(await kept("uncounted")).toMatchObject([{ consumer: "billing" }]);
    real?.thaw();
    await story.world.time.advance(5 * minute);
    expect((await kept("instance")).map((item) => isInstance(item) && item.holds.fingerprint)).toEqual([
      keys.incoming?.fingerprint,
    ]);
    const { gate } = (await story.world.ledger.rotation(story.secretArn, run.rotationId)) ?? {};
    expect(gate?.reasons[0]).toMatchObject({ reason: "TooManyInstances", consumer: "billing" });
    expect((await story.ending(run)).works).toEqual(["k1", "k2"]);

    await story.world.time.advance(20 * minute);
    expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  },
  60_000,
);
