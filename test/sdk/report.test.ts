import { Secret } from "../../core/secret.ts";
import { ConsumerReport } from "../../events/consumer-report.ts";
import { isProvenBy, reportKeyOf } from "../../events/report-proof.ts";
import type { RekeyOptions } from "../../sdk/client/index.ts";
import { ConsumerWorld, fingerprintOf, secretArn } from "./world.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const reporting = (options: Partial<RekeyOptions> = {}) =>
  new ConsumerWorld({ reportBus: "rekey-reports-production", ...options });

test("the first report says exactly what was agreed, and nothing else", async () => {
  const world = reporting();
  await world.open();

  const [entry] = world.upstream.entries;
  expect(entry).toEqual({
    EventBusName: "rekey-reports-production",
    Source: "rekey.consumer.billing",
    DetailType: "ConsumerReport",
    Resources: [secretArn],
    Detail: expect.any(String),
  });
  expect(JSON.parse(entry?.Detail ?? "")).toEqual({
    schema: 1,
    kind: "client",
    consumer: "billing",
    instance: "instance-1/start-1",
    secretArn,
    holds: { fingerprint: fingerprintOf("FAKE-key-1"), versionId: "v1" },
    uses: [],
    cause: "started",
    sequence: 1,
    maxStaleMs: 2 * hourMs,
    sdk: "rekey-client/0.1.0",
    reads: { ms: [20], failed: 0 },
    proof: { sentAtMs: expect.any(Number), signature: expect.stringMatching(/^[\w-]{86}$/) },
  });
});

test("a report is signed with a pair that only who holds the key can derive, and the public half proves it", async () => {
  const world = reporting();
  await world.open();

  const report = ConsumerReport.parse(JSON.parse(world.upstream.entries[0]?.Detail ?? ""));
  expect(isProvenBy(report, reportKeyOf(new Secret("FAKE-key-1")))).toBe(true);
  expect(isProvenBy(report, reportKeyOf(new Secret("FAKE-key-2")))).toBe(false);
  for (const changed of [{ sequence: 2 }, { instance: "other/1" }, { cause: "stopping" as const }])
    expect(isProvenBy({ ...report, ...changed }, reportKeyOf(new Secret("FAKE-key-1")))).toBe(false);
});

test("without a report bus nothing is reported", async () => {
  const world = new ConsumerWorld();
  await world.open();
  await world.time.pass(5 * hourMs);
  await world.rekey.close();

  expect(world.upstream.count("report")).toBe(0);
});

test("a rotation is reported from start to end: changed, refused, who works, and how long ago", async () => {
  const world = reporting();
  const key = await world.open();
  await key.use(world.provider.call);
  await world.time.pass(minuteMs);
  world.upstream.put("v2", "FAKE-key-2");
  world.provider.alive.delete("FAKE-key-1");

  await world.during(key.use(world.provider.call), 1_000);

  const reports = world.upstream.reports();
  expect(reports.map(({ cause }) => cause)).toEqual(["started", "refused", "changed"]);
  expect(reports.at(-1)?.holds).toEqual({ fingerprint: fingerprintOf("FAKE-key-2"), versionId: "v2" });
  await world.time.pass(15_000);
  const last = world.upstream.reports().at(-1);
  expect(last?.cause).toBe("heartbeat");
  expect(last?.uses).toEqual([
    {
      fingerprint: fingerprintOf("FAKE-key-1"),
      lastSuccessAgoMs: expect.any(Number),
      lastRefusalAgoMs: expect.any(Number),
    },
    {
      fingerprint: fingerprintOf("FAKE-key-2"),
      lastSuccessAgoMs: expect.any(Number),
      lastRefusalAgoMs: null,
    },
  ]);
  const [retiring] = last?.uses ?? [];
  expect(retiring?.lastSuccessAgoMs).toBeGreaterThan(minuteMs);
  expect(retiring?.lastRefusalAgoMs).toBeLessThan(16_000);
});

test("a result that comes late is put down to the key it was made with", async () => {
  const world = reporting();
  const key = await world.open();
  const slow = key.use(
    () => new Promise<string>((resolve) => world.time.timers.setTimeout(() => resolve("ok"), 5_000)),
  );
  await world.time.pass(1_000);
  world.upstream.put("v2", "FAKE-key-2");
  await world.during(key.refresh(), 100);

  await world.during(slow, 5_000);
  await world.time.pass(15_000);

  const uses = world.upstream.reports().at(-1)?.uses;
  expect(uses?.map(({ fingerprint }) => fingerprint)).toEqual([fingerprintOf("FAKE-key-1")]);
});

test("reports come every few seconds while a rotation may be open, else hourly", async () => {
  const world = reporting();
  await world.open();
  await world.time.pass(24 * hourMs);
  expect(world.upstream.entries.length).toBeGreaterThanOrEqual(24);
  expect(world.upstream.entries.length).toBeLessThanOrEqual(28);

  world.upstream.entries.length = 0;
  world.rekey.announced({ detail: { secretArn } });
  await world.time.pass(10 * minuteMs);
  expect(world.upstream.entries.length).toBeGreaterThanOrEqual(40);

  await world.time.pass(hourMs);
  world.upstream.entries.length = 0;
  await world.time.pass(2 * hourMs);
  expect(world.upstream.entries.length).toBeLessThanOrEqual(3);
});

