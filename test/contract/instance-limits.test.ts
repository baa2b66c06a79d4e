import { parse } from "yaml";
import { evidenceKey, type InstanceEvidence } from "../../core/adoption/evidence.ts";
import { instanceLimits } from "../../core/adoption/instance-limits.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { recordEvidence } from "../../functions/evidence/record-evidence.ts";
import type { ConsumerReport } from "../../sdk/client/consumer-report.ts";
import { signerFor } from "../../sdk/client/proof.ts";
import { adminWorld, arnOf, fileWith, NOON_MS } from "./admin-world.ts";

const secretArn = arnOf("billing-key");
const account = "111122223333";
const hour = 3_600_000;
/** As long as the schema takes. */
const long = (nth: number | string) => `${"i".repeat(120)}/${nth}`.slice(-128);

/** A secret that `billing` uses, and reports about it through the function, under its role and the table's limits. */
async function reporting() {
  const world = adminWorld();
  const key = world.secret("billing-key");
  const data = parse(fileWith({ secrets: { "billing-key": "" } }));
  await world.send({ command: "apply", files: [{ path: "rekey.yml", data }] });
  const text = key.secret.reveal();
  const { keyId, versionId } = key;
  const holds = { fingerprint: fingerprintOf(text), versionId };
  const deps = world.depsOf("record-evidence");
  const sign = signerFor(text);

  async function send(said: Partial<ConsumerReport>, { isSigned = true, atMs = NOON_MS } = {}) {
    const report: ConsumerReport = {
      ...({ schema: 1, kind: "client", consumer: "billing", instance: "i/1", secretArn, holds } as const),
      ...{ uses: [], cause: "changed", sequence: 1, maxStaleMs: 900_000, sdk: "rekey-client/0.1.0", ...said },
    };
    const detail = isSigned ? { ...report, proof: sign(report, atMs) } : report;
    const event = { account, time: new Date(atMs).toISOString(), source: "rekey.consumer.billing", detail };
    return recordEvidence.run(recordEvidence.input.parse({ environment: "production", event }), deps);
  }

  /** As if so many had reported. */
  async function filled(count: number, fields: Partial<InstanceEvidence>) {
    for (let nth = 0; nth < count; nth += 1) {
      const item: InstanceEvidence = {
        ...({ kind: "client", consumer: "billing", environment: "production", account } as const),
        ...{ instance: long(nth), sequence: 1, maxStaleMs: 900_000, holds, uses: [], ended: false },
        ...{ observedAtMs: NOON_MS, ...fields },
      };
      await world.ledger.documents.write({ kind: "EVIDENCE", id: secretArn, sort: evidenceKey(item) }, item);
    }
  }

  const kept = async () => {
    const all = await world.ledger.evidence(secretArn);
    return {
      count: all.filter(({ kind }) => kind === "client").length,
      others: all.filter(({ kind }) => kind === "uncounted"),
    };
  };
  return { world, send, filled, kept, holds, keyId };
}

test("of those that prove it, as many as the limit says are kept; the next one is kept with the others", async () => {
  const { send, filled, kept, holds } = await reporting();
  const { ofConsumer } = instanceLimits.instance;
  await filled(ofConsumer - 1, {});

  await send({ instance: long("last") });
  expect(await kept()).toEqual({ count: ofConsumer, others: [] });

  await send({ instance: long("beyond") });
  expect(await kept()).toMatchObject({
    count: ofConsumer,
    others: [{ consumer: "billing", fingerprint: holds.fingerprint }],
  });

  await send({ instance: long("last"), sequence: 2, cause: "stopping" }, { atMs: NOON_MS + 1 });
  await send({ instance: long("later") }, { atMs: NOON_MS + 2 * hour });
  expect(await kept()).toMatchObject({ count: ofConsumer + 1 });
}, 30_000);

test("those that prove nothing take no room of those that do, and a flood of them reads the table once a minute", async () => {
  const { world, send, filled, kept } = await reporting();
  const { ofConsumer } = instanceLimits.unproven;
  await filled(ofConsumer, { unproven: "unsigned" });
  let reads = 0;
  const query = world.table.query.bind(world.table);
  world.table.query = async (asked) => {
    if (asked.prefix === "unproven/") reads += 1;
    return query(asked);
  };

  const outcomes = [];
  for (let nth = 0; nth < 50; nth += 1)
    outcomes.push(await send({ instance: long(`new-${nth}`) }, { isSigned: false }));

  expect(outcomes[0]).toEqual({ outcome: "nobodyWaits" });
  expect(new Set(outcomes.slice(1).map(({ outcome }) => outcome))).toEqual(new Set(["stillSo"]));
  expect(reads).toBe(1);
  expect(await kept()).toMatchObject({ count: ofConsumer, others: [{ consumer: "billing" }] });
  expect((await kept()).others[0]).not.toHaveProperty("fingerprint");

  await send({});
  expect(await kept()).toMatchObject({ count: ofConsumer + 1 });
});

test("sequences that jump are kept up to their limit, and then as one", async () => {
  const { send, kept } = await reporting();
  const { ofConsumer } = instanceLimits.jump;
  for (let nth = 0; nth < ofConsumer + 5; nth += 1)
    await send({ instance: long(nth), sequence: Number.MAX_SAFE_INTEGER });
  expect(await kept()).toMatchObject({ count: ofConsumer, others: [{ consumer: "billing" }] });
});

test("one that is known goes on reporting, however many there are", async () => {
  const { send, filled, kept } = await reporting();
  await send({});
  await filled(instanceLimits.instance.ofConsumer, {});
  expect(await send({ sequence: 2 }, { atMs: NOON_MS + 1_000 })).toEqual({ outcome: "stillSo" });
  expect((await kept()).others).toEqual([]);
});
