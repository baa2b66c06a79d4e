import { adoption } from "../../../core/adoption/adoption.ts";
import { isInstance } from "../../../core/adoption/evidence.ts";
import { promotedRun } from "../../../core/rotation/secret-record.ts";
import type { ConsumerReport } from "../../../sdk/client/consumer-report.ts";
import { signerFor } from "../../../sdk/client/proof.ts";
import { open, type Story } from "./story.ts";

const place = { environment: "production", account: "111122223333" };

/** A rotation that waits for its one consumer, whose instance is still on the retiring key and is frozen there. */
async function waiting(reports?: "any") {
  const story = await open({
    consumers: [{ name: "billing", instances: 1 }],
    ...(reports && { policy: { reports } }),
  });
  const [real] = story.instances("billing");
  real?.freeze();
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  const promoted = promotedRun((await story.world.ledger.secret(story.secretArn)).run);
  const policy = await story.world.ledger.policy(story.secretArn);
  if (promoted === undefined || policy === undefined) throw new Error("nothing was promoted");
  const reasons = async () => {
    const evidence = await story.world.ledger.evidence(story.secretArn);
    const verdict = adoption({ ...promoted, policy, evidence, nowMs: story.world.time.nowMs() });
    return verdict.verdict === "adopted" ? [] : verdict.reasons;
  };
  const why = async () => (await reasons()).map(({ reason, instance = "" }) => `${reason} ${instance}`);
  return { story, why, reasons, incoming: promoted.incoming, instance: real?.id ?? "" };
}

type Waiting = Awaited<ReturnType<typeof waiting>>;

/** What `SecretVersionPromoted` tells everybody is enough to write this. */
function aboutIncoming({ story, incoming }: Waiting, said: Partial<ConsumerReport> = {}): ConsumerReport {
  return {
    ...({ schema: 1, kind: "client", consumer: "billing", instance: "billing-ghost/1" } as const),
    ...{ secretArn: story.secretArn, uses: [], cause: "changed", sequence: 1, maxStaleMs: 900_000 },
    ...{ holds: { fingerprint: incoming.fingerprint, versionId: incoming.versionId } },
    sdk: "rekey-client/0.1.0",
    ...said,
  };
}

async function send(story: Story, report: ConsumerReport, from: { readonly source?: string } = {}) {
  story.world.report({ ...place, ...from }, { ...report });
  await story.world.time.advance(1_000);
  const evidence = await story.world.ledger.evidence(story.secretArn);
  return evidence.filter(isInstance);
}

const proven = (story: Story, report: ConsumerReport, key: "k1" | "k2" = "k2") => ({
  ...report,
  proof: signerFor(story.textOf(key))(report, story.world.time.nowMs()),
});

test("who holds the key testifies for it, and the ledger keeps only the public half", async () => {
  const world = await waiting();
  const { story, instance, why } = world;
  const seen = await send(story, proven(story, aboutIncoming(world, { instance, sequence: 50 })));
  expect(seen.find((item) => item.instance === instance)).not.toHaveProperty("unproven");
  expect(await why()).not.toContain(`HoldsRetiringKey ${instance}`);
  const places = await story.world.ledger.holders(world.incoming.fingerprint);
  expect(places).toMatchObject([{ reportKey: expect.stringMatching(/^[\w-]{43}$/) }]);
  expect(JSON.stringify(story.world.table.dump())).not.toContain(story.textOf("k2"));
});

test.each([
  ["without a signature", "unsigned", (_story: Story, report: ConsumerReport) => report],
  [
    "signed with another key",
    "signature",
    (story: Story, report: ConsumerReport) => proven(story, report, "k1"),
  ],
  [
    "of which a field was changed after it was signed",
    "signature",
    (story: Story, report: ConsumerReport) => ({ ...proven(story, report), instance: "billing-other/1" }),
  ],
  [
    "that was signed long ago",
    "late",
    (story: Story, report: ConsumerReport) => ({
      ...report,
      proof: signerFor(story.textOf("k2"))(report, story.world.time.nowMs() - 30 * 60_000),
    }),
  ],
] as const)("a forged report %s vouches for nobody", async (_, unproven, forge) => {
  const world = await waiting();
  const { story, instance, why } = world;
  const seen = await send(story, forge(story, aboutIncoming(world)));
  expect(seen.find((item) => item.unproven !== undefined)).toMatchObject({ unproven });
  expect(await why()).toEqual(
    expect.arrayContaining([expect.stringMatching(/^NotProven billing-/), `HoldsRetiringKey ${instance}`]),
  );
});

test("an unsigned report cannot speak for an instance that signs its own, nor end it", async () => {
  const world = await waiting();
  const { story, instance, why } = world;
  await send(story, aboutIncoming(world, { instance, sequence: 50 }));
  await send(story, aboutIncoming(world, { instance, sequence: 51, cause: "stopping" }));
  expect(await why()).toContain(`HoldsRetiringKey ${instance}`);
});

test("another consumer's role cannot vouch, although it holds the key: the event's source names the consumer", async () => {
  const world = await waiting();
  const { story } = world;
  const report = proven(story, aboutIncoming(world));
  const seen = await send(story, report, { source: "rekey.consumer.search" });
  expect(seen.find(({ instance }) => instance === "billing-ghost/1")).toMatchObject({ unproven: "source" });
});

test("a replayed report changes nothing", async () => {
  const world = await waiting();
  const { story, instance } = world;
  const first = proven(story, aboutIncoming(world, { instance, sequence: 50 }));
  await send(story, first);
  const later = proven(story, aboutIncoming(world, { instance, sequence: 51, cause: "heartbeat" }));
  await send(story, later);
  const seen = await send(story, first);
  expect(seen.find((item) => item.instance === instance)).toMatchObject({ sequence: 51 });
});

test("a jump of the sequence silences nobody, and is a contradiction that names both", async () => {
  const world = await waiting();
  const { story, instance } = world;
  const [known] = (await story.world.ledger.evidence(story.secretArn)).filter(isInstance);
  const jump = Number.MAX_SAFE_INTEGER;
  const seen = await send(story, proven(story, aboutIncoming(world, { instance, sequence: jump })));
  expect(seen.find((item) => item.unproven === undefined)).toEqual(known);
  expect((await world.reasons()).find(({ reason }) => reason === "TwoUnderOneName")?.detail).toBe(
    `two report as ${instance}: one is at report ${known?.sequence}, the other says it is at ${jump}`,
  );
});

test("with `reports: any` the word of an older client counts, as it did before reports were signed", async () => {
  const world = await waiting("any");
  const { story, why } = world;
  await send(story, aboutIncoming(world));
  expect(await why()).not.toContainEqual(expect.stringContaining("NotProven"));
});
