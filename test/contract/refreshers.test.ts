import { createHmac } from "node:crypto";
import { awsReach } from "../../consumers/queues.ts";
import { hostsIn } from "../../consumers/reach.ts";
import { refreshers } from "../../consumers/refreshers.ts";
import { LedgerContended, StoreUnavailable } from "../../core/errors.ts";
import type { RefreshAction } from "../../core/policy.ts";
import { ConsumerWorld, minute, queueArn, secretArn, webhookKey, webhookUrl } from "./consumer-world.ts";
import { FakeEcs } from "./fake-ecs.ts";
import { FakeKubernetes } from "./fake-kubernetes.ts";
import { FakeLambda } from "./fake-lambda.ts";

const { service } = new FakeEcs();
const { arn: lambdaArn } = new FakeLambda();
const pods = new FakeKubernetes();
const targets: Readonly<Partial<Record<RefreshAction["kind"], string>>> = {
  "ecs-deployment": service,
  "lambda-recycle": lambdaArn,
  "kubernetes-restart": pods.target("deployments"),
  "kubernetes-sync": pods.target("externalsecrets"),
  webhook: webhookUrl,
  sqs: queueArn,
};
const touching = Object.keys(targets) as (keyof typeof targets)[];
const worldOf = (kind: RefreshAction["kind"], fields: Partial<RefreshAction> = {}) => {
  const target = targets[kind];
  return new ConsumerWorld({ refresh: { kind, ...(target !== undefined && { target }), ...fields } });
};
const effectsOf = ({ ecs, lambda, kubernetes, hooks, messages }: ConsumerWorld) => [
  ...ecs.calls.filter((call) => call.startsWith("Update")),
  ...lambda.calls.filter((call) => call.startsWith("Update")),
  ...kubernetes.calls.filter((call) => call.startsWith("PATCH")),
  ...hooks.map(() => "POST"),
  ...messages.map(() => "SendMessage"),
];

describe.each(touching)("%s", (kind) => {
  test("is off until the deployment lists exactly this target", async () => {
    const world = worldOf(kind);
    for (const allowed of [[], [`${targets[kind]}x`], [String(targets[kind]).slice(0, -1)], ["*"]]) {
      world.allowed = allowed;
      expect(await world.refresh()).toEqual({
        outcome: "off",
        detail: `${targets[kind]} is not in the deployment's refreshAllowed`,
      });
    }
    expect(effectsOf(world)).toEqual([]);
  });

  test("happens once for one version, and again for the next", async () => {
    const world = worldOf(kind);
    expect((await world.refresh()).outcome).toBe("started");
    world.lambda.latest.LastUpdateStatus = "Successful";
    expect((await world.refresh()).outcome).toBe("nothingToDo");
    expect(effectsOf(world)).toHaveLength(1);
    world.versionId = "v3";
    expect((await world.refresh()).outcome).toBe("started");
    expect(effectsOf(world)).toHaveLength(2);
  });

  test("without a target is a failure that is reported", async () => {
    const world = new ConsumerWorld({ refresh: { kind } });
    expect(await world.refresh()).toMatchObject({
      outcome: "failed",
      detail: "its policy does not say what to refresh",
    });
  });

  test("of something else than its kind is a failure that is reported", async () => {
    const world = new ConsumerWorld({ refresh: { kind, target: "arn:aws:s3:::bucket" } });
    expect(await world.refresh()).toMatchObject({ outcome: "failed" });
    expect(effectsOf(world)).toEqual([]);
  });

  test("reports the ledger's trouble as what it is, so that the step is tried again", async () => {
    for (const error of [new StoreUnavailable("down"), new LedgerContended("busy")]) {
      const world = worldOf(kind);
      world.memoryError = error;
      await expect(world.refresh()).rejects.toBe(error);
    }
  });
});

test("without a way out, everything that touches a workload is off", async () => {
  const world = worldOf("sqs");
  const quiet = refreshers({ allowed: [queueArn] });
  const order = { consumer: world.consumer } as Parameters<typeof quiet.sqs.refresh>[0];
  expect((await quiet.sqs.refresh(order)).outcome).toBe("off");
});

test("an announcement needs nothing more", async () => {
  expect((await worldOf("announce").refresh()).outcome).toBe("nothingToDo");
});

describe("a new ECS deployment", () => {
  test("is remembered by its id, which the evidence then follows", async () => {
    const world = worldOf("ecs-deployment");
    expect(await world.refresh()).toEqual({ outcome: "started", detail: "started deployment ecs-svc/2" });
    world.ecs.complete("ecs-svc/2");
    expect(await world.state()).toBe("running for 5 min");
  });

  test("whose reply was lost is found again, not started a second time", async () => {
    const world = worldOf("ecs-deployment");
    world.ecs.faults.push(undefined, { error: "TimeoutError", afterEffect: true });
    expect(await world.refresh()).toEqual({ outcome: "failed", detail: "TimeoutError" });
    expect(await world.refresh()).toEqual({
      outcome: "started",
      detail: "deployment ecs-svc/2 began after the promotion",
    });
    expect(effectsOf(world)).toHaveLength(1);
  });

  test("that ECS refuses is reported by the error's name, never by its words", async () => {
    const world = worldOf("ecs-deployment");
    world.ecs.faults.push(undefined, { error: "InvalidParameterException" });
    expect(await world.refresh()).toEqual({ outcome: "failed", detail: "InvalidParameterException" });
  });

  test("that was taken without being started is a failure", async () => {
    const world = worldOf("ecs-deployment");
    world.ecs.deploy = () => "none";
    expect((await world.refresh()).detail).toBe("ECS took the update and started no deployment");
  });
});

