import { DecryptRecord, readFrom, secretOf } from "../../consumers/kms.ts";
import { observeProvider } from "../../consumers/provider.ts";
import { restartMaxMs } from "../../consumers/restarts.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyProvider, KeyUse } from "../../core/ports.ts";
import { ConsumerWorld, minute, secretArn } from "./consumer-world.ts";
import { FakeEcs } from "./fake-ecs.ts";
import { FakeKubernetes } from "./fake-kubernetes.ts";
import { FakeLambda } from "./fake-lambda.ts";

const { service, family } = new FakeEcs();
const { arn: lambdaArn } = new FakeLambda();
const pods = new FakeKubernetes();
const onEcs = () => new ConsumerWorld({ workload: service });
const deployed = () => new ConsumerWorld({ refresh: { kind: "ecs-deployment", target: service } });

describe("an ECS service", () => {
  test("that nobody deployed since the promotion is not restarted", async () => {
    const world = onEcs();
    expect(await world.look()).toMatchObject({
      state: "running",
      instances: 3,
      versionId: "v2",
      kind: "ecs",
    });
    world.later(60 * minute);
    expect(await world.state()).toBe("running");
  });

  test("is restarted when our deployment completed and the former tasks had time to drain", async () => {
    const world = deployed();
    await world.refresh();
    expect(await world.state()).toBe("running");
    world.ecs.complete("ecs-svc/2");
    expect(await world.state()).toBe("running for 5 min");
    world.later(5 * minute - 1);
    expect((await world.look()).state).toBe("running");
    world.later(1);
    expect(await world.look()).toMatchObject({ state: "finished", instances: 3 });
  });

  test("is restarted by somebody else's deployment after the promotion, too", async () => {
    const world = onEcs();
    await world.look();
    world.ecs.complete(world.ecs.deploy());
    await world.look();
    world.later(5 * minute);
    expect(await world.state()).toBe("finished");
  });

  test("whose circuit breaker failed our deployment has failed", async () => {
    const world = deployed();
    await world.refresh();
    world.ecs.fail("ecs-svc/2", { rollback: false });
    expect(await world.look()).toMatchObject({ state: "failed", detail: "its deployment failed" });
  });

  test("that was rolled back has failed, although the rollback's own deployment completes", async () => {
    const world = deployed();
    await world.refresh();
    const rollback = world.ecs.fail("ecs-svc/2", { rollback: true }) ?? "";
    expect(await world.look()).toMatchObject({
      state: "failed",
      detail: "its deployment failed and was rolled back",
    });
    world.ecs.complete(rollback);
    world.later(60 * minute);
    expect(await world.state()).toBe("failed");
  });

  test("that was rolled back between two looks has failed: the service's events still say so", async () => {
    const world = deployed();
    await world.refresh();
    world.ecs.complete(world.ecs.fail("ecs-svc/2", { rollback: true }) ?? "");
    expect(await world.state()).toBe("failed");
  });

  test("that was fixed and deployed after a rollback is restarted", async () => {
    const world = deployed();
    await world.refresh();
    world.ecs.complete(world.ecs.fail("ecs-svc/2", { rollback: true }) ?? "");
    await world.look();
    world.ecs.complete(world.ecs.deploy());
    expect(await world.state()).toBe("running for 5 min");
  });

  test("whose deployment was superseded waits for the one that superseded it", async () => {
    const world = deployed();
    await world.refresh();
    const other = world.ecs.deploy();
    expect(await world.look()).toMatchObject({
      state: "running",
      detail: `0 of 3 tasks are of deployment ${other}`,
    });
    world.ecs.complete(other);
    expect(await world.state()).toBe("running for 5 min");
  });

  test("whose superseding deployment fails has failed", async () => {
    const world = deployed();
    await world.refresh();
    world.ecs.change(world.ecs.deploy(), { rolloutState: "FAILED" });
    expect(await world.state()).toBe("failed");
  });

  test("that never ends, as without a circuit breaker, is given up on after our own time", async () => {
    const world = deployed();
    await world.refresh();
    await world.look();
    world.later(restartMaxMs - 1);
    expect(await world.state()).toBe("running");
    world.later(1);
    expect(await world.look()).toMatchObject({
      state: "failed",
      detail: expect.stringContaining("no end after 30 min"),
    });
    world.ecs.complete("ecs-svc/2");
    expect(await world.state()).toBe("running for 5 min");
  });

  test("is not restarted while a task of the former deployment still runs", async () => {
    const world = deployed();
    await world.refresh();
    world.ecs.change("ecs-svc/2", { rolloutState: "COMPLETED", runningCount: 3 });
    expect(await world.state()).toBe("running");
  });

  test("without a rollout state is judged by its tasks", async () => {
    const world = deployed();
    await world.refresh();
    world.ecs.complete("ecs-svc/2");
    const { rolloutState: _none, ...primary } = world.ecs.deployments[0] ?? {};
    world.ecs.deployments = [{ ...primary, runningCount: 2 }];
    expect(await world.state()).toBe("running");
    world.ecs.deployments = [{ ...primary, runningCount: 3 }];
    expect(await world.state()).toBe("running for 5 min");
  });

  test("that is scaled to nothing has no instance, and says so", async () => {
    const world = deployed();
    world.ecs.desired = 0;
    await world.refresh();
    world.ecs.complete("ecs-svc/2");
    await world.look();
    world.later(5 * minute);
    expect(await world.look()).toMatchObject({ state: "finished", instances: 0 });
  });

  test("that drains starts its drain again when it is deployed again meanwhile", async () => {
    const world = deployed();
    await world.refresh();
    world.ecs.complete("ecs-svc/2");
    await world.look();
    world.later(4 * minute);
    const again = world.ecs.deploy();
    await world.look();
    world.ecs.complete(again);
    expect(await world.state()).toBe("running for 5 min");
  });

  test.each([["AccessDeniedException"], ["ThrottlingException"]])(
    "that cannot be asked (%s) is not restarted",
    async (error) => {
      const world = deployed();
      await world.refresh();
      world.ecs.complete("ecs-svc/2");
      await world.look();
      world.later(5 * minute);
      world.ecs.faults.push({ error });
      expect(await world.look()).toMatchObject({
        state: "running",
        detail: `ecs could not be asked: ${error}`,
      });
      expect(await world.state()).toBe("finished");
    },
  );

  test("that is gone, or is none, is not restarted", async () => {
    const world = onEcs();
    world.ecs.isThere = false;
    expect((await world.look()).detail).toContain("there is no ECS service billing");
    expect(
      (await new ConsumerWorld({ workload: "arn:aws:ecs:eu-west-1:111122223333:service/billing" }).look())
        .detail,
    ).toContain("not the ARN");
    expect(await new ConsumerWorld({}).look()).toMatchObject({
      state: "failed",
      detail: "its policy names nothing that runs it",
    });
  });

  test("is called in its own Region", async () => {
    const world = onEcs();
    await world.look();
    expect(new Set(world.ecs.calls)).toEqual(new Set(["DescribeServices eu-west-1"]));
  });
});

