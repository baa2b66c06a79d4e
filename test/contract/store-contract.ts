import type { SecretArn, SecretStore, VersionId } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";

/** One store, and what people and other programs do to its secrets. */
export interface StoreWorld {
  readonly store: SecretStore;
  /** A secret that does not exist. */
  readonly missing: SecretArn;
  /** A new secret; without `text` it has no value. */
  create(text?: string): Promise<SecretArn>;
  /** Somebody writes another value, which consumers read at once. */
  setCurrent(secretArn: SecretArn, text: string): Promise<void>;
  /** Somebody begins a rotation of their own. */
  setPending(secretArn: SecretArn, text: string): Promise<VersionId>;
}

export function versionIdOf(number: number): VersionId {
  return `00000000-0000-4000-9000-${String(number).padStart(12, "0")}`;
}

const [v1, v2] = [versionIdOf(1), versionIdOf(2)];

/** What the rules rely on, whatever the store: every store behind the port passes this. */
export function storeContract(world: () => StoreWorld): void {
  describe("a secret", () => readingCases(world));
  describe("staging", () => stagingCases(world));
  describe("promoting", () => promotingCases(world));
  describe("pinning", () => pinningCases(world));
  describe("discarding", () => discardingCases(world));
  describe("what is not there", () => missingCases(world));
}

function readingCases(world: () => StoreWorld): void {
  test("a secret without copies of the store's own has none that is behind", async () => {
    const { store, create } = world();

    expect(await store.replicasBehind(await create("FAKE-one"))).toEqual([]);
  });

  test("has a current version, and a look at its versions says which", async () => {
    const { store, create } = world();
    const arn = await create("FAKE-one");

    const current = await store.current(arn);

    expect(current.text.reveal()).toBe("FAKE-one");
    expect(await store.versionsInUse(arn)).toEqual({
      current: current.versionId,
      all: [current.versionId],
    });
  });

  test("comes back exactly as it was put", async () => {
    const { store, create } = world();
    const text = ' {"a": 12345678901234567890, "ключ": "FAKE-\\u0000\\n🔑"}\n';
    const arn = await create(text);

    expect((await store.current(arn)).text.reveal()).toBe(text);
  });

  test("without a value has no version and cannot be read", async () => {
    const { store, create } = world();
    const arn = await create();

    expect(await store.versionsInUse(arn)).toEqual({ all: [] });
    await expect(store.current(arn)).rejects.toMatchObject({
      name: "SecretUnusable",
      message: expect.stringContaining(arn),
    });
  });

  test("states what its store can do, and the same for all its secrets", async () => {
    const { store, create } = world();
    const [one, other] = [await create("FAKE-one"), await create("FAKE-two")];

    const { versionsKept, readBackMs } = store.capabilities(one);

    expect(versionsKept).toBeGreaterThan(0);
    expect(readBackMs).toBeGreaterThanOrEqual(0);
    expect(store.capabilities(other)).toEqual(store.capabilities(one));
  });
}

function stagingCases(world: () => StoreWorld): void {
  test("a written version can be read by its id, and consumers go on reading the current one", async () => {
    const { store, arn, before } = await written(world());

    expect((await store.read(arn, v1)).text.reveal()).toBe("FAKE-two");
    const { current, pending } = await store.versionsInUse(arn);
    expect({ current, pending }).toEqual({ current: before, pending: undefined });
  });

  test("a pending version is Rekey's where Rekey wrote it, and is not given to consumers", async () => {
    const { store, arn, before } = await written(world());

    expect(await store.markPending({ secretArn: arn, versionId: v1 })).toBe("marked");

    const { current, pending } = await store.versionsInUse(arn);
    expect(current).toBe(before);
    expect(pending).toEqual({ versionId: v1, byRekey: true });
    if (!store.capabilities(arn).consumersSeePending)
      expect((await store.current(arn)).versionId).toBe(before);
  });

  test("writing steals no pending version, and marking is heldElsewhere while somebody has one", async () => {
    const { store, setPending, arn } = await written(world());
    const theirs = await setPending(arn, "FAKE-theirs");
    await store.write({ secretArn: arn, versionId: v2, text: new Secret("FAKE-three") });

    expect(await store.markPending({ secretArn: arn, versionId: v2 })).toBe("heldElsewhere");

    expect((await store.versionsInUse(arn)).pending).toEqual({ versionId: theirs, byRekey: false });
  });

  test("a repeat of a write and of a mark changes nothing", async () => {
    const { store, arn } = await pending(world());
    const before = await store.versionsInUse(arn);

    await store.write({ secretArn: arn, versionId: v1, text: new Secret("FAKE-two") });
    expect(await store.markPending({ secretArn: arn, versionId: v1 })).toBe("marked");

    expect(await store.versionsInUse(arn)).toEqual(before);
  });

  test("another value under the same version id is VersionMoved, and the error shows neither", async () => {
    const { store, arn } = await written(world());

    const other = { secretArn: arn, versionId: v1, text: new Secret("FAKE-other") };
    const error = await store.write(other).catch((thrown: Error) => thrown);

    expect(error).toMatchObject({ name: "VersionMoved" });
    expect(JSON.stringify({ ...error, text: String(error), cause: error?.cause })).not.toContain("FAKE-");
    expect((await store.read(arn, v1)).text.reveal()).toBe("FAKE-two");
  });

  test("clearing takes the mark off the version that was named, and off no other", async () => {
    const { store, arn } = await pending(world());

    await store.clearPending({ secretArn: arn, versionId: v2 });
    expect((await store.versionsInUse(arn)).pending?.versionId).toBe(v1);

    await store.clearPending({ secretArn: arn, versionId: v1 });
    await store.clearPending({ secretArn: arn, versionId: v1 });
    expect((await store.versionsInUse(arn)).pending).toBeUndefined();
    expect((await store.read(arn, v1)).text.reveal()).toBe("FAKE-two");
  });
}

