import type { SecretArn, VersionId } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import type { LabelledVersions } from "../../stores/secrets-manager/labels.ts";

/** One store, and what a person at the console does to its secrets. */
export interface LabelsWorld {
  readonly store: LabelledVersions;
  /** A new secret; without `text` it has no version. */
  create(text?: string): Promise<SecretArn>;
  setCurrent(secretArn: SecretArn, text: string): Promise<void>;
}

export const missingArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:missing-FAKE00";

export function versionIdOf(number: number): VersionId {
  return `00000000-0000-4000-9000-${String(number).padStart(12, "0")}`;
}

export const v1 = versionIdOf(1);
export const v2 = versionIdOf(2);

/** What Secrets Manager does, and what its stand-in in memory does as well: all that the adapter builds on. */
export function labelsContract(world: () => LabelsWorld): void {
  describe("reading", () => readingCases(world));
  describe("putting a version", () => puttingCases(world));
  describe("moving a label", () => movingCases(world));
  describe("stripping a label", () => strippingCases(world));
  describe("what is not there", () => missingCases(world));
}

function readingCases(world: () => LabelsWorld): void {
  test("a read without a version gives AWSCURRENT and says which version that is", async () => {
    const { store, create } = world();
    const arn = await create("FAKE-one");

    const current = await store.read(arn);

    expect(current.text.reveal()).toBe("FAKE-one");
    expect(await store.labels(arn)).toEqual({ [current.versionId]: ["AWSCURRENT"] });
  });

  test("a read by version gives a pending version, and AWSCURRENT stays as it was", async () => {
    const { store, create } = world();
    const arn = await create("FAKE-one");

    await put(store, { arn, versionId: v1, text: "FAKE-two", labels: ["REKEY_INCOMING"] });

    expect((await store.read(arn, v1)).text.reveal()).toBe("FAKE-two");
    expect((await store.read(arn)).text.reveal()).toBe("FAKE-one");
  });

  test("a value comes back exactly as it was put", async () => {
    const { store, create } = world();
    const text = ' {"a": 12345678901234567890, "ключ": "FAKE-\\u0000\\n🔑"}\n';
    const arn = await create(text);

    expect((await store.read(arn)).text.reveal()).toBe(text);
  });

  test("a secret made by hand without a value has no labels and cannot be read", async () => {
    const { store, create } = world();
    const arn = await create();

    expect(await store.labels(arn)).toEqual({});
    await expect(store.read(arn)).rejects.toMatchObject({
      name: "SecretUnusable",
      message: expect.stringContaining(arn),
    });
  });
}

function puttingCases(world: () => LabelsWorld): void {
  test("the first version of a secret gets AWSCURRENT too, whatever labels were asked for", async () => {
    const { store, create } = world();
    const arn = await create();

    await put(store, { arn, versionId: v1, labels: ["REKEY_INCOMING"] });

    expect(await labelsOf(store, arn)).toEqual({ [v1]: ["AWSCURRENT", "REKEY_INCOMING"] });
  });

  test("a put takes its labels off whatever version had them", async () => {
    const { store, create } = world();
    const arn = await create("FAKE-one");
    await put(store, { arn, versionId: v1, labels: ["AWSPENDING"] });

    await put(store, { arn, versionId: v2, text: "FAKE-three", labels: ["AWSPENDING"] });

    const labels = await store.labels(arn);
    expect(labels[v1]).toBeUndefined();
    expect(labels[v2]).toEqual(["AWSPENDING"]);
  });

  test("a put of AWSCURRENT leaves AWSPREVIOUS on the version it was taken from", async () => {
    const { store, create } = world();
    const arn = await create("FAKE-one");
    const before = (await store.read(arn)).versionId;

    await put(store, { arn, versionId: v1, labels: ["AWSCURRENT"] });

    expect(await labelsOf(store, arn)).toEqual({ [v1]: ["AWSCURRENT"], [before]: ["AWSPREVIOUS"] });
  });

  test("a repeated put changes nothing and does not attach its labels again", async () => {
    const { store, create } = world();
    const arn = await create("FAKE-one");
    const version = { arn, versionId: v1, text: "FAKE-two", labels: ["REKEY_INCOMING"] };
    await put(store, version);
    await store.moveLabel({ secretArn: arn, label: "REKEY_INCOMING", from: v1 });

    await put(store, version);

    expect((await store.labels(arn))[v1]).toBeUndefined();
    expect((await store.read(arn, v1)).text.reveal()).toBe("FAKE-two");
  });

  test("another value under the same version id is VersionMoved, and the error shows neither", async () => {
    const { store, create } = world();
    const arn = await create("FAKE-one");
    await put(store, { arn, versionId: v1, text: "FAKE-two", labels: ["REKEY_INCOMING"] });

    const error = await put(store, {
      arn,
      versionId: v1,
      text: "FAKE-other",
      labels: ["REKEY_INCOMING"],
    }).catch((thrown: Error) => thrown);

    expect(error).toMatchObject({ name: "VersionMoved" });
    expect(JSON.stringify({ ...error, text: String(error), cause: error?.cause })).not.toContain("FAKE-");
    expect((await store.read(arn, v1)).text.reveal()).toBe("FAKE-two");
  });

  test("a version without labels or with a short id is refused before it can take AWSCURRENT", async () => {
    const { store, create } = world();
    const arn = await create("FAKE-one");

    await expect(put(store, { arn, versionId: v1, labels: [] })).rejects.toMatchObject({
      name: "InputInvalid",
    });
    await expect(put(store, { arn, versionId: "v1", labels: ["AWSPENDING"] })).rejects.toMatchObject({
      name: "InputInvalid",
    });
    expect((await store.read(arn)).text.reveal()).toBe("FAKE-one");
  });
}

