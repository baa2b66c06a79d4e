import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { auditLog, deploymentChain } from "../../audit/chain.ts";
import manifest from "../../cli/package.json" with { type: "json" };
import { StoreUnavailable } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { firehoseCollector, httpsCollector, kafkaCollector } from "../../functions/adapters/collector.ts";
import type { Collector, LogLine } from "../../functions/deps.ts";
import { pushAudit } from "../../functions/upkeep/push-audit.ts";
import { nodeDigest } from "../../functions/wiring/base.ts";
import { boundedHttp } from "../../providers/http.ts";
import { appliedWorld } from "../cli/cli-world.ts";
import { type AdminWorld, arnOf, NOON_MS } from "./admin-world.ts";

interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

let server: Server | undefined;
afterEach(() => new Promise<void>((done) => (server === undefined ? done() : server.close(() => done()))));

/** A collector that keeps what it was sent, and answers as `answer` says. */
async function standIn(answer: (asked: Asked) => { readonly status: number; readonly body?: unknown }) {
  const asked: Asked[] = [];
  server = createServer((request, reply) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const { url: path = "", headers } = request;
      const one = { path, headers, body: JSON.parse(Buffer.concat(chunks).toString()) };
      asked.push(one);
      const { status, body = {} } = answer(one);
      reply.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((listening) => server?.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return { asked, url: `http://127.0.0.1:${port}` };
}

const token = { reads: 0 };
function placeAt(url: string, header = "authorization") {
  const http = boundedHttp({ allowHosts: [new URL(url).host], allowLoopback: true });
  const get = async () => {
    token.reads += 1;
    return new Secret("Splunk FAKE-collector-token");
  };
  return { http, url, header, token: { get, refused: () => undefined } };
}

const events = ["a", "b"].map((uid) => JSON.stringify({ metadata: { uid } }));

describe("a collector over HTTPS", () => {
  test("gets one array, under the header it asks for", async () => {
    const { asked, url } = await standIn(() => ({ status: 202 }));
    await httpsCollector(placeAt(`${url}/in`, "x-api-key")).send(events);
    expect(asked).toMatchObject([
      {
        path: "/in",
        headers: { "x-api-key": "Splunk FAKE-collector-token" },
        body: events.map((each) => JSON.parse(each)),
      },
    ]);
  });

  test.each([
    [429, "StoreUnavailable"],
    [503, "StoreUnavailable"],
    [301, "InputInvalid"],
    [403, "InputInvalid"],
  ])("that answers %s ends with %s, and no word of the token", async (status, name) => {
    const { url } = await standIn(() => ({ status, body: { echo: "Splunk FAKE-collector-token" } }));
    const error = await httpsCollector(placeAt(url))
      .send(events)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name });
    expect(String(error)).not.toContain("FAKE-collector-token");
  });

  test("that is not there is not available now", async () => {
    await expect(httpsCollector(placeAt("http://127.0.0.1:9")).send(events)).rejects.toMatchObject({
      name: "StoreUnavailable",
    });
  });
});

describe("Kafka's REST proxy", () => {
  test("gets records of its own type", async () => {
    const { asked, url } = await standIn(() => ({
      status: 200,
      body: { offsets: [{ offset: 1 }, { offset: 2 }] },
    }));
    await kafkaCollector(placeAt(`${url}/topics/rekey-audit`)).send(events);
    expect(asked).toMatchObject([
      {
        path: "/topics/rekey-audit",
        headers: { "content-type": "application/vnd.kafka.json.v2+json" },
        body: { records: [{ value: { metadata: { uid: "a" } } }, { value: { metadata: { uid: "b" } } }] },
      },
    ]);
  });

  test.each([
    [
      "one record has an error",
      { offsets: [{ offset: 1 }, { offset: null, error_code: 50003, error: "timed out" }] },
    ],
    ["nothing says that it was written", {}],
  ])("with 200 in which %s took not everything", async (_, body) => {
    const { url } = await standIn(() => ({ status: 200, body }));
    await expect(kafkaCollector(placeAt(url)).send(events)).rejects.toThrow(StoreUnavailable);
  });
});

describe("Firehose", () => {
  const streamAt = (url: string) =>
    firehoseCollector(
      new FirehoseClient({
        ...{ endpoint: url, region: "eu-west-1", maxAttempts: 1 },
        credentials: { accessKeyId: "FAKE", secretAccessKey: "FAKE" },
      }),
      "audit",
    );

  test("gets a line for each event", async () => {
    const { asked, url } = await standIn(() => ({
      status: 200,
      body: { FailedPutCount: 0, RequestResponses: [{ RecordId: "1" }, { RecordId: "2" }] },
    }));
    await streamAt(url).send(events);
    const { DeliveryStreamName, Records } = Object(asked[0]).body as {
      readonly DeliveryStreamName: string;
      readonly Records: readonly { readonly Data: string }[];
    };
    expect(DeliveryStreamName).toBe("audit");
    expect(Records.map(({ Data }) => Buffer.from(Data, "base64").toString())).toEqual(
      events.map((each) => `${each}\n`),
    );
  });

  test("that took a part took not everything", async () => {
    const { url } = await standIn(() => ({ status: 200, body: { FailedPutCount: 1, RequestResponses: [] } }));
    await expect(streamAt(url).send(events)).rejects.toThrow("did not take 1 of 2 events");
  });
});