function promotingCases(world: () => StoreWorld): void {
  test("makes the pending version the one that consumers read", async () => {
    const { store, arn, before } = await pending(world());

    expect(await store.promote({ secretArn: arn, from: before, to: v1 })).toBe("promoted");

    const current = await store.current(arn);
    expect([current.versionId, current.text.reveal()]).toEqual([v1, "FAKE-two"]);
    expect((await store.versionsInUse(arn)).current).toBe(v1);
    expect((await store.read(arn, before)).text.reveal()).toBe("FAKE-one");
  });

  test("a repeat, as after a lost answer, is promoted", async () => {
    const { store, arn, before } = await pending(world());
    await store.promote({ secretArn: arn, from: before, to: v1 });

    expect(await store.promote({ secretArn: arn, from: before, to: v1 })).toBe("promoted");
  });

  test("is heldElsewhere when somebody changed the value meanwhile, and theirs stays", async () => {
    const { store, setCurrent, arn, before } = await pending(world());
    await setCurrent(arn, "FAKE-by-hand");

    expect(await store.promote({ secretArn: arn, from: before, to: v1 })).toBe("heldElsewhere");

    expect((await store.current(arn)).text.reveal()).toBe("FAKE-by-hand");
  });

  test("of two promotions at once from the same version, one wins where the store compares by itself", async () => {
    const { store, arn, before } = await pending(world());
    if (store.capabilities(arn).compareAndSwap !== "native") return;
    await store.write({ secretArn: arn, versionId: v2, text: new Secret("FAKE-three") });

    const outcomes = await Promise.all(
      [v1, v2].map((to) => store.promote({ secretArn: arn, from: before, to })),
    );

    expect([...outcomes].sort()).toEqual(["heldElsewhere", "promoted"]);
    expect((await store.current(arn)).versionId).toBe(outcomes[0] === "promoted" ? v1 : v2);
  });
}

function pinningCases(world: () => StoreWorld): void {
  test("a pinned version stays in use through the changes that follow", async () => {
    const { store, setCurrent, arn, before } = await pending(world());
    expect(await store.pin({ secretArn: arn, versionId: before })).toBe("pinned");
    await store.promote({ secretArn: arn, from: before, to: v1 });
    await store.clearPending({ secretArn: arn, versionId: v1 });

    const { pinKeeps, versionsKept } = store.capabilities(arn);
    for (let change = 1; change < Math.min(versionsKept, pinKeeps ? 12 : 3); change += 1) {
      await setCurrent(arn, `FAKE-change-${change}`);
    }

    const { pinned, all } = await store.versionsInUse(arn);
    expect(pinned).toBe(before);
    expect(all).toContain(before);
    expect((await store.read(arn, before)).text.reveal()).toBe("FAKE-one");
  });

  test("there is one pin: another version gets it only when it is said where to take it from", async () => {
    const { store, arn, before } = await pending(world());
    await store.pin({ secretArn: arn, versionId: before });

    expect(await store.pin({ secretArn: arn, versionId: v1 })).toBe("heldElsewhere");
    expect(await store.pin({ secretArn: arn, versionId: before })).toBe("pinned");
    expect(await store.pin({ secretArn: arn, versionId: v1, from: v2 })).toBe("heldElsewhere");
    expect((await store.versionsInUse(arn)).pinned).toBe(before);

    expect(await store.pin({ secretArn: arn, versionId: v1, from: before })).toBe("pinned");
    expect((await store.versionsInUse(arn)).pinned).toBe(v1);
  });

  test("is undone on the version that was named, and on no other", async () => {
    const { store, arn, before } = await pending(world());
    await store.pin({ secretArn: arn, versionId: before });

    await store.unpin({ secretArn: arn, versionId: v1 });
    expect((await store.versionsInUse(arn)).pinned).toBe(before);

    await store.unpin({ secretArn: arn, versionId: before });
    await store.unpin({ secretArn: arn, versionId: before });
    expect((await store.versionsInUse(arn)).pinned).toBeUndefined();
  });
}

