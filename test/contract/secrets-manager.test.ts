import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import fc from "fast-check";
import type { SecretArn } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { secretsManager } from "../../local/aws/secrets-manager.ts";
import { type Cloud, startCloud } from "../../local/aws/server.ts";
import { labelledVersions } from "../../stores/secrets-manager/calls.ts";
import { memoryStore } from "../../stores/secrets-manager/fake.ts";
import { type LabelledVersions, storeOnLabels } from "../../stores/secrets-manager/labels.ts";
import { type LabelsWorld, labelsContract, missingArn, v1, versionIdOf } from "./labels-contract.ts";
import { type StoreWorld, storeContract } from "./store-contract.ts";

let cloud: Cloud;
let client: SecretsManagerClient;
let created = 0;

beforeAll(async () => {
  const service = secretsManager({ region: "eu-west-1", account: "111122223333" });
  cloud = await startCloud({ services: [service] });
  client = new SecretsManagerClient({
    endpoint: cloud.url,
    region: "eu-west-1",
    credentials: { accessKeyId: "FAKE", secretAccessKey: "FAKE" },
  });
});

afterAll(async () => {
  client.destroy();
  await cloud.close();
});

function memoryWorld(): LabelsWorld {
  const store = memoryStore();
  return {
    store,
    async create(text) {
      created += 1;
      const arn = `arn:aws:secretsmanager:eu-west-1:111122223333:secret:s${created}-FAKE00`;
      if (text === undefined) store.create(arn);
      else store.create(arn, text);
      return arn;
    },
    setCurrent: async (arn, text) => {
      store.setCurrent(arn, text);
    },
  };
}

function secretsManagerWorld(): LabelsWorld {
  return {
    store: labelledVersions(client, { pause: async () => {} }),
    async create(text) {
      created += 1;
      const value = text === undefined ? {} : { SecretString: text };
      const { ARN = "" } = await client.send(new CreateSecretCommand({ Name: `s${created}`, ...value }));
      return ARN;
    },
    async setCurrent(arn, text) {
      await client.send(new PutSecretValueCommand({ SecretId: arn, SecretString: text }));
    },
  };
}

describe("memory", () => labelsContract(memoryWorld));
describe("Secrets Manager", () => labelsContract(secretsManagerWorld));

/** The port over the labels of either: the versions that other programs stage have no mark of Rekey's. */
function portOver({ store, create, setCurrent }: LabelsWorld): StoreWorld {
  return {
    ...{ store: storeOnLabels(store), missing: missingArn, create, setCurrent },
    async setPending(secretArn, text) {
      const versionId = versionIdOf(900);
      await store.put({ secretArn, versionId, text: new Secret(text), labels: ["AWSPENDING"] });
      return versionId;
    },
  };
}

describe("the port over memory", () => storeContract(() => portOver(memoryWorld())));
describe("the port over Secrets Manager", () => storeContract(() => portOver(secretsManagerWorld())));

describe("memory and Secrets Manager", () => {
  const versionNumber = fc.integer({ min: 1, max: 3 });
  const putLabel = fc.constantFrom("AWSCURRENT", "AWSPENDING", "REKEY_INCOMING");
  // A put of AWSPREVIOUS together with AWSCURRENT has no documented meaning.
  const label = fc.oneof(putLabel, fc.constant("AWSPREVIOUS"));
  const change = fc.oneof(
    fc.record({
      put: versionNumber,
      text: fc.constantFrom("FAKE-a", "FAKE-b"),
      labels: fc.uniqueArray(putLabel, { minLength: 1, maxLength: 2 }),
    }),
    fc.record({ label, from: versionNumber, to: versionNumber }, { requiredKeys: ["label"] }),
  );

  test("answer the same to the same changes", async () => {
    const property = fc.asyncProperty(fc.array(change, { maxLength: 8 }), async (changes) => {
      const [here, there] = [memoryWorld(), secretsManagerWorld()];
      const [hereArn, thereArn] = [await here.create(), await there.create()];
      for (const each of changes) {
        const expected = await outcomeOf(here.store, hereArn, each);
        const actual = await outcomeOf(there.store, thereArn, each);
        expect({ each, ...actual }).toEqual({ each, ...expected });
      }
    });
    await fc.assert(property, { numRuns: 30 });
  }, 30_000);

  type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

  async function outcomeOf(store: LabelledVersions, secretArn: SecretArn, each: Change) {
    const outcome = await apply(store, secretArn, each).catch((error: Error) => error.name);
    const labels = Object.entries(await store.labels(secretArn)).map(([id, held]) => [id, [...held].sort()]);
    return { outcome, labels: labels.sort() };
  }

  function apply(store: LabelledVersions, secretArn: SecretArn, each: Change): Promise<unknown> {
    if ("put" in each) {
      const text = new Secret(each.text);
      return store.put({ secretArn, versionId: versionIdOf(each.put), text, labels: each.labels });
    }
    const from = each.from === undefined ? {} : { from: versionIdOf(each.from) };
    const to = each.to === undefined ? {} : { to: versionIdOf(each.to) };
    return store.moveLabel({ secretArn, label: each.label, ...from, ...to });
  }
});