/** The function under its own role, against a collector that keeps what it took. */
async function pushWorld() {
  const { world } = await appliedWorld({ "billing-key": "", "search-key": "" });
  const taken: { readonly uid: string; readonly message: string }[] = [];
  let down: Error | undefined;
  const collector: Collector = {
    async send(sent) {
      if (down !== undefined) throw down;
      for (const event of sent.map((each) => JSON.parse(each)))
        taken.push({ uid: event.metadata.uid, message: event.message });
    },
  };
  const run = () => {
    const deps = world.depsOf("push-audit");
    const log = auditLog({ table: world.table, digest: nodeDigest, now: () => NOON_MS });
    return pushAudit.run({}, { ...deps, collector: { ...collector, log } });
  };
  return {
    ...{ world, taken, run },
    fail: (error: Error | undefined) => {
      down = error;
    },
  };
}

function append(world: AdminWorld, chain: string, id: string, atMs = NOON_MS) {
  return world.audit.append(chain, { id, actor: "rekey", action: "KeyRevoked", atMs });
}

describe("what the logs gain", () => {
  test("is sent once, in the order of each log, and the next run sends only what is new", async () => {
    const { world, taken, run } = await pushWorld();
    await append(world, arnOf("billing-key"), "one");
    await append(world, deploymentChain, "two");
    const first = await run();
    expect(first.outcome).toBe("pushed");
    expect(taken.map(({ uid }) => uid)).toEqual(expect.arrayContaining([`${deploymentChain}/1`]));
    const before = taken.length;
    expect(new Set(taken.map(({ uid }) => uid)).size).toBe(before);

    expect(await run()).toEqual({ outcome: "pushed", pushed: 0 });
    await append(world, arnOf("billing-key"), "three");
    expect(await run()).toEqual({ outcome: "pushed", pushed: 1 });
    expect(taken).toHaveLength(before + 1);
  });

  test("waits while the collector is down, says how far behind it is, and is sent when it is back", async () => {
    const { world, taken, run, fail } = await pushWorld();
    await run();
    const before = taken.length;
    await append(world, arnOf("search-key"), "late", NOON_MS - 7_200_000);
    fail(new StoreUnavailable("the collector does not answer"));
    expect(await run()).toEqual({ outcome: "failed", pushed: 0 });
    const last = world.logs.at(-1) as LogLine & { readonly AuditPushLagSeconds: number };
    expect(last.AuditPushLagSeconds).toBe(7_200);
    fail(undefined);
    expect(await run()).toEqual({ outcome: "pushed", pushed: 1 });
    expect(taken).toHaveLength(before + 1);
    expect((world.logs.at(-1) as typeof last).AuditPushLagSeconds).toBe(0);
  });

  test("goes in requests of 500 at most", async () => {
    const { world, run } = await pushWorld();
    await run();
    for (let count = 0; count < 501; count += 1) await append(world, deploymentChain, `many-${count}`);
    const sizes: number[] = [];
    const log = auditLog({ table: world.table, digest: nodeDigest, now: () => NOON_MS });
    const send = async (sent: readonly string[]) => void sizes.push(sent.length);
    await pushAudit.run({}, { ...world.depsOf("push-audit"), collector: { send, log } });
    expect(sizes).toEqual([500, 1]);
  });

  test("of several logs goes at the same time, of each in its order, under the product's own version", async () => {
    const { world, run } = await pushWorld();
    await run();
    const logs = [deploymentChain, arnOf("billing-key"), arnOf("search-key")];
    for (const id of ["one", "two"]) for (const chain of logs) await append(world, chain, id);
    const sent: string[] = [];
    const versions = new Set<string>();
    let [atOnce, most] = [0, 0];
    const send = async (events: readonly string[]) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      for (const { metadata } of events.map((event) => JSON.parse(event))) {
        sent.push(metadata.uid);
        versions.add(metadata.product.version);
      }
    };
    const log = auditLog({ table: world.table, digest: nodeDigest, now: () => NOON_MS });
    await pushAudit.run({}, { ...world.depsOf("push-audit"), collector: { send, log } });
    expect(most).toBeGreaterThan(1);
    for (const chain of logs) {
      const seqs = sent
        .filter((uid) => uid.startsWith(`${chain}/`))
        .map((uid) => Number(uid.split("/").at(-1)));
      expect([chain, seqs.length]).toEqual([chain, 2]);
      expect(seqs).toEqual(seqs.toSorted((one, other) => one - other));
    }
    expect([...versions]).toEqual([manifest.version]);
  });

  test("stays where it is without a collector", async () => {
    const { world } = await pushWorld();
    const deps = { ...world.depsOf("push-audit"), collector: undefined };
    expect(await pushAudit.run({}, deps)).toEqual({ outcome: "notConfigured", pushed: 0 });
  });
});