/** Clusters, services and functions of two accounts may have one name. */
describe("a workload of another account", () => {
  const foreign = (arn: string) => arn.replace("111122223333", "222222222222");
  const lambda = new FakeLambda();
  test.each([
    ["an ECS service", "ecs", service, "ClusterNotFoundException"],
    ["standalone ECS tasks", "ecs", family, "ClusterNotFoundException"],
    ["a function", "lambda", lambda.arn, "ResourceNotFoundException"],
    ["a function's alias", "lambda", `${lambda.arn}:live`, "ResourceNotFoundException"],
  ] as const)("%s is not taken for ours of the same name", async (_what, kind, arn, error) => {
    const world = new ConsumerWorld({ evidence: [kind], workload: foreign(arn), account: "222222222222" });
    await world.look();
    world.later(24 * 60 * minute);
    world.ecs.complete(world.ecs.deploy());
    world.lambda.change();

    expect(await world.look()).toMatchObject({
      state: "running",
      detail:
        `${kind} could not be asked: ${error}; it is in account 222222222222, ` +
        "whose role belongs under workloadRoles of the stage's file",
    });
  });
});

describe("standalone ECS tasks", () => {
  const batch = () => new ConsumerWorld({ workload: family, cadenceMs: 24 * 60 * minute });

  test("of before the promotion have to end by themselves", async () => {
    const world = batch();
    world.ecs.running = ["task/old"];
    expect(await world.look()).toMatchObject({ state: "running", instances: 0 });
    world.ecs.running = ["task/old", "task/new"];
    expect(await world.look()).toMatchObject({ state: "running", instances: 1 });
    world.ecs.running = [];
    world.ecs.stopped = ["task/old", "task/new"];
    expect(await world.state()).toBe("running for 5 min");
  });

  test("are counted also after ECS has forgotten them", async () => {
    const world = batch();
    expect(await world.look()).toMatchObject({ instances: 0 });
    world.ecs.stopped = ["task/new"];
    await world.look();
    world.ecs.stopped = [];
    world.later(5 * minute);
    expect(await world.look()).toMatchObject({ state: "finished", instances: 1 });
  });

  test("are listed to the last page, or not judged", async () => {
    const world = batch();
    Object.assign(world.ecs, { running: ["a", "b", "c"], pageMax: 1 });
    await world.look();
    world.ecs.running = ["c"];
    expect((await world.look()).detail).toBe("1 tasks of nightly run since before the promotion");
    world.ecs.running = Array.from({ length: 30 }, (_, index) => `t${index}`);
    expect((await world.look()).detail).toContain("more tasks than can be listed");
  });
});