describe("Secrets Manager, as it is called", () => {
  test("every method is one call when nothing is in the way", async () => {
    const { store, create } = secretsManagerWorld();
    const secretArn = await create("FAKE-one");
    const before = { ...cloud.requests()["secretsmanager"] };

    const { versionId } = await store.read(secretArn);
    await store.labels(secretArn);
    await store.put({ secretArn, versionId: v1, text: new Secret("FAKE-two"), labels: ["REKEY_INCOMING"] });
    await store.moveLabel({ secretArn, label: "AWSCURRENT", from: versionId, to: v1 });

    expect(callsSince(before)).toEqual({
      GetSecretValue: 1,
      DescribeSecret: 1,
      PutSecretValue: 1,
      UpdateSecretVersionStage: 1,
    });
  });

  function callsSince(before: Record<string, number>): Record<string, number> {
    const now = Object.entries(cloud.requests()["secretsmanager"] ?? {});
    const made = now.map(([operation, count]) => [operation, count - (before[operation] ?? 0)] as const);
    return Object.fromEntries(made.filter(([, count]) => count > 0));
  }

  test("a version that is not readable yet is asked for again, with growing pauses", async () => {
    const { store: direct, create } = secretsManagerWorld();
    const secretArn = await create("FAKE-one");
    await direct.put({ secretArn, versionId: v1, text: new Secret("FAKE-two"), labels: ["REKEY_INCOMING"] });
    const pauses: number[] = [];
    const store = storeAnswering([...Array(3).fill(refusal("ResourceNotFoundException"))], pauses);

    expect((await store.read(secretArn, v1)).text.reveal()).toBe("FAKE-two");
    expect(pauses).toEqual([50, 100, 200]);
  });

  test("a version that never becomes readable is given up", async () => {
    const pauses: number[] = [];
    const store = storeAnswering([...Array(20).fill(refusal("ResourceNotFoundException"))], pauses);

    await expect(store.read(missingArn, v1)).rejects.toMatchObject({ name: "SecretUnusable" });
    expect(pauses).toEqual([50, 100, 200, 400, 800]);
  });

  test.each([
    ["ThrottlingException", 400, "StoreUnavailable"],
    ["LimitExceededException", 400, "StoreUnavailable"],
    ["InternalServiceError", 500, "StoreUnavailable"],
    ["SomethingNew", 503, "StoreUnavailable"],
    ["AccessDeniedException", 400, "SecretUnusable"],
    ["InvalidRequestException", 400, "SecretUnusable"],
    ["DecryptionFailure", 400, "SecretUnusable"],
    ["ValidationException", 400, "InputInvalid"],
  ])("%s (%i) becomes %s", async (name, status, expected) => {
    const store = storeAnswering([refusal(name, status)]);

    await expect(store.read(missingArn)).rejects.toMatchObject({ name: expected });
  });

  test("a refused permission is named, and the words of AWS, which may quote the value, are not kept", async () => {
    const store = storeAnswering([refusal("AccessDeniedException")]);
    const version = { secretArn: missingArn, versionId: v1, text: new Secret("FAKE-two"), labels: ["A"] };

    const error = await store.put(version).catch((thrown: Error) => thrown);

    expect(String(error)).toContain("secretsmanager:PutSecretValue");
    expect(JSON.stringify({ ...error, text: String(error), cause: error?.cause })).not.toContain("FAKE-two");
  });

  test("a call that was never answered may be tried later", async () => {
    const store = storeAnswering([
      Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
    ]);

    await expect(store.labels(missingArn)).rejects.toMatchObject({
      name: "StoreUnavailable",
      retry: "later",
    });
  });

  test("labels that have not settled are asked for later, not guessed", async () => {
    const { create, store: direct } = secretsManagerWorld();
    const secretArn = await create("FAKE-one");
    const { versionId } = await direct.read(secretArn);
    await direct.put({ secretArn, versionId: v1, text: new Secret("FAKE-two"), labels: ["AWSPENDING"] });
    const store = storeAnswering([refusal("InvalidParameterException")]);

    const move = store.moveLabel({ secretArn, label: "AWSCURRENT", from: versionId, to: v1 });

    await expect(move).rejects.toMatchObject({ name: "StoreUnavailable" });
  });

  test("a secret that is scheduled for deletion is unusable", async () => {
    const send = async () => ({ DeletedDate: new Date(0), VersionIdsToStages: {} });
    const store = labelledVersions({ send } as unknown as SecretsManagerClient, { pause: async () => {} });

    await expect(store.labels(missingArn)).rejects.toMatchObject({ name: "SecretUnusable" });
  });

  test("a binary value is unusable", async () => {
    const send = async () => ({ VersionId: v1, SecretBinary: new Uint8Array(1) });
    const store = labelledVersions({ send } as unknown as SecretsManagerClient, { pause: async () => {} });

    await expect(store.read(missingArn)).rejects.toMatchObject({ name: "SecretUnusable" });
  });

  /** The store over a client that fails with `failures` first and then passes calls on. */
  function storeAnswering(failures: Error[], pauses: number[] = []): LabelledVersions {
    const send = ((command: Parameters<SecretsManagerClient["send"]>[0]) => {
      const failure = failures.shift();
      return failure ? Promise.reject(failure) : client.send(command);
    }) as SecretsManagerClient["send"];
    return labelledVersions(
      { send },
      {
        pause: async (ms) => {
          pauses.push(ms);
        },
      },
    );
  }

  function refusal(name: string, httpStatusCode = 400): Error {
    const quoting = new Error("1 validation error: value 'FAKE-two' at 'secretString'");
    return Object.assign(quoting, { name, $metadata: { httpStatusCode, requestId: "r-1" } });
  }
});
