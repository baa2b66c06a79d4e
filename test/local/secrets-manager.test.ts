import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import type { CloudTrailRecord } from "../../local/aws/cloudtrail-record.ts";
import { type SecretsManagerOptions, secretsManager } from "../../local/aws/secrets-manager.ts";
import type { Caller } from "../../local/aws/service.ts";

const hourMs = 60 * 60 * 1000;
const region = "eu-west-1";
const account = "111122223333";
const consumer: Caller = {
  accessKeyId: "ASIAFAKE",
  account,
  arn: `arn:aws:sts::${account}:assumed-role/billing/i-0abc`,
};
const functionArn = `arn:aws:lambda:${region}:${account}:function:rotate`;

interface Answer {
  readonly VersionId: string;
  readonly SecretString: string;
  readonly VersionIdsToStages: Record<string, string[]>;
  readonly RotationEnabled: boolean;
}

/** A service with a clock of its own, and one secret named "billing-key". */
async function newWorld(options: Partial<SecretsManagerOptions> = {}) {
  const clock = { nowMs: Date.parse("2026-11-01T10:00:00Z") };
  const records: CloudTrailRecord[] = [];
  const onCall = (record: CloudTrailRecord) => void records.push(record);
  const service = secretsManager({ region, account, now: () => clock.nowMs, onCall, ...options });
  const call = async (operation: string, input: Record<string, unknown> = {}) =>
    (await service.call(operation, { SecretId: "billing-key", ...input }, consumer)) as Answer;
  const put = (value: string, input: Record<string, unknown> = {}) =>
    call("PutSecretValue", { SecretString: value, ClientRequestToken: randomUUID(), ...input });
  const { VersionId: first } = await call("CreateSecret", {
    Name: "billing-key",
    SecretString: "FAKE-1",
    ClientRequestToken: randomUUID(),
  });
  const labels = async () => (await call("DescribeSecret")).VersionIdsToStages;
  const named = (eventName: string) => records.filter((record) => record.eventName === eventName);
  return { service, clock, records, named, call, put, labels, first };
}

describe("versions", () => {
  test("100 young versions are the end, until a day has made the unlabelled ones purgeable", async () => {
    const { put, call, clock, first } = await newWorld();
    for (let count = 1; count < 100; count += 1) await put(`FAKE-${count}`);
    await expect(put("FAKE-101")).rejects.toMatchObject({ code: "LimitExceededException" });

    clock.nowMs += 25 * hourMs;
    await put("FAKE-101");
    await expect(call("GetSecretValue", { VersionId: first })).rejects.toMatchObject({
      code: "ResourceNotFoundException",
    });
  });

  test("a labelled version is never purged, however old", async () => {
    const { put, call, clock, first } = await newWorld();
    await call("UpdateSecretVersionStage", { VersionStage: "REKEY_RETIRING", MoveToVersionId: first });
    for (let count = 1; count < 100; count += 1) await put(`FAKE-${count}`);
    clock.nowMs += 25 * hourMs;
    await put("FAKE-101");
    expect((await call("GetSecretValue", { VersionId: first })).SecretString).toBe("FAKE-1");
  });

  test("a changed KMS key re-encrypts only what AWS's own labels hold", async () => {
    const { put, call, first } = await newWorld();
    await call("UpdateSecretVersionStage", { VersionStage: "PINNED", MoveToVersionId: first });
    const { VersionId: previous } = await put("FAKE-2");
    await put("FAKE-3");
    await call("UpdateSecret", { KmsKeyId: "alias/own", ClientRequestToken: randomUUID() });
    const { Versions } = (await call("ListSecretVersionIds")) as unknown as {
      Versions: { VersionId: string; KmsKeyIds: string[] }[];
    };
    const keys = new Map(Versions.map(({ VersionId, KmsKeyIds }) => [VersionId, KmsKeyIds]));
    expect(keys.get(first)).toEqual(["DefaultEncryptionKey"]);
    expect(keys.get(previous)).toEqual(["alias/own"]);
  });

  test("a raw request without a token is refused, as only SDKs invent one", async () => {
    const { call } = await newWorld();
    await expect(call("PutSecretValue", { SecretString: "FAKE-2" })).rejects.toMatchObject({
      code: "InvalidRequestException",
    });
    await expect(call("RotateSecret")).rejects.toMatchObject({ code: "InvalidParameterException" });
  });

  test("a scheduled deletion happens when its window has passed", async () => {
    const { call, clock, service } = await newWorld();
    await call("DeleteSecret", { RecoveryWindowInDays: 7 });
    clock.nowMs += 8 * 24 * hourMs;
    await expect(call("RestoreSecret")).rejects.toMatchObject({ code: "ResourceNotFoundException" });
    expect(service.snapshot()).toEqual([]);
  });

  test("neither a snapshot nor an error shows a value", async () => {
    const { service, put } = await newWorld();
    const token = randomUUID();
    await put("FAKE-visible", { ClientRequestToken: token });
    const error = await put("FAKE-other", { ClientRequestToken: token }).catch((cause: unknown) => cause);
    const shown = inspect([service, service.snapshot(), error], { depth: null, showHidden: true });
    expect(shown).toContain("sha256");
    expect(shown).not.toMatch(/FAKE-/);
  });
});

