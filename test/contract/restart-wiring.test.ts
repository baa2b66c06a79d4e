import { ConsumerWorld, incomingText, minute, retiringText, secretArn } from "./consumer-world.ts";
import { FakeEcs } from "./fake-ecs.ts";
import { FakeKubernetes } from "./fake-kubernetes.ts";
import { FakeLambda } from "./fake-lambda.ts";

const { service, family } = new FakeEcs();
const { arn: lambdaArn } = new FakeLambda();
const pods = new FakeKubernetes();

/** What the gate hears once the consumer was restarted after the promotion. */
async function wiringOf(world: ConsumerWorld) {
  await world.look();
  world.later(60 * minute);
  const { state, wiring, detail } = await world.look();
  return state === "finished" ? [wiring, detail] : [state, detail];
}

describe("an ECS service", () => {
  async function deployedWith(definition: {
    secrets?: object;
    environment?: object;
  }): Promise<ConsumerWorld> {
    const world = new ConsumerWorld({ workload: service });
    await world.look();
    world.ecs.definitions.set("billing:2", definition);
    world.ecs.definition = "billing:2";
    world.ecs.complete(world.ecs.deploy());
    await world.look();
    return world;
  }

  const withSecret = (valueFrom: string) => ({ secrets: { API_KEY: valueFrom } });
  const otherArn = secretArn.replace("billing", "search");
  const rows: readonly (readonly [string, { secrets?: object; environment?: object }, string, RegExp])[] = [
    ["names the secret", withSecret(secretArn), "current", /completed|tasks are of deployment/],
    ["names a field of it", withSecret(`${secretArn}:key::`), "current", /./],
    ["names it without its random end", withSecret(secretArn.slice(0, -7)), "current", /./],
    ["asks for AWSCURRENT", withSecret(`${secretArn}::AWSCURRENT:`), "current", /./],
    ["asks for the incoming version", withSecret(`${secretArn}:::v2`), "current", /./],
    [
      "pins the retiring version",
      withSecret(`${secretArn}:key::v1`),
      "pinned",
      /API_KEY of billing:2 asks for the version v1/,
    ],
    ["pins a label", withSecret(`${secretArn}::AWSPREVIOUS:`), "pinned", /the label AWSPREVIOUS/],
    [
      "has the retiring key in a plain variable",
      { environment: { API_KEY: `${retiringText}\n` } },
      "pinned",
      /API_KEY of billing:2 holds the retiring key itself/,
    ],
    [
      "pins it in one place and not in the other",
      { secrets: { A: secretArn, B: `${secretArn}:::v1` } },
      "pinned",
      /B of billing:2/,
    ],
    ["names another secret", withSecret(otherArn), "unseen", /does not show/],
    ["names no secret", { environment: { PORT: "80" } }, "unseen", /does not show/],
  ];
  test.each(rows)("whose task definition %s", async (_name, definition, wiring, detail) => {
    const said = await wiringOf(await deployedWith(definition));
    expect(said).toEqual([wiring, expect.stringMatching(detail)]);
    expect(JSON.stringify(said)).not.toContain(retiringText);
  });

  test("that does not say what it runs is no evidence", async () => {
    const world = await deployedWith(withSecret(secretArn));
    world.later(60 * minute);
    world.ecs.faults.push(undefined, undefined, { error: "AccessDeniedException" });
    expect(await world.look()).toMatchObject({
      ...{ state: "running", detail: "ecs did not say what its instances read: AccessDeniedException" },
    });
  });
});

