import { noteCaller } from "../../functions/evidence/note-caller.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import { appliedWorld, rekey } from "../cli/cli-world.ts";
import { arnOf, NOON_MS } from "./admin-world.ts";

const token = "11111111-2222-4333-8444-555555555555";
const secretArn = arnOf("billing-key");
const anna = "arn:aws:sts::111122223333:assumed-role/developer/anna";
const unknown = "native: Secrets Manager, caller unknown";

/** What EventBridge hands on of CloudTrail's record of a call of RotateSecret. */
function record(changes: Readonly<Record<string, unknown>> = {}, account = "111122223333") {
  return {
    ...{ source: "aws.secretsmanager", "detail-type": "AWS API Call via CloudTrail" },
    ...{ account, time: "2026-11-22T12:05:00Z" },
    detail: {
      ...{ eventSource: "secretsmanager.amazonaws.com", eventName: "RotateSecret" },
      userIdentity: { type: "AssumedRole", arn: anna },
      requestParameters: { secretId: secretArn, clientRequestToken: token },
      responseElements: { arn: secretArn, versionId: token },
      ...changes,
    },
  };
}

async function running(rotationId = `native-${token}`) {
  const { world } = await appliedWorld();
  const policy = await world.ledger.policy(secretArn);
  if (policy === undefined) throw new Error("no policy");
  const run: RotationRecord = {
    ...{ rotationId, secretArn, executionArn: "arn:run", fence: 1, trigger: unknown, policy },
    ...{ openedAtMs: NOON_MS, outcome: "running", opened: { outcome: "opened", next: "MintKey", fence: 1 } },
  };
  await world.ledger.changeRotation({ secretArn, rotationId }, () => run);
  const hear = (event: unknown) => noteCaller.run(noteCaller.input.parse(event), world.depsOf("note-caller"));
  const trigger = async () => (await world.ledger.rotation(secretArn, rotationId))?.trigger;
  return { world, hear, trigger };
}

test.each([`native-${token}`, `billing-key-${token}`])(
  "the run %s, its history and the audit log say who pressed the button",
  async (rotationId) => {
    const { world, hear, trigger } = await running(rotationId);

    expect(await hear(record())).toEqual({ outcome: "noted" });
    expect(await hear(record())).toEqual({ outcome: "noted" });

    expect(await trigger()).toBe(`native: Secrets Manager, called by ${anna}`);
    expect(
      (await world.told("billing-key")).filter((line) => line.startsWith("NativeRotationAsked")),
    ).toEqual(["NativeRotationAsked by anna"]);
    expect(await world.ledger.asker(rotationId)).toBe(anna);
    expect((await rekey(world, "history billing-key")).out).toContain("called by");
  },
);

test("a secret that was named without its ARN is known by the answer", async () => {
  const { hear, trigger } = await running();
  const requestParameters = { secretId: "billing-key", clientRequestToken: token };
  expect(await hear(record({ requestParameters, responseElements: { aRN: secretArn } }))).toEqual({
    outcome: "noted",
  });
  expect(await trigger()).toContain("called by");
});

test.each([
  ["a call that was refused", record({ errorCode: "AccessDeniedException" }), "nobody"],
  [
    "Secrets Manager's own schedule",
    record({ userIdentity: { invokedBy: "secretsmanager.amazonaws.com" } }),
    "nobody",
  ],
  ["a record of another account", record({}, "999988887777"), "unknownSecret"],
  [
    "a secret that no policy names",
    record({ responseElements: null, requestParameters: { secretId: "other", clientRequestToken: token } }),
    "unknownSecret",
  ],
])("%s names nobody", async (_what, event, outcome) => {
  const { hear, trigger } = await running();
  expect(await hear(event)).toEqual({ outcome });
  expect(await trigger()).toBe(unknown);
});

test("a run that said who asked for it keeps that", async () => {
  const { world, hear } = await running();
  const key = { secretArn, rotationId: `native-${token}` };
  await world.ledger.changeRotation(key, (run) => ({ ...(run as RotationRecord), trigger: "schedule" }));
  await hear(record());
  expect((await world.ledger.rotation(secretArn, key.rotationId))?.trigger).toBe("schedule");
});

test("text that is no principal is refused", () => {
  const userIdentity = { arn: "arn:aws:iam::111122223333:user/<script>" };
  expect(noteCaller.input.safeParse(record({ userIdentity })).success).toBe(false);
});