describe("what CloudTrail gets", () => {
  test("a read leaves the request as passed, and a Decrypt that names the version", async () => {
    const { call, named, first } = await newWorld();
    await call("GetSecretValue", { VersionStage: "AWSCURRENT" });
    const [read] = named("GetSecretValue");
    const [decrypt] = named("Decrypt");
    expect(read).toMatchObject({
      eventTime: "2026-11-01T10:00:00Z",
      requestParameters: { secretId: "billing-key", versionStage: "AWSCURRENT" },
      responseElements: null,
      readOnly: true,
      userIdentity: {
        type: "AssumedRole",
        sessionContext: { sessionIssuer: { arn: `arn:aws:iam::${account}:role/billing` } },
      },
    });
    expect(decrypt).toMatchObject({
      eventSource: "kms.amazonaws.com",
      sourceIPAddress: "secretsmanager.amazonaws.com",
      userIdentity: { arn: consumer.arn, invokedBy: "secretsmanager.amazonaws.com" },
      requestParameters: { encryptionContext: { SecretVersionId: first } },
    });
    expect(decrypt?.userIdentity.principalId).toBe(read?.userIdentity.principalId);
  });

  test("a refused read has an error code and no Decrypt", async () => {
    const { call, named } = await newWorld();
    await expect(call("GetSecretValue", { VersionStage: "AWSPENDING" })).rejects.toThrow("AWSPENDING");
    expect(named("GetSecretValue")).toMatchObject([{ errorCode: "ResourceNotFoundException" }]);
    expect(named("Decrypt")).toEqual([]);
  });

  test("a batch read leaves one GetSecretValue for each secret beside its own record", async () => {
    const { call, named } = await newWorld();
    await call("BatchGetSecretValue", { SecretIdList: ["billing-key", "missing"] });
    expect(named("BatchGetSecretValue")).toHaveLength(1);
    expect(named("GetSecretValue").map(({ errorCode }) => errorCode)).toEqual([
      undefined,
      "ResourceNotFoundException",
    ]);
  });

  test("no record of any call holds a value", async () => {
    const { put, call, records } = await newWorld();
    await put("FAKE-2", { RotationToken: "FAKE-rotation-token-FAKE-rotation-token" });
    await call("GetSecretValue");
    await call("UpdateSecret", { SecretString: "FAKE-3", ClientRequestToken: randomUUID() });
    expect(records.length).toBeGreaterThan(4);
    expect(JSON.stringify(records)).not.toMatch(/FAKE-(\d|rotation)/);
  });
});