describe("a Lambda function", () => {
  const named = (workload: string) => new ConsumerWorld({ evidence: ["lambda"], workload });

  test("that was not changed since the promotion keeps its environments", async () => {
    const world = named(lambdaArn);
    world.later(60 * minute);
    expect(await world.look()).toMatchObject({ state: "running", kind: "lambda" });
  });

  test("has new environments when an update succeeded and the requests under way have ended", async () => {
    const world = new ConsumerWorld({
      evidence: ["lambda"],
      refresh: { kind: "lambda-recycle", target: lambdaArn },
    });
    await world.refresh();
    expect(await world.state()).toBe("running");
    world.lambda.latest.LastUpdateStatus = "Successful";
    expect(await world.state()).toBe("running for 5 min");
    world.later(5 * minute);
    expect(await world.state()).toBe("finished");
  });

  test("whose update failed keeps its environments, and says why", async () => {
    const world = named(lambdaArn);
    await world.look();
    world.lambda.change({ LastUpdateStatus: "Failed", LastUpdateStatusReasonCode: "SubnetOutOfIPAddresses" });
    expect(await world.look()).toMatchObject({
      state: "failed",
      detail: "its last update failed: SubnetOutOfIPAddresses",
    });
  });

  test("behind an alias is renewed only by another version", async () => {
    const world = named(`${lambdaArn}:live`);
    await world.look();
    world.lambda.change();
    expect((await world.look()).detail).toContain("publish a new version and move the alias");
    world.lambda.live = 8;
    expect(await world.state()).toBe("running for 5 min");
  });

  test("behind an alias that still sends requests to the former version is not", async () => {
    const world = named(`${lambdaArn}:live`);
    await world.look();
    Object.assign(world.lambda, { live: 8, weights: { 7: 0.1 } });
    expect(await world.look()).toMatchObject({
      state: "running",
      detail: "live still sends requests to version 7",
    });
  });

  test("behind an alias that was moved back has failed: the older version may be warm", async () => {
    const world = named(`${lambdaArn}:live`);
    await world.look();
    world.lambda.live = 6;
    expect(await world.state()).toBe("failed");
  });

  test("pinned to a version never is", async () => {
    const world = named(`${lambdaArn}:7`);
    await world.look();
    world.lambda.change();
    world.later(60 * minute);
    expect((await world.look()).detail).toContain("7 still serves version 7");
  });

  test("with another kind of name is not asked about", async () => {
    expect((await named("arn:aws:lambda:eu-west-1:111122223333:layer:x").look()).detail).toContain(
      "not the ARN",
    );
  });
});

