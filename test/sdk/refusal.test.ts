import { ConsumerWorld, secretArn } from "./world.ts";

const crowd = <T>(work: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 1_000 }, work));
const outcomes = <T>(work: () => Promise<T>, length: number) =>
  Promise.allSettled(Array.from({ length }, work));

const rotateAndRevoke = (world: ConsumerWorld) => {
  world.upstream.put("v2", "FAKE-key-2");
  world.provider.alive.delete("FAKE-key-1");
};

test("a rotation is seen within one round trip and the work is done once more", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  rotateAndRevoke(world);
  world.upstream.calls.length = 0;

  const answer = await world.during(key.use(world.provider.call), world.upstream.latencyMs);

  expect(answer).toBe("answer");
  expect(world.provider.seen).toEqual(["FAKE-key-1", "FAKE-key-2"]);
  expect(world.upstream.calls).toEqual(["get"]);
});

test("a thousand refused callers share one call", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  rotateAndRevoke(world);
  world.upstream.calls.length = 0;

  const answers = await world.during(crowd(() => key.use(world.provider.call)));

  expect(new Set(answers)).toEqual(new Set(["answer"]));
  expect(world.upstream.count("get")).toBe(1);
});

test("its own error comes back, and no second try is made, when there is no other key", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.provider.alive.clear();

  await expect(world.during(key.use(world.provider.call), 100)).rejects.toMatchObject({ status: 401 });

  expect(world.provider.seen).toEqual(["FAKE-key-1"]);
});

test("its own error comes back when upstream is down too", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  rotateAndRevoke(world);
  world.upstream.fault = "down";

  await expect(world.during(key.use(world.provider.call))).rejects.toMatchObject({ status: 401 });
});

test("a second key that is refused as well ends the attempt", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  rotateAndRevoke(world);
  world.provider.alive.clear();

  await expect(world.during(key.use(world.provider.call))).rejects.toMatchObject({ status: 401 });

  expect(world.provider.seen).toEqual(["FAKE-key-1", "FAKE-key-2"]);
});

test("a crowd whose key has no successor does not turn into a crowd of upstream calls", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.provider.alive.clear();
  world.upstream.calls.length = 0;

  for (let beat = 0; beat < 60; beat++) {
    await world.during(
      outcomes(() => key.use(world.provider.call), 50),
      1_000,
    );
  }

  expect(world.upstream.count("get")).toBeGreaterThan(10);
  expect(world.upstream.count("get")).toBeLessThan(30);
});

test("a key that appears after the refusals is found within seconds", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.provider.alive.clear();
  for (let beat = 0; beat < 60; beat++)
    await world.during(
      outcomes(() => key.use(world.provider.call), 50),
      1_000,
    );

  world.upstream.put("v2", "FAKE-key-2");
  world.provider.alive.add("FAKE-key-2");
  await world.time.pass(5_000);

  expect(await world.during(key.use(world.provider.call))).toBe("answer");
});

test.each([
  ["an error with status", () => Promise.reject(Object.assign(new Error(), { status: 401 }))],
  ["an error with statusCode", () => Promise.reject(Object.assign(new Error(), { statusCode: 401 }))],
  [
    "an error with a response",
    () => Promise.reject(Object.assign(new Error(), { response: { status: 401 } })),
  ],
  ["an answered Response", () => Promise.resolve(new Response("no", { status: 401 }))],
])("%s of 401 counts as a refusal", async (_, refuse: () => Promise<unknown>) => {
  const world = new ConsumerWorld();
  const key = await world.open();
  rotateAndRevoke(world);

  const used = key.use(async (value) => (value === "FAKE-key-1" ? refuse() : "answer"));

  expect(await world.during(used)).toBe("answer");
});

test("an answer that only looks like an error is the work's own business", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();

  expect(await key.use(async () => ({ status: 401 }))).toEqual({ status: 401 });
  expect(world.upstream.count("get")).toBe(1);
});

test("what a refusal looks like can be said by the caller", async () => {
  const world = new ConsumerWorld();
  const opening = world.rekey.open({
    secret: secretArn,
    isAuthFailure: (result) => (result as { code?: string }).code === "invalid_api_key",
  });
  const key = await world.during(opening, 100);
  world.upstream.put("v2", "FAKE-key-2");

  const used = key.use(async (value) => (value === "FAKE-key-1" ? { code: "invalid_api_key" } : "answer"));

  expect(await world.during(used)).toBe("answer");
});

test("the work is done twice at most, however often the key is replaced meanwhile", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  let tries = 0;
  const work = async () => {
    world.upstream.put(`v${++tries + 1}`, `FAKE-key-${tries + 1}`);
    throw Object.assign(new Error("refused"), { status: 401 });
  };

  await expect(world.during(key.use(work))).rejects.toMatchObject({ status: 401 });

  expect(tries).toBe(2);
});

test("a refused key is looked after even when nobody uses it again", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.provider.alive.delete("FAKE-key-1");
  await world.during(
    key.use(world.provider.call).catch(() => undefined),
    100,
  );

  world.upstream.put("v2", "FAKE-key-2");
  await world.time.pass(16_000);

  expect(key.get()).toBe("FAKE-key-2");
});

describe("a key that was revoked for good, with no new one in sight", () => {
  const minuteMs = 60_000;

  /** How often the secret is looked at in each of these spans after the first refusal. */
  async function looksIn(world: ConsumerWorld, minutes: readonly number[]) {
    const counts: number[] = [];
    for (const each of minutes) {
      world.upstream.calls.length = 0;
      await world.time.pass(each * minuteMs);
      counts.push(world.upstream.count("describe") + world.upstream.count("get"));
    }
    return counts;
  }

  async function refusedOnce(world: ConsumerWorld) {
    const key = await world.open();
    world.provider.alive.delete("FAKE-key-1");
    await world.during(
      key.use(world.provider.call).catch(() => undefined),
      100,
    );
    return key;
  }

  test("is looked for every few seconds at first, then more and more rarely, down to the usual pace", async () => {
    const world = new ConsumerWorld();
    await refusedOnce(world);

    const [atFirst, soon, later, atLast] = await looksIn(world, [2, 8, 20, 30]);

    expect(atFirst).toBeGreaterThanOrEqual(6);
    // Every 15 s would be 32, 80 and 120.
    expect(soon).toBeLessThanOrEqual(20);
    expect(later).toBeLessThanOrEqual(16);
    expect(atLast).toBeLessThanOrEqual(10);
    expect(atLast).toBeGreaterThanOrEqual(5);
  });

  test("keeps nobody busier by being used again and again", async () => {
    const world = new ConsumerWorld();
    const key = await refusedOnce(world);
    for (let minute = 0; minute < 40; minute += 1) {
      await world.during(
        key.use(world.provider.call).catch(() => undefined),
        minuteMs,
      );
    }
    const [idle = 0] = await looksIn(world, [10]);
    expect(idle).toBeLessThanOrEqual(4);
  });

  test("is replaced within minutes when the new key comes late", async () => {
    const world = new ConsumerWorld();
    const key = await refusedOnce(world);
    await world.time.pass(50 * minuteMs);
    world.upstream.put("v2", "FAKE-key-2");

    await world.time.pass(5 * minuteMs + 1_000);

    expect(key.get()).toBe("FAKE-key-2");
  });
});