describe("an ECS service whose task sets CodeDeploy makes", () => {
  const set = (id: string, status: string, fields: object = {}) => ({
    ...{ id, status, runningCount: 2, pendingCount: 0, stabilityStatus: "STEADY_STATE" as const },
    ...{ taskDefinition: "arn:aws:ecs:eu-west-1:111122223333:task-definition/billing:1", ...fields },
  });

  test("is replaced when the task set from before the promotion has ended", async () => {
    const world = new ConsumerWorld({ workload: service });
    world.ecs.definitions.set("billing:1", { secrets: { API_KEY: secretArn } });
    world.ecs.taskSets = [set("blue", "PRIMARY")];
    expect(await world.look()).toMatchObject({
      state: "running",
      detail: expect.stringContaining("in CodeDeploy"),
    });

    world.ecs.taskSets = [set("green", "ACTIVE", { stabilityStatus: "STABILIZING" }), set("blue", "PRIMARY")];
    expect((await world.look()).detail).toContain("no task set was made since the promotion");
    world.ecs.taskSets = [set("green", "PRIMARY"), set("blue", "ACTIVE")];
    expect(await world.look()).toMatchObject({
      ...{ state: "running", instances: 2 },
      detail: "2 tasks are of the task set green, and 2 of others still run",
    });

    world.ecs.taskSets = [set("green", "PRIMARY"), set("blue", "DRAINING", { runningCount: 0 })];
    expect(await world.state()).toBe("running for 5 min");
    expect((await wiringOf(world))[0]).toBe("current");
  });

  test("is not deployed by Rekey, which says who has to", async () => {
    const world = new ConsumerWorld({ refresh: { kind: "ecs-deployment", target: service } });
    world.ecs.taskSets = [set("blue", "PRIMARY")];
    expect(await world.refresh()).toMatchObject({
      ...{ outcome: "failed", detail: expect.stringContaining("CodeDeploy controls") },
    });
    expect(world.ecs.calls.filter((call) => call.startsWith("UpdateService"))).toEqual([]);
    world.ecs.taskSets = [set("green", "PRIMARY"), set("blue", "ACTIVE")];
    expect((await world.refresh()).outcome).toBe("started");
  });
});

test("a family of standalone tasks is judged by the definition that its tasks run", async () => {
  const world = new ConsumerWorld({ workload: family });
  await world.look();
  world.ecs.running = ["task-1"];
  world.ecs.definitions.set("billing:1", { secrets: { API_KEY: `${secretArn}:::v1` } });
  expect((await wiringOf(world))[0]).toBe("pinned");
  world.ecs.definitions.set("billing:1", { secrets: { API_KEY: secretArn } });
  world.ecs.running = [];
  world.ecs.stopped = ["task-1"];
  expect((await wiringOf(world))[0]).toBe("current");
  world.ecs.stopped = [];
  expect((await wiringOf(world))[0]).toBe("unseen");
});

describe("a Lambda function", () => {
  const variables = (Variables: Record<string, string>) => ({ Environment: { Variables } });
  test.each([
    ["has the secret's ARN", { SECRET: secretArn }, "current"],
    ["has the secret's name", { SECRET: "billing" }, "current"],
    ["was given the incoming key", { OPENAI_API_KEY: incomingText }, "current"],
    ["was given the incoming version", { VERSION: "v2" }, "current"],
    ["was deployed with the retiring key", { OPENAI_API_KEY: retiringText }, "pinned"],
    ["was deployed with the retiring version", { SECRET: secretArn, VERSION: "v1" }, "pinned"],
    ["says nothing", { LEVEL: "info" }, "unseen"],
  ])("that %s in its variables", async (_name, given, expected) => {
    const world = new ConsumerWorld({ evidence: ["lambda"], workload: lambdaArn });
    await world.look();
    world.lambda.change(variables(given));
    expect((await wiringOf(world))[0]).toBe(expected);
  });
});