describe.each([
  ["deployments", "deployment"],
  ["statefulsets", "statefulSet"],
] as const)("a rollout of Kubernetes %s", (kind, name) => {
  const target = pods.target(kind);
  const restarted = () =>
    new ConsumerWorld({ evidence: ["kubernetes"], refresh: { kind: "kubernetes-restart", target } });
  const observed = () => new ConsumerWorld({ evidence: ["kubernetes"], workload: target });

  test("is done when the controller has seen it and every pod is new and available", async () => {
    const world = restarted();
    await world.refresh();
    const rollout = world.kubernetes[name];
    rollout.updated = 3;
    expect((await world.look()).detail).toBe("the rollout has not begun");
    rollout.progress(2);
    expect(await world.state()).toBe("running");
    rollout.finish();
    expect(await world.state()).toBe("running for 5 min");
    rollout.available = 2;
    expect(await world.state()).toBe("running");
    rollout.available = 3;
    await world.look();
    world.later(5 * minute);
    expect(await world.look()).toMatchObject({ state: "finished", instances: 3 });
  });

  test("that misses its progress deadline has failed", async () => {
    const world = restarted();
    await world.refresh();
    world.kubernetes[name].progress(1);
    world.kubernetes[name].deadlineMissed = true;
    expect(await world.look()).toMatchObject({
      state: "failed",
      detail: expect.stringContaining("progress deadline"),
    });
  });

  test("that was undone has failed, although all pods are of one revision: some never stopped", async () => {
    const world = restarted();
    await world.refresh();
    world.kubernetes[name].progress(1);
    await world.look();
    world.kubernetes[name].undo();
    world.kubernetes[name].finish();
    expect(await world.look()).toMatchObject({ state: "failed", detail: "its rollout was undone" });
  });

  test("that somebody else made since the promotion counts", async () => {
    const world = observed();
    expect((await world.look()).detail).toBe("was not rolled out since the promotion");
    world.kubernetes[name].change("billing:2");
    world.kubernetes[name].finish();
    expect(await world.state()).toBe("running for 5 min");
  });

  test("of a paused workload is not done", async () => {
    const world = restarted();
    await world.refresh();
    world.kubernetes[name].finish();
    world.kubernetes[name].paused = true;
    expect(await world.state()).toBe("running");
  });
});

test("a stateful set whose pods are of two revisions is not rolled out, whatever its counts say", async () => {
  const target = pods.target("statefulsets");
  const world = new ConsumerWorld({
    evidence: ["kubernetes"],
    refresh: { kind: "kubernetes-restart", target },
  });
  await world.refresh();
  world.kubernetes.statefulSet.progress(3);
  expect(await world.state()).toBe("running");
  world.kubernetes.statefulSet.finish();
  expect(await world.state()).toBe("running for 5 min");
});

describe("the Kubernetes API", () => {
  const target = pods.target("deployments");
  const observed = () => new ConsumerWorld({ evidence: ["kubernetes"], workload: target });

  test("gets a token only where the deployment lists the object", async () => {
    const world = observed();
    world.allowed = [];
    expect((await world.look()).detail).toContain("is not in the deployment's refreshAllowed");
    expect(world.kubernetes.calls).toEqual([]);
  });

  test.each([
    [500, undefined, "the Kubernetes API answered 500"],
    [200, '{"kind":"Status"}', "something else than this object"],
  ])("that answers %d is no evidence", async (status, body, detail) => {
    const world = observed();
    Object.assign(world.kubernetes, { status, body });
    expect(await world.look()).toMatchObject({ state: "running", detail: expect.stringContaining(detail) });
  });

  test.each([
    "https://k8s.example.com/api/v1/pods/x#arn:aws:x",
    target.split("#")[0] ?? "",
    "not an address#arn:aws:x",
  ])("is not asked about %s", async (workload) => {
    const world = new ConsumerWorld({ evidence: ["kubernetes"], workload });
    expect((await world.look()).detail).toContain("a Kubernetes target is");
  });
});

