import type { CopySeen, CopyUse, Destination, WrittenCopy } from "../../core/copies/destination.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import type { Fault } from "../../providers/fake-faults.ts";

/** One destination, what stands behind it, and what other people do there. */
export interface DestinationWorld {
  readonly destination: Destination;
  /** The same, with a token or settings that lead to another place, or to another environment. */
  readonly elsewhere: Destination;
  /** The same, with a token that is refused. */
  readonly refused: Destination;
  /** Somebody sets a value there by hand. */
  put(name: string, text: string): void | Promise<void>;
  /** What is there now. */
  stored(name: string): string | undefined | Promise<string | undefined>;
  /** What each running thing holds under the name; empty where readers ask each time. */
  running(name: string): readonly (string | undefined)[];
  /** Something starts with the values as they are now, as it does without Rekey. */
  start(): void;
  /** What has begun ends, well or not. */
  finish(how?: "failed"): void;
  /** Somebody goes back to what ran before; false if the place has no such thing. */
  rollBack(): boolean;
  pass(ms: number): void;
  /** Why nothing can be seen between the start of an activation and its end. */
  readonly atOnce?: string;
  /** Faults of the wire; a destination in AWS has those of its store's own suite. */
  readonly inject?: (...faults: readonly Fault[]) => void;
}

const name = "OPENAI_API_KEY";
const [one, two] = ["sk-FAKE-one", "sk-FAKE-two"];

async function seenOf({ destination }: DestinationWorld): Promise<CopySeen> {
  return destination.look(name);
}

async function write(world: DestinationWorld, text: string, versionId: string): Promise<WrittenCopy> {
  const seen = await seenOf(world);
  const mark = await world.destination.write({ name, text: new Secret(text), versionId, seen });
  world.pass(1_000);
  return { name, versionId, write: versionId, mark, seenAtMs: 0 };
}

async function activated(world: DestinationWorld, copy: WrittenCopy): Promise<WrittenCopy> {
  const started = await world.destination.activate(copy);
  return started === undefined ? copy : { ...copy, started };
}

function use({ destination }: DestinationWorld, copy: WrittenCopy): Promise<CopyUse> {
  return destination.use({ ...copy, nowMs: 0 });
}

/** What the rules rely on, whatever the place: every destination passes this. */
export function destinationContract(makeWorld: () => DestinationWorld): void {
  describe("a look", () => lookCases(makeWorld));
  describe("a write", () => writeCases(makeWorld));
  describe("the place", () => placeCases(makeWorld));
  describe("activation", () => activationCases(makeWorld));
  describe("the wire", () => wireCases(makeWorld));
}

function lookCases(makeWorld: () => DestinationWorld): void {
  test("finds nothing where nothing is", async () => {
    expect((await seenOf(makeWorld())).mark).toBeUndefined();
  });

  test("shows the mark that the write answered, again and again", async () => {
    const world = makeWorld();
    const { mark } = await write(world, one, "v1");

    expect((await seenOf(world)).mark).toBe(mark);
    expect((await seenOf(world)).mark).toBe(mark);
  });

  test("shows another mark once somebody changed the value", async () => {
    const world = makeWorld();
    const { mark } = await write(world, one, "v1");
    await world.put(name, "somebody-else-FAKE");

    expect((await seenOf(world)).mark).not.toBe(mark);
  });

  test("tells on the place's own clock when the value was changed, where the value itself is never shown", async () => {
    const world = makeWorld();
    await write(world, one, "v1");
    if ((await world.destination.read(name)) !== undefined) return;
    const { placeNowMs = Number.NaN } = await seenOf(world);
    world.pass(90_000);
    await world.put(name, "somebody-else-FAKE");

    const { changedAtMs = Number.NaN } = await seenOf(world);
    expect(changedAtMs - placeNowMs).toBeGreaterThan(88_000);
    expect(changedAtMs - placeNowMs).toBeLessThan(92_000);
  });

  test("tells the value's fingerprint where the statement promises it, and never another one's", async () => {
    const world = makeWorld();
    await write(world, one, "v1");
    const found = await world.destination.read(name);

    if (world.destination.capabilities.proof === "read-back")
      expect(found).toBe(fingerprintOf(new Secret(one)));
    else expect([undefined, fingerprintOf(new Secret(one))]).toContain(found);
  });
}

function writeCases(makeWorld: () => DestinationWorld): void {
  test("puts exactly this text there", async () => {
    const world = makeWorld();
    await write(world, one, "v1");
    expect(await world.stored(name)).toBe(one);
    await write(world, two, "v2");
    expect(await world.stored(name)).toBe(two);
  });

  test("leaves the values under other names alone", async () => {
    const world = makeWorld();
    await world.put("OTHER", "theirs-FAKE");
    await world.destination.write({
      name: "SECOND",
      text: new Secret("second-FAKE"),
      versionId: "v1",
      seen: await world.destination.look("SECOND"),
    });
    await write(world, one, "v1");

    expect([await world.stored("OTHER"), await world.stored("SECOND")]).toEqual([
      "theirs-FAKE",
      "second-FAKE",
    ]);
  });

  test("repeated, it changes nothing", async () => {
    const world = makeWorld();
    const seen = await seenOf(world);
    const copy = { name, text: new Secret(one), versionId: "v1" };
    await world.destination.write({ ...copy, seen });
    await world.destination.write({ ...copy, seen: await seenOf(world) });

    expect(await world.stored(name)).toBe(one);
  });

  test("that comes after somebody's change is refused where the place compares", async () => {
    const world = makeWorld();
    await write(world, one, "v1");
    const seen = await seenOf(world);
    await world.put(name, "somebody-else-FAKE");
    const late = world.destination.write({ name, text: new Secret(two), versionId: "v2", seen });

    if (world.destination.capabilities.compareAndSwap === "none") return void (await late);
    await expect(late).rejects.toMatchObject({ name: "ProviderUnavailable" });
    expect(await world.stored(name)).toBe("somebody-else-FAKE");
  });

  test("that comes after somebody made the value is refused where the place compares", async () => {
    const world = makeWorld();
    const seen = await seenOf(world);
    await world.put(name, "somebody-else-FAKE");
    const late = world.destination.write({ name, text: new Secret(two), versionId: "v2", seen });

    if (world.destination.capabilities.compareAndSwap === "none") return void (await late);
    await expect(late).rejects.toMatchObject({ name: "ProviderUnavailable" });
    expect(await world.stored(name)).toBe("somebody-else-FAKE");
  });
}