describe("a Lambda recycle", () => {
  test("marks the description and keeps what people wrote there", async () => {
    const world = worldOf("lambda-recycle");
    world.lambda.latest.Description = "nightly batch [rekey v1]";
    await world.refresh();
    expect(world.lambda.latest.Description).toBe("nightly batch [rekey v2]");
  });

  test("fits into what a description may hold", async () => {
    const world = worldOf("lambda-recycle");
    world.lambda.latest.Description = "d".repeat(256);
    await world.refresh();
    expect(world.lambda.latest.Description).toHaveLength(256);
    expect(world.lambda.latest.Description.endsWith("d [rekey v2]")).toBe(true);
  });

  test.each([["races"], ["conflicts"]] as const)(
    "reads again after %s with another change",
    async (cause) => {
      const world = worldOf("lambda-recycle");
      world.lambda[cause] = 2;
      expect((await world.refresh()).outcome).toBe("started");
      expect(world.lambda.latest.Description).toBe("[rekey v2]");
    },
  );

  test("gives up when somebody else never stops changing the function", async () => {
    const world = worldOf("lambda-recycle");
    world.lambda.conflicts = 100;
    expect(await world.refresh()).toEqual({
      outcome: "failed",
      detail: "somebody else was changing batch, 4 times in a row",
    });
    expect(effectsOf(world)).toHaveLength(4);
  });

  test("whose reply was lost is seen by its mark, and counts as evidence", async () => {
    const world = worldOf("lambda-recycle");
    world.consumer = { ...world.consumer, evidence: ["lambda"] };
    world.lambda.lostReplies = 1;
    expect(await world.refresh()).toEqual({ outcome: "failed", detail: "TimeoutError" });
    expect(await world.refresh()).toEqual({
      outcome: "nothingToDo",
      detail: "batch has this version's mark",
    });
    world.lambda.latest.LastUpdateStatus = "Successful";
    expect(await world.state()).toBe("running for 5 min");
  });

  test.each(["live", "7"])("of the published %s is reported as impossible", async (qualifier) => {
    const world = worldOf("lambda-recycle", { target: `${lambdaArn}:${qualifier}` });
    expect(await world.refresh()).toEqual({
      outcome: "failed",
      detail: `${qualifier} is published and cannot be changed: publish a new version and move the alias`,
    });
    expect(world.lambda.calls).toEqual([]);
  });

  test("of $LATEST is one of the function", async () => {
    expect((await worldOf("lambda-recycle", { target: `${lambdaArn}:$LATEST` }).refresh()).outcome).toBe(
      "started",
    );
  });
});

describe("a Kubernetes refresh", () => {
  test("restarts as kubectl does, and names the version on the pods", async () => {
    const world = worldOf("kubernetes-restart");
    await world.refresh();
    expect(world.kubernetes.deployment.annotations).toEqual({
      "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00.000Z",
      "rekey/version-id": "v2",
    });
  });

  test("that was undone is not forced a second time", async () => {
    const world = worldOf("kubernetes-restart");
    await world.refresh();
    world.kubernetes.deployment.undo();
    expect((await world.refresh()).outcome).toBe("nothingToDo");
    expect(effectsOf(world)).toHaveLength(1);
  });

  test("syncs External Secrets by the version's id", async () => {
    const world = worldOf("kubernetes-sync");
    await world.refresh();
    expect(world.kubernetes.external.annotations).toEqual({ "force-sync": "v2" });
  });

  test("of the wrong object is reported", async () => {
    expect(
      (await worldOf("kubernetes-restart", { target: pods.target("externalsecrets") }).refresh()).detail,
    ).toContain("kubernetes-sync");
    expect(
      (await worldOf("kubernetes-sync", { target: pods.target("deployments") }).refresh()).detail,
    ).toContain("kubernetes-restart");
  });

  test.each(["kubernetes-restart", "kubernetes-sync"] as const)(
    "that %s may not do is reported, and tried again",
    async (kind) => {
      const world = worldOf(kind);
      world.kubernetes.status = 403;
      expect(await world.refresh()).toEqual({ outcome: "failed", detail: "the Kubernetes API answered 403" });
      world.kubernetes.status = 200;
      expect((await world.refresh()).outcome).toBe("started");
    },
  );
});