describe("an External Secret", () => {
  const target = pods.target("externalsecrets");
  const synced = (fields = {}) =>
    new ConsumerWorld({ evidence: ["kubernetes"], refresh: { kind: "kubernetes-sync", target }, ...fields });

  test("has to be asked to sync", async () => {
    const world = new ConsumerWorld({ evidence: ["kubernetes"], workload: target });
    world.kubernetes.external.begin()();
    expect(await world.look()).toMatchObject({
      state: "running",
      detail: expect.stringContaining("force-sync=v2"),
    });
  });

  test("is synced when the operator read it with our annotation; a sync that had begun before does not count", async () => {
    const world = synced();
    world.kubernetes.external.annotations = { other: "annotation" };
    world.kubernetes.external.begin()();
    const early = world.kubernetes.external.begin();
    await world.refresh();
    early();
    expect(await world.look()).toMatchObject({ state: "running", detail: "has not synced yet" });
    world.kubernetes.external.begin()();
    expect(await world.state()).toBe("running for 5 min");
    world.later(5 * minute);
    expect(await world.state()).toBe("finished");
  });

  test("whose sync fails says so", async () => {
    const world = synced();
    await world.refresh();
    world.kubernetes.external.ready = "False";
    expect(await world.look()).toMatchObject({
      state: "failed",
      detail: "its sync fails: SecretSyncedError",
    });
  });

  test("comes before the pods that read it: a rollout before the sync does not count", async () => {
    const world = synced({ workload: pods.target("deployments") });
    world.allowed.push(pods.target("deployments"));
    await world.refresh();
    await world.look();
    world.kubernetes.deployment.change("billing:2");
    world.kubernetes.deployment.finish();
    world.kubernetes.external.begin()();
    await world.look();
    world.later(5 * minute);
    expect((await world.look()).detail).toBe("was not rolled out since the promotion");
    world.kubernetes.deployment.change("billing:3");
    world.kubernetes.deployment.finish();
    await world.look();
    world.later(5 * minute);
    expect(await world.look()).toMatchObject({ state: "finished", instances: 3 });
  });
});

describe("sources that are asked", () => {
  test("are asked only about consumers whose policy names them", async () => {
    const world = new ConsumerWorld({ evidence: ["client"], workload: service });
    expect(await world.observe()).toEqual([]);
    expect(await world.observe({ consumers: "none" })).toEqual([]);
    expect(world.ecs.calls).toEqual([]);
  });

  test("answer for every consumer, in the policy's order", async () => {
    const world = onEcs();
    const many = Array.from({ length: 25 }, (_, index) => ({ ...world.consumer, name: `c${index}` }));
    const said = await world.observe({ consumers: many });
    expect(said.map(({ consumer }) => consumer)).toEqual(many.map(({ name }) => name));
  });

  test("do not swallow the ledger's own trouble", async () => {
    const world = onEcs();
    world.memoryError = new Error("ledger");
    await expect(world.look()).rejects.toThrow("ledger");
  });
});