function placeCases(makeWorld: () => DestinationWorld): void {
  test("is confirmed where it is the one that the deployment names", async () => {
    expect(await makeWorld().destination.whyNotHere()).toBeUndefined();
  });

  test("is refused by its own word where it is another, or another environment's", async () => {
    expect(await makeWorld().elsewhere.whyNotHere()).toMatchObject({ reason: "WrongPlace" });
  });

  test("refuses a token that does not work", async () => {
    expect(await makeWorld().refused.whyNotHere()).toMatchObject({ reason: "CredentialRefused" });
  });

  test("names what it takes for a name", () => {
    const { destination } = makeWorld();
    expect(destination.whyNotName(name)).toBeUndefined();
    expect(destination.whyNotName("")).toEqual(expect.any(String));
  });
}

function activationCases(makeWorld: () => DestinationWorld): void {
  test("is over only when nothing that runs holds the former value", async () => {
    const world = makeWorld();
    await world.put(name, one);
    world.start();
    world.finish();
    world.pass(1_000);
    const copy = await activated(world, await write(world, two, "v2"));
    const { activation } = world.destination.capabilities;

    if (world.atOnce === undefined) {
      if (activation !== "live") expect((await use(world, copy)).state).toBe("activating");
      expect(world.running(name)).toEqual(world.running(name).map(() => one));
    }
    world.finish();

    expect((await use(world, copy)).state).toBe("active");
    expect(world.running(name)).toEqual(world.running(name).map(() => two));
  });

  test("is started once for one version", async () => {
    const world = makeWorld();
    await world.put(name, one);
    world.start();
    world.finish();
    const copy = await activated(world, await write(world, two, "v2"));
    const again = await activated(world, copy);

    expect(again.started).toBe(copy.started);
    world.finish();
    expect((await use(world, copy)).state).toBe("active");
  });

  test("that was not started is no use", async () => {
    const world = makeWorld();
    if (!["restart", "redeploy"].includes(world.destination.capabilities.activation)) return;
    await world.put(name, one);
    world.start();
    world.finish();

    expect((await use(world, await write(world, two, "v2"))).state).toBe("idle");
  });

  test("that fails is said to have failed", async () => {
    const world = makeWorld();
    if (!["restart", "redeploy"].includes(world.destination.capabilities.activation)) return;
    await world.put(name, one);
    world.start();
    world.finish();
    const copy = await activated(world, await write(world, two, "v2"));
    world.finish("failed");

    expect((await use(world, copy)).state).toBe("failed");
  });

  test("that was undone is said to have failed: what ran before is back, with the former value", async () => {
    const world = makeWorld();
    await world.put(name, one);
    world.start();
    world.finish();
    world.pass(1_000);
    const copy = await activated(world, await write(world, two, "v2"));
    world.finish();
    if (!world.rollBack()) return;

    expect((await use(world, copy)).state).toBe("failed");
  });
}

function wireCases(makeWorld: () => DestinationWorld): void {
  test("a refused call is named by what was asked, and never by the value", async () => {
    const world = makeWorld();
    world.inject?.(...Array.from({ length: 4 }, () => ({ kind: "echo", status: 400 }) as const));
    if (world.inject === undefined) return;
    const failure = await write(world, one, "v1").then(
      () => "nothing failed",
      (error: Error) => `${error.name} ${error.message} ${error.stack} ${JSON.stringify(error)}`,
    );

    expect(failure).toContain("CopyRefused");
    expect(failure).not.toContain(one);
  });

  test("an outage, a throttle, a page of a proxy and a lost reply are tried again later", async () => {
    const faults: readonly (readonly [Fault, string])[] = [
      [{ kind: "serverError", effect: false }, "ProviderUnavailable"],
      [{ kind: "throttled", retryAfterS: 7 }, "ProviderThrottled"],
      [{ kind: "garbage" }, "ProviderUnavailable"],
      [{ kind: "lostReply" }, "ProviderUnavailable"],
    ];
    for (const [fault, expected] of faults) {
      const world = makeWorld();
      if (world.inject === undefined) return;
      await world.put(name, one);
      world.inject(fault);
      await expect(seenOf(world)).rejects.toMatchObject({ name: expected });
    }
  });

  test("a write whose reply is lost is finished by its repeat", async () => {
    const world = makeWorld();
    if (world.inject === undefined) return;
    world.inject({ kind: "lostReply", on: "write" });
    await expect(write(world, one, "v1")).rejects.toMatchObject({ name: "ProviderUnavailable" });
    await write(world, one, "v1");

    expect(await world.stored(name)).toBe(one);
  });
}