function movingCases(world: () => LabelsWorld): void {
  test("AWSCURRENT moves from the version that has it, and AWSPREVIOUS follows", async () => {
    const { store, arn, before } = await pendingVersion(world());

    expect(await store.moveLabel({ secretArn: arn, label: "AWSCURRENT", from: before, to: v1 })).toBe(
      "moved",
    );

    expect(await labelsOf(store, arn)).toEqual({
      [v1]: ["AWSCURRENT", "AWSPENDING"],
      [before]: ["AWSPREVIOUS"],
    });
    expect((await store.read(arn)).versionId).toBe(v1);
  });

  test("a label that somebody moved meanwhile is heldElsewhere, and nothing moves", async () => {
    const { store, setCurrent, arn, before } = await pendingVersion(world());
    await setCurrent(arn, "FAKE-by-hand");
    const labels = await labelsOf(store, arn);

    const outcome = await store.moveLabel({ secretArn: arn, label: "AWSCURRENT", from: before, to: v1 });

    expect(outcome).toBe("heldElsewhere");
    expect(await labelsOf(store, arn)).toEqual(labels);
  });

  test("without a version to take it from, only a label that nobody holds moves", async () => {
    const { store, arn, before } = await pendingVersion(world());

    expect(await store.moveLabel({ secretArn: arn, label: "AWSPENDING", to: before })).toBe("heldElsewhere");
    expect(await store.moveLabel({ secretArn: arn, label: "REKEY_RETIRING", to: before })).toBe("moved");

    expect(await labelsOf(store, arn)).toEqual({
      [before]: ["AWSCURRENT", "REKEY_RETIRING"],
      [v1]: ["AWSPENDING"],
    });
  });

  test("a label that is already there is moved, however it is asked for", async () => {
    const { store, arn, before } = await pendingVersion(world());
    const pending = { secretArn: arn, label: "AWSPENDING", to: v1 };

    expect(await store.moveLabel(pending)).toBe("moved");
    expect(await store.moveLabel({ ...pending, from: before })).toBe("moved");
    expect(await store.moveLabel({ ...pending, from: v1 })).toBe("moved");
  });

  test("a label that was stripped meanwhile is attached all the same", async () => {
    const { store, arn, before } = await pendingVersion(world());

    const outcome = await store.moveLabel({ secretArn: arn, label: "REKEY_RETIRING", from: v1, to: before });

    expect(outcome).toBe("moved");
    expect((await labelsOf(store, arn))[before]).toEqual(["AWSCURRENT", "REKEY_RETIRING"]);
  });

  test("a pinned version stays listed through the promotions that follow", async () => {
    const { store, setCurrent, arn, before } = await pendingVersion(world());
    await store.moveLabel({ secretArn: arn, label: "REKEY_RETIRING", to: before });

    await setCurrent(arn, "FAKE-three");
    await setCurrent(arn, "FAKE-four");

    expect((await labelsOf(store, arn))[before]).toEqual(["REKEY_RETIRING"]);
  });
}