describe("a KMS Decrypt record", () => {
  const roleArn = "arn:aws:iam::111122223333:role/billing";
  const session = { type: "AssumedRole", arn: "arn:aws:sts::111122223333:assumed-role/billing/i-1" };
  const record = (fields = {}) =>
    DecryptRecord.parse({
      eventSource: "kms.amazonaws.com",
      eventName: "Decrypt",
      userIdentity: { ...session, sessionContext: { sessionIssuer: { arn: roleArn } } },
      requestParameters: { encryptionContext: { SecretARN: secretArn, SecretVersionId: "v2" } },
      ...fields,
    });
  const envelope = {
    account: "111122223333",
    atMs: 7,
    environment: "production",
    own: ["arn:aws:iam::111122223333:role/rekey-"],
  };
  const consumers = [{ name: "billing", roles: [roleArn] }] as unknown as Policy["consumers"];
  const mapped = (fields = {}, around = {}) =>
    readFrom(record(fields), { envelope: { ...envelope, ...around }, policy: { consumers } });

  test("is a read by the consumer that has the session's role", () => {
    expect(mapped()).toEqual({
      ...{ kind: "kms", consumer: "billing", principal: roleArn, environment: "production" },
      ...{ account: "111122223333", versionId: "v2", observedAtMs: 7 },
    });
    expect(secretOf(record())).toBe(secretArn);
  });

  test("by an unknown role or user is named by it", () => {
    const arn = "arn:aws:iam::111122223333:user/ada";
    expect(mapped({ userIdentity: { arn } })).toMatchObject({ consumer: "user/ada", principal: arn });
    expect(readFrom(record(), { envelope, policy: { consumers: "none" } })).toMatchObject({
      consumer: "role/billing",
    });
  });

  test("by Rekey itself, by a service, or of somebody who was refused is nobody's", () => {
    const own = "arn:aws:iam::111122223333:role/rekey-production-eu-west-1-prove-dead";
    expect(
      mapped({ userIdentity: { ...session, sessionContext: { sessionIssuer: { arn: own } } } }),
    ).toBeUndefined();
    expect(
      mapped({ userIdentity: { type: "AWSService", invokedBy: "secretsmanager.amazonaws.com" } }),
    ).toBeUndefined();
    expect(mapped({ errorCode: "AccessDenied" })).toBeUndefined();
  });

  test("from an account that neither owns the secret nor read it is nobody's", () => {
    expect(mapped({}, { account: "999900001111" })).toBeUndefined();
  });

  test("of a reader in another account is that account's", () => {
    const arn = "arn:aws:iam::999900001111:role/partner";
    const read = { userIdentity: { sessionContext: { sessionIssuer: { arn } } } };
    expect(mapped(read)).toMatchObject({ account: "999900001111", principal: arn });
    expect(mapped(read, { account: "999900001111" })).toMatchObject({ account: "999900001111" });
  });

  test.each([
    [{ eventName: "GenerateDataKey" }],
    [{ eventSource: "s3.amazonaws.com" }],
    [{ requestParameters: { encryptionContext: { "aws:s3:arn": "x" } } }],
    [{ requestParameters: null }],
    [{ userIdentity: { arn: "not an arn" } }],
  ])("of something else is refused: %j", (fields) => {
    expect(() => record(fields)).toThrow();
  });
});

describe("the provider", () => {
  const asked: { keyId: string; sinceMs: number }[] = [];
  const provider = (use: Partial<KeyUse> | undefined, lastUsed = true) =>
    ({
      propagation: { usageLagMs: 60_000 },
      capabilities: { lastUsed },
      use: async (query: { keyId: string; sinceMs: number }) => {
        asked.push(query);
        return use && { keyId: query.keyId, seenAtMs: 1, ...use };
      },
    }) as unknown as KeyProvider;
  const question = (fields: Partial<Policy>, nowMs = 1_000_000) => ({
    policy: { quietMs: 120_000, consumers: "none", ...fields } as Policy,
    ...{ retiringKeyId: "k1", incomingKeyId: "k2", promotedAtMs: 900_000, nowMs },
  });
  beforeEach(() => void asked.splice(0));

  test("is asked about the retiring key, for as long as its lag and the quiet window", async () => {
    const said = await observeProvider(question({}, 2_000_000), provider({ requests: 0 }));
    expect(asked).toEqual([{ keyId: "k1", sinceMs: 2_000_000 - 180_000 }]);
    expect(said).toEqual({
      kind: "provider",
      observedAtMs: 2_000_000,
      lagMs: 60_000,
      retiring: { keyId: "k1", seenAtMs: 1, requests: 0 },
    });
  });

  test("is never asked about the time before the promotion", async () => {
    await observeProvider(question({}), provider({}));
    expect(asked[0]?.sinceMs).toBe(900_000);
  });

  test("is asked about the incoming key where a consumer has to use it", async () => {
    const consumers = [{ demandUse: true }] as unknown as Policy["consumers"];
    expect(await observeProvider(question({ consumers }), provider({ lastUsedAtMs: 5 }))).toMatchObject({
      incoming: { keyId: "k2", lastUsedAtMs: 5 },
    });
  });

  test("that cannot tell uses and did not count is silent, not quiet", async () => {
    expect(await observeProvider(question({}), provider({}, false))).not.toHaveProperty("retiring");
    expect(await observeProvider(question({}), provider(undefined))).not.toHaveProperty("retiring");
    expect(await observeProvider(question({}), provider({}))).toHaveProperty("retiring");
    expect(await observeProvider(question({}), provider({ requests: 0 }, false))).toHaveProperty("retiring");
  });
});