describe("a webhook", () => {
  test("is signed over its time, nonce and body", async () => {
    const world = worldOf("webhook");
    await world.refresh();
    const [hook] = world.hooks;
    const body = {
      type: "SecretVersionPromoted",
      secretArn,
      versionId: "v2",
      rotationId: "r-1",
      consumer: "billing",
      environment: "production",
    };
    const signed = `1767225600.nonce-1.${JSON.stringify(body)}`;
    expect(hook?.body).toEqual(body);
    expect(hook?.headers).toMatchObject({
      "rekey-timestamp": "1767225600",
      "rekey-nonce": "nonce-1",
      "rekey-signature": `v1=${createHmac("sha256", webhookKey).update(signed).digest("hex")}`,
    });
  });

  test("that is refused is reported, and sent again with a new nonce", async () => {
    const world = worldOf("webhook");
    world.hookStatus = 503;
    expect(await world.refresh()).toEqual({ outcome: "failed", detail: "the webhook answered 503" });
    world.hookStatus = 200;
    expect((await world.refresh()).outcome).toBe("started");
    expect(world.hooks.map(({ headers }) => headers["rekey-nonce"])).toEqual(["nonce-1", "nonce-2"]);
  });

  test("without a signing key is not sent", async () => {
    const world = worldOf("webhook", { target: "https://hooks.example.com/rekey" });
    expect((await world.refresh()).detail).toContain("the ARN of its signing key's secret");
    expect(world.hooks).toEqual([]);
  });

  test("goes to hosts that the deployment lists, and to no others", () => {
    expect(
      hostsIn([service, webhookUrl, pods.target("deployments"), "https://k8s.example.com/other", "https://"]),
    ).toEqual(["hooks.example.com", "k8s.example.com"]);
  });
});

describe("a message", () => {
  test("says ids only", async () => {
    const world = worldOf("sqs");
    await world.refresh();
    expect(world.messages).toEqual([
      {
        QueueUrl: "https://sqs.eu-west-1.amazonaws.com/111122223333/billing-refresh",
        MessageBody: expect.stringContaining('"versionId":"v2"'),
      },
    ]);
  });

  test("to an ordered queue is the same message when it is sent twice", async () => {
    const [one, two] = [
      worldOf("sqs", { target: `${queueArn}.fifo` }),
      worldOf("sqs", { target: `${queueArn}.fifo` }),
    ];
    await one.refresh();
    await two.refresh();
    expect(one.messages[0]).toMatchObject({
      MessageGroupId: "billing",
      MessageDeduplicationId: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(one.messages[0]?.MessageDeduplicationId).toBe(two.messages[0]?.MessageDeduplicationId);
  });

  test("goes to China by China's own address", async () => {
    const world = worldOf("sqs", { target: "arn:aws-cn:sqs:cn-north-1:111122223333:q" });
    await world.refresh();
    expect(world.messages[0]?.QueueUrl).toBe("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q");
  });

  test("that the queue refuses is reported", async () => {
    const world = worldOf("sqs");
    world.sqsError = "QueueDoesNotExist";
    expect(await world.refresh()).toEqual({ outcome: "failed", detail: "QueueDoesNotExist" });
  });
});

describe("a consumer that nobody can change", () => {
  test("is a task for its owner, with a deadline, published once", async () => {
    const world = worldOf("manual", { owner: "team-legacy" });
    world.consumer = { ...world.consumer, evidence: ["attestation"] };
    expect((await world.refresh()).outcome).toBe("started");
    expect((await world.refresh()).outcome).toBe("nothingToDo");
    expect(world.events).toEqual([
      {
        type: "ConsumerTask",
        secretArn,
        detail: {
          ...{
            consumer: "billing",
            environment: "production",
            owner: "team-legacy",
            versionId: "v2",
            rotationId: "r-1",
          },
          task: "switch billing in production to the current version of billing-key",
          deadline: new Date(Date.UTC(2026, 0, 1) + 60 * minute).toISOString(),
          afterwards: "rekey attest billing-key billing",
        },
      },
    ]);
  });

  test("has an owner by whatever name there is, and shows its move as its policy says", async () => {
    const owners: unknown[] = [];
    for (const refresh of [{}, { target: "the ops desk" }]) {
      const world = worldOf("manual", refresh);
      await world.refresh();
      const [task] = world.events;
      owners.push(task?.detail["owner"]);
      expect(task?.detail["afterwards"]).toBe("ecs evidence shows it");
    }
    expect(owners).toEqual(["its owner", "the ops desk"]);
  });
});

test("the way to AWS has one client for each Region and account, made when it is first needed", () => {
  const world = {
    http: { send: async () => ({ status: 200, json: {} }) },
    read: async () => Promise.reject(new Error()),
    newNonce: () => "n",
    pause: async () => undefined,
  };
  const reach = awsReach(world, {});
  const service = (place: string, name = "search") => reach.ecs(`arn:aws:ecs:${place}:service/main/${name}`);
  expect(service("eu-west-1:111122223333")).toBe(service("eu-west-1:111122223333", "web"));
  expect(service("eu-west-1:111122223333")).not.toBe(service("us-east-1:111122223333"));
  expect(service("eu-west-1:111122223333")).not.toBe(service("eu-west-1:444455556666"));
  expect(reach.sqs("eu-west-1")).toBe(reach.sqs("eu-west-1"));
});