function discardingCases(world: () => StoreWorld): void {
  test("a discarded version has no use any more, and a repeat changes nothing", async () => {
    const { store, arn, before } = await pending(world());

    await store.discard({ secretArn: arn, versionId: v1 });
    await store.discard({ secretArn: arn, versionId: v1 });

    expect(await store.versionsInUse(arn)).toEqual({ current: before, all: [before] });
  });

  test("a discard leaves somebody else's pending version, the pin and the current version alone", async () => {
    const { store, setPending, arn, before } = await written(world());
    const theirs = await setPending(arn, "FAKE-theirs");
    await store.pin({ secretArn: arn, versionId: before });

    await store.discard({ secretArn: arn, versionId: v1 });
    await store.discard({ secretArn: arn, versionId: before });

    const { current, pending: held, pinned } = await store.versionsInUse(arn);
    expect({ current, held, pinned }).toEqual({
      current: before,
      held: { versionId: theirs, byRekey: false },
      pinned: before,
    });
  });

  test("the same write after a discard does not bring the version back into use", async () => {
    const { store, arn } = await pending(world());
    await store.discard({ secretArn: arn, versionId: v1 });

    await store.write({ secretArn: arn, versionId: v1, text: new Secret("FAKE-two") });

    expect((await store.versionsInUse(arn)).all).not.toContain(v1);
  });
}

function missingCases(world: () => StoreWorld): void {
  test("a missing secret is SecretUnusable for every method, and the message names it", async () => {
    const { store, missing } = world();
    const unusable = { name: "SecretUnusable", message: expect.stringContaining(missing) };
    const place = { secretArn: missing, versionId: v1 };

    for (const call of [
      () => store.versionsInUse(missing),
      () => store.current(missing),
      () => store.read(missing, v1),
      () => store.write({ ...place, text: new Secret("FAKE-two") }),
      () => store.markPending(place),
      () => store.discard(place),
      () => store.promote({ secretArn: missing, from: v1, to: v2 }),
      () => store.pin(place),
    ]) {
      await expect(call()).rejects.toMatchObject(unusable);
    }
  });

  test("a missing version is SecretUnusable to read, to mark, to pin and to promote", async () => {
    const { store, create } = world();
    const arn = await create("FAKE-one");
    const { versionId: before } = await store.current(arn);
    const unusable = { name: "SecretUnusable", message: expect.stringContaining(v2) };
    const place = { secretArn: arn, versionId: v2 };

    await expect(store.read(arn, v2)).rejects.toMatchObject(unusable);
    await expect(store.markPending(place)).rejects.toMatchObject(unusable);
    await expect(store.pin(place)).rejects.toMatchObject(unusable);
    await expect(store.promote({ secretArn: arn, from: before, to: v2 })).rejects.toMatchObject(unusable);
    expect((await store.current(arn)).versionId).toBe(before);
  });
}

/** A secret whose current version is `before`; Rekey wrote `v1`, which is nothing yet. */
async function written({ store, create, ...world }: StoreWorld) {
  const arn = await create("FAKE-one");
  const before = (await store.current(arn)).versionId;
  await store.write({ secretArn: arn, versionId: v1, text: new Secret("FAKE-two") });
  return { ...world, store, arn, before };
}

/** As `written`, and `v1` is pending. */
async function pending(world: StoreWorld) {
  const made = await written(world);
  await made.store.markPending({ secretArn: made.arn, versionId: v1 });
  return made;
}