test("the sequence only grows, over all keys of the instance", async () => {
  const world = reporting();
  await world.open();
  await world.during(world.rekey.open({ secret: `${secretArn}2` }));
  await world.time.pass(5 * hourMs);

  const sequences = world.upstream.reports().map(({ sequence }) => sequence);
  expect(sequences.length).toBeGreaterThan(8);
  expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
  expect(new Set(sequences).size).toBe(sequences.length);
});

test.each(["down", "hung", "denied"] as const)(
  "a bus that is %s changes nothing for the consumer",
  async (fault) => {
    const world = reporting();
    world.upstream.busFault = fault;
    const key = await world.open();

    expect(await key.use(world.provider.call)).toBe("answer");
    world.upstream.put("v2", "FAKE-key-2");
    await world.during(key.refresh(), 100);
    expect(key.get()).toBe("FAKE-key-2");
  },
);

test("reads of the secret are told once: how long they took, and how many refreshes failed", async () => {
  const world = reporting();
  await world.open();
  world.upstream.fault = "down";
  world.upstream.describeFault = "down";
  await world.time.pass(hourMs);
  world.upstream.fault = "none";
  world.upstream.describeFault = "none";
  await world.time.pass(5 * hourMs);

  const reads = world.upstream.reports().map((report) => report.reads);
  expect(reads[0]).toEqual({ ms: [20], failed: 0 });
  const told = reads.slice(1).reduce((sum, each) => sum + (each?.failed ?? 0), 0);
  expect(told).toBeGreaterThan(0);
  for (const each of reads) expect(each?.ms.length ?? 0).toBeLessThanOrEqual(20);
});

test("a report that failed is sent with a later heartbeat", async () => {
  const world = reporting();
  const key = await world.open();
  world.upstream.busFault = "down";
  world.upstream.put("v2", "FAKE-key-2");
  await world.during(key.refresh(), 1_000);
  expect(world.upstream.reports().at(-1)?.holds.versionId).toBe("v1");

  world.upstream.busFault = "none";
  await world.time.pass(20_000);

  expect(world.upstream.reports().at(-1)).toMatchObject({ cause: "changed", holds: { versionId: "v2" } });
});

test("a bus that is always down is tried once for each beat", async () => {
  const world = reporting();
  world.upstream.busFault = "down";
  await world.open();

  await world.time.pass(24 * hourMs);

  expect(world.upstream.count("report")).toBeLessThan(24 * 16);
});

test("a key that is refused again and again is not reported at each use", async () => {
  const world = reporting();
  const key = await world.open();
  world.provider.alive.clear();

  for (let round = 0; round < 100; round++) {
    await world.during(
      key.use(world.provider.call).catch(() => undefined),
      100,
    );
  }

  expect(world.upstream.reports().filter(({ cause }) => cause === "refused").length).toBeLessThanOrEqual(3);
});

test("ages understate rather than overstate when the clocks disagree", async () => {
  const world = reporting();
  const key = await world.open();
  await key.use(world.provider.call);
  world.time.freeze(hourMs);

  await world.during(world.rekey.close(), 100);

  expect(world.upstream.reports().at(-1)?.uses[0]?.lastSuccessAgoMs).toBeLessThan(minuteMs);
});

test("the last report says that the instance is stopping", async () => {
  const world = reporting();
  await world.open();

  await world.during(world.rekey.close());
  await world.rekey.close();

  expect(world.upstream.reports().map(({ cause }) => cause)).toEqual(["started", "stopping"]);
});

test("closing does not wait longer than the deadline for a bus that hangs", async () => {
  const world = reporting({ timeoutMs: 2_000 });
  await world.open();
  world.upstream.busFault = "hung";

  await world.during(world.rekey.close(), 2_100);
});

test("uses are kept for the four newest keys", async () => {
  const world = reporting();
  const key = await world.open();
  for (let version = 1; version <= 6; version++) {
    world.upstream.put(`v${version}`, `FAKE-key-${version}`);
    await world.during(key.refresh(), 100);
    await key.use(async () => "ok");
  }

  await world.during(world.rekey.close());

  expect(
    world.upstream
      .reports()
      .at(-1)
      ?.uses.map(({ fingerprint }) => fingerprint),
  ).toEqual([3, 4, 5, 6].map((version) => fingerprintOf(`FAKE-key-${version}`)));
});

test("an outcome that was seen elsewhere counts, and an unknown key's is nobody's", async () => {
  const world = reporting();
  const key = await world.open();

  expect(await key.outcome({ ok: true, fingerprint: fingerprintOf("FAKE-key-1") })).toEqual({
    changed: false,
  });
  await key.outcome({ ok: true, fingerprint: fingerprintOf("FAKE-somebody-else") });
  world.upstream.put("v2", "FAKE-key-2");
  expect(await world.during(key.outcome({ ok: false }))).toEqual({ changed: true });
  await world.during(world.rekey.close());

  const uses = world.upstream.reports().at(-1)?.uses;
  expect(uses?.map(({ fingerprint }) => fingerprint)).toEqual([fingerprintOf("FAKE-key-1")]);
  expect(uses?.[0]).toMatchObject({
    lastSuccessAgoMs: expect.any(Number),
    lastRefusalAgoMs: expect.any(Number),
  });
});