function strippingCases(world: () => LabelsWorld): void {
  test("a stripped version disappears from the labels but can be read", async () => {
    const { store, arn, before } = await pendingVersion(world());

    expect(await store.moveLabel({ secretArn: arn, label: "AWSPENDING", from: v1 })).toBe("moved");

    expect(await labelsOf(store, arn)).toEqual({ [before]: ["AWSCURRENT"] });
    expect((await store.read(arn, v1)).text.reveal()).toBe("FAKE-two");
  });

  test("a label is stripped only from the version that was named", async () => {
    const { store, arn, before } = await pendingVersion(world());
    const strip = { secretArn: arn, label: "AWSPENDING" };

    expect(await store.moveLabel({ ...strip, from: before })).toBe("heldElsewhere");
    expect(await store.moveLabel(strip)).toBe("heldElsewhere");
    expect((await labelsOf(store, arn))[v1]).toEqual(["AWSPENDING"]);
  });

  test("a label that nobody holds counts as stripped", async () => {
    const { store, arn } = await pendingVersion(world());
    const strip = { secretArn: arn, label: "REKEY_RETIRING" };

    expect(await store.moveLabel(strip)).toBe("moved");
    expect(await store.moveLabel({ ...strip, from: v1 })).toBe("moved");
  });

  test("AWSCURRENT cannot be stripped", async () => {
    const { store, arn, before } = await pendingVersion(world());

    await expect(
      store.moveLabel({ secretArn: arn, label: "AWSCURRENT", from: before }),
    ).rejects.toMatchObject({ name: "InputInvalid" });
  });
}

function missingCases(world: () => LabelsWorld): void {
  test("a missing secret is SecretUnusable for every method, and the message names it", async () => {
    const { store } = world();
    const unusable = { name: "SecretUnusable", message: expect.stringContaining(missingArn) };

    await expect(store.labels(missingArn)).rejects.toMatchObject(unusable);
    await expect(store.read(missingArn)).rejects.toMatchObject(unusable);
    await expect(put(store, { arn: missingArn, versionId: v1, labels: ["X"] })).rejects.toMatchObject(
      unusable,
    );
    await expect(store.moveLabel({ secretArn: missingArn, label: "X", to: v1 })).rejects.toMatchObject(
      unusable,
    );
  });

  test("a missing version is SecretUnusable to read and to promote", async () => {
    const { store, arn, before } = await pendingVersion(world());
    const unusable = { name: "SecretUnusable", message: expect.stringContaining(v2) };
    const promotion = { secretArn: arn, label: "AWSCURRENT", from: before, to: v2 };

    await expect(store.read(arn, v2)).rejects.toMatchObject(unusable);
    await expect(store.moveLabel(promotion)).rejects.toMatchObject(unusable);
    expect((await store.read(arn)).versionId).toBe(before);
  });
}

interface Put {
  readonly arn: SecretArn;
  readonly versionId: VersionId;
  readonly text?: string;
  readonly labels: readonly string[];
}

function put(store: LabelledVersions, { arn, versionId, text = "FAKE-two", labels }: Put): Promise<void> {
  return store.put({ secretArn: arn, versionId, text: new Secret(text), labels });
}

/** A secret whose current version is `before` and whose pending one is `v1`. */
async function pendingVersion({ store, create, setCurrent }: LabelsWorld) {
  const arn = await create("FAKE-one");
  const before = (await store.read(arn)).versionId;
  await put(store, { arn, versionId: v1, labels: ["AWSPENDING"] });
  return { store, setCurrent, arn, before };
}

/** Labels in order, since no store promises one. */
async function labelsOf(store: LabelledVersions, arn: SecretArn): Promise<Record<VersionId, string[]>> {
  const labels = Object.entries(await store.labels(arn));
  return Object.fromEntries(labels.map(([versionId, held]) => [versionId, [...held].sort()]));
}
