import type { Key } from "../../sdk/client/index.ts";
import { ConsumerWorld, secretArn } from "./world.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const useEvery = async (world: ConsumerWorld, key: Key, { ms, times }: { ms: number; times: number }) => {
  for (let round = 0; round < times; round++) {
    key.get();
    await world.time.pass(ms);
  }
};

test("describes a key in use and reads it only when its version moved", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  await useEvery(world, key, { ms: minuteMs, times: 30 });
  expect(world.upstream.count("get")).toBe(1);
  expect(world.upstream.count("describe")).toBeGreaterThanOrEqual(5);

  world.upstream.put("v2", "FAKE-key-2");
  await useEvery(world, key, { ms: minuteMs, times: 6 });

  expect(key.get()).toBe("FAKE-key-2");
  expect(world.upstream.count("get")).toBe(2);
});

test("falls back to reading where the role may not describe", async () => {
  const world = new ConsumerWorld();
  world.upstream.describeFault = "denied";
  const key = await world.open();
  world.upstream.put("v2", "FAKE-key-2");

  await useEvery(world, key, { ms: minuteMs, times: 6 });

  expect(key.get()).toBe("FAKE-key-2");
  await useEvery(world, key, { ms: minuteMs, times: 30 });
  expect(world.upstream.count("describe")).toBe(1);
});

test("leaves an idle key alone for most of an hour and still never lets it grow too old", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.upstream.calls.length = 0;

  await world.time.pass(54 * minuteMs);
  expect(world.upstream.calls).toEqual([]);
  await world.time.pass(23 * hourMs);

  expect(key.get()).toBe("FAKE-key-1");
  expect(world.upstream.calls.length).toBeLessThanOrEqual(27);
});

test.each(["AWSPENDING", "REKEY_RETIRING"])(
  "comes every few seconds while %s is on a version",
  async (label) => {
    const world = new ConsumerWorld();
    const key = await world.open();
    world.upstream.stages["v0"] = [label];
    await useEvery(world, key, { ms: minuteMs, times: 5 });
    world.upstream.calls.length = 0;

    await world.time.pass(2 * minuteMs);
    expect(world.upstream.count("describe")).toBeGreaterThanOrEqual(8);

    delete world.upstream.stages["v0"];
    await world.time.pass(minuteMs);
    world.upstream.calls.length = 0;
    await world.time.pass(30 * minuteMs);
    expect(world.upstream.calls.length).toBeLessThanOrEqual(1);
  },
);

test("stops hurrying for a leftover label", async () => {
  const world = new ConsumerWorld();
  await world.open();
  world.upstream.stages["v0"] = ["AWSPENDING"];
  await world.time.pass(26 * hourMs);
  world.upstream.calls.length = 0;

  await world.time.pass(2 * hourMs);

  expect(world.upstream.calls.length).toBeLessThanOrEqual(4);
});

test("follows an announcement within seconds, and only one about its own secret", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.upstream.put("v2", "FAKE-key-2");

  for (const event of [
    undefined,
    null,
    7,
    "x",
    {},
    { detail: null },
    { detail: { secretArn: `${secretArn}x` } },
  ]) {
    world.rekey.announced(event);
  }
  await world.time.pass(minuteMs);
  expect(key.get()).toBe("FAKE-key-1");

  world.rekey.announced({ "detail-type": "SecretVersionPromoted", detail: { secretArn } });
  await world.time.pass(3_100);
  expect(key.get()).toBe("FAKE-key-2");
});

test("cannot be put off by announcements that never stop", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.upstream.put("v2", "FAKE-key-2");

  for (let round = 0; round < 50; round++) {
    world.rekey.announced({ detail: { secretArn } });
    await world.time.pass(100);
  }

  expect(key.get()).toBe("FAKE-key-2");
  expect(world.upstream.calls.length).toBeLessThan(10);
});

test("an idle key with a short limit is confirmed before it grows too old", async () => {
  const world = new ConsumerWorld({ maxStaleMs: 10 * minuteMs });
  const key = await world.open();

  for (let minute = 0; minute < 60; minute += 13) {
    await world.time.pass(13 * minuteMs);
    expect(key.get()).toBe("FAKE-key-1");
  }
});
