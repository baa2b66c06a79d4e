import { ConsumerWorld, fingerprintOf, secretArn } from "./world.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const crowd = <T>(work: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 1_000 }, work));
const outcomes = <T>(work: () => Promise<T>, length = 1_000) =>
  Promise.allSettled(Array.from({ length }, work));
const names = (settled: PromiseSettledResult<unknown>[]) =>
  new Set(settled.map((one) => (one.status === "fulfilled" ? one.value : (one.reason as Error).name)));

/** Makes what is held older than any limit, without a timer having had a chance to run. */
const thaw = (world: ConsumerWorld, ms = 3 * hourMs) => world.time.freeze(ms);

test("a thousand callers that find nothing held make one upstream call", async () => {
  const world = new ConsumerWorld();

  const keys = await world.during(crowd(() => world.rekey.open({ secret: secretArn })));

  expect(new Set(keys.map((key) => key.get()))).toEqual(new Set(["FAKE-key-1"]));
  expect(new Set(keys).size).toBe(1);
  expect(world.upstream.calls).toEqual(["get"]);
});

test("a thousand callers that find the value past its limit make one upstream call", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.upstream.put("v2", "FAKE-key-2");
  thaw(world);
  world.upstream.calls.length = 0;

  const used = await world.during(
    crowd(() => key.use(async (value) => value)),
    1_000,
  );

  expect(new Set(used)).toEqual(new Set(["FAKE-key-2"]));
  expect(world.upstream.calls).toEqual(["get"]);
});

test("a value that is due for a refresh is served at once while one call refreshes it", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.upstream.put("v2", "FAKE-key-2");
  thaw(world, 10 * minuteMs);
  world.upstream.calls.length = 0;

  const served = Array.from({ length: 1_000 }, () => key.get());

  expect(new Set(served)).toEqual(new Set(["FAKE-key-1"]));
  await world.time.pass(1_000);
  expect(world.upstream.calls).toEqual(["get"]);
  expect(key.get()).toBe("FAKE-key-2");
});

test("in an outage everybody is answered until maxStale, then refused by name with the reason", async () => {
  const world = new ConsumerWorld({ maxStaleMs: hourMs });
  const key = await world.open();
  world.upstream.fault = "down";

  for (let minute = 5; minute < 60; minute += 5) {
    await world.time.pass(5 * minuteMs - 100);
    expect(
      names(
        await world.during(
          outcomes(() => key.use(async (value) => value)),
          100,
        ),
      ),
    ).toEqual(new Set(["FAKE-key-1"]));
  }
  await world.time.pass(6 * minuteMs);

  expect(() => key.get()).toThrow(expect.objectContaining({ name: "KeyTooStale", maxStaleMs: hourMs }));
  const before = world.time.timers.now;
  const refused = await world.during(
    outcomes(() => key.use(async (value) => value)),
    5_000,
  );
  expect(names(refused)).toEqual(new Set(["KeyTooStale"]));
  expect(world.time.timers.now - before).toBeLessThanOrEqual(5_000);
  const [first] = refused as PromiseRejectedResult[];
  expect(first?.reason.cause).toMatchObject({ name: "UpstreamUnavailable", reason: "server", status: 503 });
});

test("an outage that ends is noticed by the next caller", async () => {
  const world = new ConsumerWorld({ maxStaleMs: hourMs });
  const key = await world.open();
  world.upstream.fault = "down";
  await world.time.pass(2 * hourMs);
  expect(() => key.get()).toThrow();

  world.upstream.fault = "none";
  await world.time.pass(15_000);

  expect(await world.during(key.use(async (value) => value))).toBe("FAKE-key-1");
});

test("an outage is asked about with growing pauses, not at every call", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  thaw(world, 10 * minuteMs);
  world.upstream.fault = "down";
  world.upstream.calls.length = 0;

  for (let second = 0; second < 600; second++) {
    key.get();
    await world.time.pass(100);
  }

  expect(world.upstream.calls.length).toBeGreaterThan(4);
  expect(world.upstream.calls.length).toBeLessThan(40);
});

test("past the limit an outage is not asked about at every call either", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.upstream.fault = "down";
  thaw(world);
  world.upstream.calls.length = 0;

  for (let call = 0; call < 300; call++) {
    await world.during(
      outcomes(() => key.use(async (value) => value), 1),
      200,
    );
  }

  expect(world.upstream.calls.length).toBeLessThan(40);
});

test("a hung upstream refuses a cold caller at the deadline", async () => {
  const world = new ConsumerWorld({ timeoutMs: 2_000 });
  world.upstream.fault = "hung";

  const opening = world.during(world.rekey.open({ secret: secretArn }), 2_000);

  await expect(opening).rejects.toMatchObject({ name: "UpstreamUnavailable", reason: "timeout" });
});

test("a hung upstream keeps nobody waiting while a usable value is held", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.upstream.fault = "hung";
  thaw(world, 10 * minuteMs);

  expect(await key.use(async (value) => value)).toBe("FAKE-key-1");
});

test("a cold start that failed can be tried again", async () => {
  const world = new ConsumerWorld();
  world.upstream.fault = "down";
  await expect(world.open()).rejects.toMatchObject({ name: "UpstreamUnavailable" });

  world.upstream.fault = "none";

  expect((await world.open()).get()).toBe("FAKE-key-1");
});