describe("native rotation", () => {
  type Event = { Step: string; SecretId: string; ClientRequestToken: string };
  type Call = Awaited<ReturnType<typeof newWorld>>["call"];

  /** A rotation function as AWS's template writes it, over whatever `call` reaches. */
  const templateFunction = (call: Call) => async (event: Event) => {
    const { Step, SecretId, ClientRequestToken } = event;
    const pending = { SecretId, VersionId: ClientRequestToken, VersionStage: "AWSPENDING" };
    if (Step === "createSecret") {
      await expect(call("GetSecretValue", pending)).rejects.toMatchObject({
        code: "ResourceNotFoundException",
      });
      const VersionStages = ["AWSPENDING"];
      await call("PutSecretValue", { SecretId, ClientRequestToken, SecretString: "FAKE-2", VersionStages });
    }
    if (Step === "finishSecret") {
      const stages = (await call("DescribeSecret")).VersionIdsToStages;
      const [current] = Object.entries(stages).find(([, labels]) => labels.includes("AWSCURRENT")) ?? [];
      const move = { RemoveFromVersionId: current, MoveToVersionId: ClientRequestToken };
      await call("UpdateSecretVersionStage", { SecretId, VersionStage: "AWSCURRENT", ...move });
    }
  };

  /** Runs `work` as the rotation function once the world exists, and notes the steps. */
  async function rotatingWorld(work: (event: Event, call: Call) => Promise<unknown>) {
    const steps: string[] = [];
    const late: { call?: Call } = {};
    const world = await newWorld({
      invoke: async (arn, payload) => {
        expect(arn).toBe(functionArn);
        steps.push(String(payload["Step"]));
        if (late.call) await work(payload as unknown as Event, late.call);
      },
    });
    late.call = world.call;
    const rotate = (input: Record<string, unknown> = {}) =>
      world.call("RotateSecret", {
        RotationLambdaARN: functionArn,
        ClientRequestToken: randomUUID(),
        ...input,
      });
    return { ...world, steps, rotate };
  }

  test("four steps in order promote the pending version, and AWSPENDING is gone afterwards", async () => {
    const { rotate, service, steps, labels, named, first } = await rotatingWorld((event, call) =>
      templateFunction(call)(event),
    );
    const { VersionId } = await rotate({ RotationRules: { AutomaticallyAfterDays: 30 } });
    await service.idle();
    expect(steps).toEqual(["createSecret", "setSecret", "testSecret", "finishSecret"]);
    expect(await labels()).toEqual({ [first]: ["AWSPREVIOUS"], [VersionId]: ["AWSCURRENT"] });
    expect(named("RotationSucceeded")).toMatchObject([{ eventType: "AwsServiceEvent" }]);
  });

  test("the pending id exists before the function runs, without a value and unlisted", async () => {
    const { rotate, call, labels, service } = await rotatingWorld(async () => {
      throw new Error("FAKE failure");
    });
    const { VersionId } = await rotate();
    expect((await labels())[VersionId]).toEqual(["AWSPENDING"]);
    const { Versions } = (await call("ListSecretVersionIds")) as unknown as { Versions: unknown[] };
    expect(Versions).toHaveLength(1);
    await expect(call("GetSecretValue", { VersionStage: "AWSPENDING" })).rejects.toMatchObject({
      code: "ResourceNotFoundException",
    });
    await service.idle();
  });

  test("an empty pending version cannot be promoted", async () => {
    const { rotate, call, service, first } = await rotatingWorld(async () => {
      throw new Error("FAKE failure");
    });
    const { VersionId } = await rotate();
    await service.idle();
    const move = { VersionStage: "AWSCURRENT", RemoveFromVersionId: first, MoveToVersionId: VersionId };
    await expect(call("UpdateSecretVersionStage", move)).rejects.toMatchObject({
      code: "InvalidParameterException",
    });
  });

  test("a failing function is tried again, then blocks rotation until AWSPENDING is stripped", async () => {
    const { rotate, service, steps, named, call, labels, first } = await rotatingWorld(async () => {
      throw new Error("FAKE failure");
    });
    const { VersionId } = await rotate();
    await service.idle();
    expect(steps).toEqual(["createSecret", "createSecret", "createSecret"]);
    expect(named("RotationFailed")).toHaveLength(1);
    await expect(rotate()).rejects.toThrow(
      "A previous rotation isn't complete. That rotation will be reattempted.",
    );
    await service.idle();
    expect(steps).toHaveLength(6);

    await call("CancelRotateSecret");
    await call("UpdateSecretVersionStage", { VersionStage: "AWSPENDING", RemoveFromVersionId: VersionId });
    expect(await labels()).toEqual({ [first]: ["AWSCURRENT"] });
    await expect(rotate()).resolves.toMatchObject({ ARN: expect.any(String) });
    await service.idle();
  });

  test("a function that ends without promoting has failed", async () => {
    const { rotate, service, named, labels } = await rotatingWorld(async (event, call) => {
      if (event.Step === "setSecret") return;
      const { SecretId, ClientRequestToken } = event;
      const VersionStages = ["AWSPENDING"];
      await call("PutSecretValue", { SecretId, ClientRequestToken, SecretString: "FAKE-2", VersionStages });
    });
    const { VersionId } = await rotate();
    await service.idle();
    expect((await labels())[VersionId]).toEqual(["AWSPENDING"]);
    expect([named("RotationFailed").length, named("RotationSucceeded").length]).toEqual([1, 0]);
  });

  test("AWSPENDING put by hand on another version blocks a rotation too", async () => {
    const { rotate, put, steps } = await rotatingWorld(async () => undefined);
    await put("FAKE-2", { VersionStages: ["AWSPENDING"] });
    await expect(rotate()).rejects.toMatchObject({ code: "InvalidRequestException" });
    expect(steps).toEqual([]);
  });

  test("a version made by hand abandons the rotation and frees AWSPENDING", async () => {
    const { rotate, service, steps, labels, named, first } = await rotatingWorld(async (event, call) => {
      if (event.Step === "createSecret") await templateFunction(call)(event);
      else await call("PutSecretValue", { SecretString: "FAKE-hand", ClientRequestToken: randomUUID() });
    });
    await rotate();
    await service.idle();
    expect(steps).toEqual(["createSecret", "setSecret"]);
    expect(Object.values(await labels())).toEqual([["AWSPREVIOUS"], ["AWSCURRENT"]]);
    expect((await labels())[first]).toEqual(["AWSPREVIOUS"]);
    expect(named("RotationAbandoned")).toHaveLength(1);
    expect(named("RotationFailed")).toEqual([]);
  });

  test("cancelling stops before the next step and names the version left pending", async () => {
    const { rotate, service, steps, call, labels } = await rotatingWorld(async (event, callAgain) => {
      await templateFunction(callAgain)(event);
      if (event.Step === "createSecret") {
        const cancelled = await callAgain("CancelRotateSecret");
        expect(cancelled.VersionId).toBe(event.ClientRequestToken);
      }
    });
    const { VersionId } = await rotate();
    await service.idle();
    expect(steps).toEqual(["createSecret"]);
    expect((await labels())[VersionId]).toEqual(["AWSPENDING"]);
    expect((await call("DescribeSecret")).RotationEnabled).toBe(false);
  });

  test("RotateImmediately=false only runs testSecret and leaves no pending version", async () => {
    const { rotate, service, steps, labels, first } = await rotatingWorld(async () => undefined);
    await rotate({ RotateImmediately: false, RotationRules: { ScheduleExpression: "rate(10 days)" } });
    await service.idle();
    expect(steps).toEqual(["testSecret"]);
    expect(await labels()).toEqual({ [first]: ["AWSCURRENT"] });
  });

  test("rules name days or a schedule, not both, and no more than every four hours", async () => {
    const { rotate } = await rotatingWorld(async () => undefined);
    const both = { AutomaticallyAfterDays: 1, ScheduleExpression: "rate(1 day)" };
    for (const RotationRules of [
      both,
      { ScheduleExpression: "rate(3 hours)" },
      { ScheduleExpression: "soon" },
    ]) {
      await expect(rotate({ RotationRules })).rejects.toMatchObject({ code: "InvalidParameterException" });
    }
  });

  test("without anything to invoke, rotation is refused and nothing is configured", async () => {
    const { call, labels, first } = await newWorld();
    const rotate = call("RotateSecret", { RotationLambdaARN: functionArn, ClientRequestToken: randomUUID() });
    await expect(rotate).rejects.toMatchObject({ code: "AccessDeniedException" });
    expect(await labels()).toEqual({ [first]: ["AWSCURRENT"] });
    expect((await call("DescribeSecret")).RotationEnabled).toBeUndefined();
  });
});
