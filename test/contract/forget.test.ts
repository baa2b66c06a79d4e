import { parse } from "yaml";
import type { InstanceEvidence } from "../../core/adoption/evidence.ts";
import { openRotation } from "../../functions/rotation/open-rotation.ts";
import { instancesIn } from "../../ledger/instances.ts";
import { rekey } from "../cli/cli-world.ts";
import { type AdminWorld, adminWorld, arnOf, fileWith, NOON_MS } from "./admin-world.ts";

const minute = 60_000;
const secretArn = arnOf("billing-key");
const role = (name: string, session: string) => `arn:aws:sts::111122223333:assumed-role/${name}/${session}`;
const [ADA, EVE] = [role("operator", "ada"), role("approver", "eve")];
const order = { command: "forget", secret: "billing-key", instance: "i-1", reason: "its host is gone" };
const retiring = { keyId: "k-retiring", versionId: "v-retiring", fingerprint: "sha256:FAKE" };
const incoming = { keyId: "k-incoming", versionId: "v-incoming", fingerprint: "sha256:FAKE2" };

function report(fields: Partial<InstanceEvidence> = {}): InstanceEvidence {
  return {
    ...{ kind: "client", consumer: "billing", environment: "production", account: "111122223333" },
    ...{ instance: "i-1", sequence: 3, maxStaleMs: 20 * minute, holds: retiring, uses: [], ended: false },
    observedAtMs: NOON_MS - 30 * minute,
    ...fields,
  };
}

/** Promoted five minutes ago; these have reported. */
async function waiting(...reports: readonly InstanceEvidence[]): Promise<AdminWorld> {
  const world = adminWorld();
  world.secret("billing-key");
  const data = parse(fileWith({ secrets: { "billing-key": "" } }));
  await world.send({ command: "apply", files: [{ path: "rekey.yml", data }] });
  const executionArn = "arn:aws:states:eu-west-1:111122223333:execution:rekey-rotation:r-1";
  const input = { secretArn, rotationId: "r-1", executionArn, trigger: "test", at: NOON_MS };
  await openRotation.run(input, world.depsOf("open-rotation"));
  const promotedAtMs = NOON_MS - 5 * minute;
  const deadlineAtMs = NOON_MS + 60 * minute;
  await world.ledger.changeSecret(secretArn, (record) => ({
    ...record,
    run: {
      ...{ phase: "promoted", rotationId: "r-1", attempt: 1, promotedAtMs, deadlineAtMs },
      ...{ retiring, incoming },
    },
    wait: { rotationId: "r-1", token: "token-1", decision: "as it was" },
  }));
  for (const item of reports) await instancesIn(world.ledger.documents).putInstance(secretArn, item);
  return world;
}

test("a silent instance is forgotten: recorded with who and when, logged, and the run looks again", async () => {
  const world = await waiting(report());
  const { answer } = await world.send(order, ADA);
  expect(answer).toMatchObject({ outcome: "forgotten", consumer: "billing", run: "woken" });
  expect(await world.ledger.evidence(secretArn)).toEqual([
    { ...report(), forgotten: { by: ADA, atMs: NOON_MS, reason: order.reason, sequence: 3 } },
  ]);
  expect(await world.told("billing-key")).toContain("InstanceForgotten by ada");

  await instancesIn(world.ledger.documents).putInstance(
    secretArn,
    report({ sequence: 4, observedAtMs: NOON_MS - 1 }),
  );
  expect(await world.ledger.evidence(secretArn)).toMatchObject([
    { sequence: 4, forgotten: { by: ADA, sequence: 3 } },
  ]);
});

test.each([
  ["that was seen within its maxStale", report({ observedAtMs: NOON_MS - 20 * minute }), "SeenLately"],
  ["that holds the incoming key", report({ holds: incoming, observedAtMs: NOON_MS }), "NotInTheWay"],
  ["that said that it ended", report({ ended: true }), "NotInTheWay"],
  ["that nobody has heard of", report({ instance: "i-2" }), "UnknownInstance"],
])("one %s is not forgotten", async (_what, item, reason) => {
  const world = await waiting(item);
  expect((await world.send(order, ADA)).answer).toMatchObject({ outcome: "refused", reason });
  expect(await world.ledger.evidence(secretArn)).toEqual([item]);
});

test("of two consumers with an instance of this name, one has to be named", async () => {
  const world = await waiting(report(), report({ consumer: "web" }));
  expect((await world.send(order, ADA)).answer).toMatchObject({ reason: "AmbiguousInstance" });
  expect((await world.send({ ...order, consumer: "billing" }, ADA)).answer).toMatchObject({
    outcome: "forgotten",
  });
});

test("a report that comes while the order is carried out is not overwritten", async () => {
  const world = await waiting(report());
  const later = report({ sequence: 4, observedAtMs: NOON_MS - 1 });
  await instancesIn(world.ledger.documents).putInstance(secretArn, later);
  const forgotten = { by: ADA, atMs: NOON_MS, reason: "x", sequence: 3 };
  expect(await world.ledger.forgetInstance(secretArn, report(), forgotten)).toBe(false);
  expect(await world.ledger.evidence(secretArn)).toEqual([later]);
});

test("without a promoted run there is nothing to forget", async () => {
  const world = adminWorld();
  world.secret("billing-key");
  const data = parse(fileWith({ secrets: { "billing-key": "" } }));
  await world.send({ command: "apply", files: [{ path: "rekey.yml", data }] });
  expect((await world.send(order, ADA)).answer).toMatchObject({ reason: "NothingToForget" });
});

test("it waits for a second person, who sees when the instance was heard last", async () => {
  const world = await waiting(report());
  const escalator = { page: async () => ({ delivered: ["slack"], failed: [] }) };
  Object.assign(world.deps, { escalator, twoPeople: { mayAsk: ["operator"], mayApprove: ["approver"] } });
  const { answer } = await world.send(order, ADA);
  expect(answer).toMatchObject({ outcome: "pending", command: "forget" });
  expect(await world.ledger.evidence(secretArn)).toEqual([report()]);

  const approve = { command: "approve", order: answer["order"] };
  const { answer: shown } = await world.send(approve, EVE);
  expect(shown["what"]).toMatchObject({ consumer: "billing", instance: "i-1", reason: order.reason });
  expect(JSON.stringify(shown["what"])).toContain("11:30");
  const { answer: done } = await world.send({ ...approve, digest: shown["digest"] }, EVE);
  expect(done).toMatchObject({ outcome: "forgotten", approvedBy: EVE });
  expect(await world.ledger.evidence(secretArn)).toMatchObject([{ forgotten: { by: ADA, approvedBy: EVE } }]);
});

test("the command line says until when it blocks, forgets it, and shows that", async () => {
  const world = await waiting(report());
  expect((await rekey(world, "consumers billing-key")).out).toContain(
    "billing instance i-1 blocks until 2026-11-22 12:15:00Z, at most 15 min more if it is not heard from again",
  );
  const { out } = await rekey(world, ["forget", "billing-key", "i-1", "--reason", order.reason]);
  expect(out.split("\n")).toEqual([
    "the revoke no longer waits for i-1 of billing",
    "if it reports again before the revoke, it counts again",
    "the rotation looks again now",
  ]);
  const after = (await rekey(world, "consumers billing-key")).out;
  expect(after).toContain("(forgotten)");
  expect(after).not.toContain("blocks until");
});