test("a thawed sandbox does not serve a key that its timers think is young", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();

  thaw(world, 2 * hourMs + 1);

  expect(() => key.get()).toThrow(expect.objectContaining({ name: "KeyTooStale" }));
});

test("a wall clock that is set back does not make an old key young", async () => {
  const world = new ConsumerWorld({ maxStaleMs: hourMs });
  const key = await world.open();
  world.upstream.fault = "down";

  world.time.freeze(-24 * hourMs);
  await world.time.pass(61 * minuteMs);

  expect(() => key.get()).toThrow(expect.objectContaining({ name: "KeyTooStale" }));
});

test("age counts from the question, not from the answer", async () => {
  const world = new ConsumerWorld({ maxStaleMs: 10_000, refreshEveryMs: 5_000, timeoutMs: 9_000 });
  world.upstream.latencyMs = 8_000;
  const key = await world.during(world.rekey.open({ secret: secretArn }), 8_001);
  world.upstream.fault = "hung";

  await world.time.pass(1_990);
  expect(key.get()).toBe("FAKE-key-1");
  await world.time.pass(20);

  expect(() => key.get()).toThrow(expect.objectContaining({ name: "KeyTooStale" }));
});

test("listeners get a change without the value, and one that throws harms nobody", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  const told: unknown[] = [];
  key.onChange(() => {
    throw new Error("a listener's own trouble");
  });
  const stop = key.onChange((version) => told.push(version));

  world.upstream.put("v2", "FAKE-key-2");
  await world.during(key.refresh());
  stop();
  world.upstream.put("v3", "FAKE-key-3");
  await world.during(key.refresh());

  expect(told).toEqual([{ arn: secretArn, fingerprint: fingerprintOf("FAKE-key-2"), versionId: "v2" }]);
  expect(key.get()).toBe("FAKE-key-3");
});

test("one field of a JSON value is the key, and everything else in it stays out of sight", async () => {
  const world = new ConsumerWorld();
  world.upstream.put("v2", JSON.stringify({ apiKey: "FAKE-key-2", note: "not a key" }));

  const key = await world.during(world.rekey.open({ secret: secretArn, field: "apiKey" }));

  expect(key.get()).toBe("FAKE-key-2");
  expect(key.fingerprint).toBe(fingerprintOf("FAKE-key-2"));
});

test.each([
  ["no JSON", "FAKE-plain"],
  ["no such field", JSON.stringify({ other: "FAKE-other" })],
  ["an inherited name", JSON.stringify({})],
  ["a field that is no text", JSON.stringify({ toString: 7 })],
])("a value with %s in it is refused without being quoted", async (_, text) => {
  const world = new ConsumerWorld();
  world.upstream.put("v2", text);

  const opening = world.during(world.rekey.open({ secret: secretArn, field: "toString" }));

  const error = await opening.then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(error).toMatchObject({ name: "KeyUnreadable" });
  expect(`${error?.message} ${error?.stack}`).not.toContain("FAKE");
});

test("a new value that cannot be read leaves the key in use until maxStale", async () => {
  const world = new ConsumerWorld();
  world.upstream.put("v2", JSON.stringify({ apiKey: "FAKE-key-2" }));
  const key = await world.during(world.rekey.open({ secret: secretArn, field: "apiKey" }));

  world.upstream.put("v3", "FAKE-not-json");

  await expect(world.during(key.refresh())).rejects.toMatchObject({ name: "KeyUnreadable" });
  expect(key.get()).toBe("FAKE-key-2");
});

test("a closed client serves nothing, calls nobody and keeps no timer", async () => {
  const world = new ConsumerWorld({ reportBus: "reports" });
  const key = await world.open();
  const late = key.refresh();

  await world.during(world.rekey.close());
  await late;
  world.upstream.calls.length = 0;
  world.rekey.announced({ detail: { secretArn } });
  await world.time.pass(24 * hourMs);

  expect(world.upstream.calls).toEqual([]);
  expect(world.time.timers.countTimers()).toBe(0);
  expect(() => key.get()).toThrow(expect.objectContaining({ name: "RekeyClosed" }));
  await expect(key.use(async () => "x")).rejects.toMatchObject({ name: "RekeyClosed" });
  await expect(world.rekey.open({ secret: secretArn })).rejects.toMatchObject({ name: "RekeyClosed" });
});

test("a conversation that was frozen in the middle does not hold up the caller who thaws it", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.upstream.fault = "hung";
  thaw(world, 10 * minuteMs);
  key.get();
  await world.time.pass(10);
  thaw(world);
  world.upstream.fault = "none";
  world.upstream.put("v2", "FAKE-key-2");

  expect(
    await world.during(
      key.use(async (value) => value),
      50,
    ),
  ).toBe("FAKE-key-2");
});

test.each([
  ["consumer", { consumer: "" }],
  ["environment", { environment: "" }],
  ["maxStaleMs", { maxStaleMs: 0 }],
  ["refreshEveryMs", { refreshEveryMs: Number.NaN }],
])("an option that cannot be meant (%s) is refused at once", (name, options) => {
  expect(() => new ConsumerWorld(options)).toThrow(expect.objectContaining({ name: "OptionInvalid" }));
  expect(() => new ConsumerWorld(options)).toThrow(name);
});