describe("on Kubernetes", () => {
  const external = pods.target("externalsecrets");
  const deployment = pods.target("deployments");

  async function synced(spec: unknown, workload?: string): Promise<ConsumerWorld> {
    const world = new ConsumerWorld({
      ...{ evidence: ["kubernetes"], refresh: { kind: "kubernetes-sync", target: external } },
      ...(workload !== undefined && { workload }),
    });
    await world.look();
    world.kubernetes.external.spec = spec;
    await world.refresh();
    world.kubernetes.external.begin()();
    await world.look();
    return world;
  }

  const remote = (remoteRef: object) => ({ data: [{ secretKey: "API_KEY", remoteRef }] });
  test.each([
    ["follows the secret", remote({ key: "billing", property: "key" }), "current"],
    ["follows it by its ARN", remote({ key: secretArn }), "current"],
    ["takes all of its fields", { dataFrom: [{ extract: { key: "billing" } }] }, "current"],
    ["names the incoming version", remote({ key: "billing", version: "uuid/v2" }), "current"],
    ["pins a version", remote({ key: "billing", version: "uuid/v1" }), "pinned"],
    ["pins a label", remote({ key: "billing", version: "AWSPREVIOUS" }), "pinned"],
    ["finds secrets by a tag", { dataFrom: [{ find: { tags: {} } }] }, "unseen"],
  ])("an External Secret that %s", async (_name, spec, expected) => {
    expect((await wiringOf(await synced(spec)))[0]).toBe(expected);
  });

  test("pods that read what an External Secret writes read what it follows", async () => {
    const world = await synced(remote({ key: "billing" }), deployment);
    world.later(60 * minute);
    await world.look();
    world.kubernetes.deployment.env = [{ name: "API_KEY", valueFrom: { secretKeyRef: {} } }];
    world.kubernetes.deployment.change("billing:2");
    world.kubernetes.deployment.finish();
    await world.look();
    expect((await wiringOf(world))[0]).toBe("current");
  });

  test.each([
    ["the retiring key in their template", [{ name: "API_KEY", value: retiringText }], "pinned"],
    ["a reference that nobody follows", [{ name: "API_KEY", valueFrom: { secretKeyRef: {} } }], "unseen"],
  ])("pods with %s", async (_name, env, expected) => {
    const world = new ConsumerWorld({ evidence: ["kubernetes"], workload: deployment });
    await world.look();
    world.kubernetes.deployment.env = env;
    world.kubernetes.deployment.change("billing:2");
    world.kubernetes.deployment.finish();
    await world.look();
    expect((await wiringOf(world))[0]).toBe(expected);
  });

  const volume = (driver = "secrets-store.csi.k8s.io") => ({
    name: "keys",
    csi: { driver, readOnly: true, volumeAttributes: { secretProviderClass: "billing-keys" } },
  });
  const objects = (text: string) => ({ provider: "aws", parameters: { objects: text } });
  const classes: readonly (readonly [string, ReturnType<typeof objects> | number, string])[] = [
    ["follows the secret", objects(`- objectName: billing\n  objectType: secretsmanager\n`), "current"],
    ["follows it by its ARN", objects(`- objectName: "${secretArn}"\n`), "current"],
    ["asks for AWSCURRENT", objects("- {objectName: billing, objectVersionLabel: AWSCURRENT}"), "current"],
    ["names the incoming version", objects("- {objectName: billing, objectVersion: v2}"), "current"],
    [
      "pins a version",
      objects("- {objectName: other}\n- {objectName: billing, objectVersion: v1}"),
      "pinned",
    ],
    ["pins a label", objects("- {objectName: billing, objectVersionLabel: AWSPREVIOUS}"), "pinned"],
    ["mounts other secrets", objects("- objectName: search"), "unseen"],
    ["is no YAML", objects("- {objectName: billing"), "unseen"],
    ["is no list of objects", objects("objectName: billing"), "unseen"],
    ["is of another store", { ...objects("- objectName: billing"), provider: "vault" }, "unseen"],
    ["the token may not read", 403, "unseen"],
    ["is gone", 404, "unseen"],
  ];
  test.each(classes)("pods that mount a class of the CSI driver that %s", async (_name, given, expected) => {
    const world = new ConsumerWorld({ evidence: ["kubernetes"], workload: deployment });
    await world.look();
    world.kubernetes.classes.set("shop/billing-keys", given);
    world.kubernetes.deployment.volumes = [{ name: "tmp" }, volume()];
    world.kubernetes.deployment.change("billing:2");
    world.kubernetes.deployment.finish();
    await world.look();
    expect((await wiringOf(world))[0]).toBe(expected);
  });

  test("a volume of another driver is not asked about, and a class that cannot be read for now says nothing yet", async () => {
    const world = new ConsumerWorld({ evidence: ["kubernetes"], workload: deployment });
    await world.look();
    world.kubernetes.classes.set("shop/billing-keys", objects("- objectName: billing"));
    world.kubernetes.deployment.volumes = [volume("ebs.csi.aws.com")];
    world.kubernetes.deployment.change("billing:2");
    world.kubernetes.deployment.finish();
    await world.look();
    expect((await wiringOf(world))[0]).toBe("unseen");
    world.kubernetes.deployment.volumes = [volume()];
    world.kubernetes.classes.set("shop/billing-keys", 503);
    expect((await wiringOf(world))[1]).toContain("the Kubernetes API answered 503");
  });
});
