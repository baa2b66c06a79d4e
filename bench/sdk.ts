import { execFileSync } from "node:child_process";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SecretsProvider } from "@aws-lambda-powertools/parameters/secrets";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import secretsManager from "@middy/secrets-manager";
import { build } from "esbuild";
import { Secrets } from "../sdk/agent/secrets.ts";
import { createSecretsServer } from "../sdk/agent/server.ts";
import { systemClock } from "../sdk/client/clock.ts";
import { createRekey, type Key, type Rekey, type RekeyOptions } from "../sdk/client/index.ts";
import { transportFrom } from "../sdk/client/options.ts";
import { AwsStub } from "../test/sdk/aws-stub.ts";
import type { BenchRow } from "./row.ts";

const credentials = { accessKeyId: "AKIDFAKE", secretAccessKey: "FAKE-secret" };
const region = "eu-central-1";
const crowd = 1_000;
const hourMs = 3_600_000;

/** All clients are measured against one stub in one run, so that the machine's load is the same for all. */
export async function sdkRows(): Promise<BenchRow[]> {
  const stub = await new AwsStub().start();
  try {
    return [
      ...(await warmRows(stub)),
      ...(await crowdRows(stub)),
      ...(await timeRows(stub)),
      ...(await extensionRows(stub)),
      ...(await packageRows()),
      costRow(),
    ];
  } finally {
    await stub.close();
  }
}

/** A client whose wall clock the bench can move, as a freeze does. */
class Bench {
  aheadMs = 0;
  readonly rekey: Rekey;
  readonly #stub: AwsStub;

  constructor(stub: AwsStub, options: Partial<RekeyOptions> = {}) {
    this.#stub = stub;
    const clock = { ...systemClock, wallMs: () => Date.now() + this.aheadMs };
    const { endpoint } = stub;
    this.rekey = createRekey({
      consumer: "bench",
      environment: "bench",
      endpoint,
      credentials,
      clock,
      ...options,
    });
  }

  open(): Promise<Key> {
    return this.rekey.open({ secret: this.#stub.arn });
  }
}

async function warmRows(stub: AwsStub): Promise<BenchRow[]> {
  const ours = createRekey({ consumer: "bench", environment: "bench", endpoint: stub.endpoint, credentials });
  const key = await ours.open({ secret: stub.arn });
  const get = sample({ rounds: 200, calls: 20_000 }, () => key.get());
  await ours.close();

  const provider = powertools(stub);
  await provider.get(stub.arn, { maxAge: 3_600 });
  const peer = await sampleAsync({ rounds: 60, calls: 2_000 }, () =>
    provider.get(stub.arn, { maxAge: 3_600 }),
  );

  const before = middyBefore(stub);
  await before();
  const middy = await sampleAsync({ rounds: 60, calls: 500 }, before);

  const row = { name: "sdk: warm get()", unit: "ns", ...get, budget: 100, ok: get.median <= 100 };
  return [
    { ...row, peer: { name: "powertools parameters", median: peer.median } },
    { ...row, peer: { name: "middy secrets-manager", median: middy.median } },
  ];
}

async function crowdRows(stub: AwsStub): Promise<BenchRow[]> {
  const provider = powertools(stub);
  const before = callsOf(stub);
  await Promise.all(Array.from({ length: crowd }, () => provider.get(stub.arn)));
  const peer = { name: "powertools parameters", median: callsOf(stub) - before };

  const bench = new Bench(stub);
  const cold = await callsDuring(stub, () => bench.open());
  const key = await bench.open();
  bench.aheadMs = 24 * hourMs;
  const expired = await callsDuring(stub, () => key.use(async (value) => value));
  await bench.rekey.close();
  return [
    exact({ name: `sdk: ${crowd} callers, cold`, unit: "upstream calls", value: cold, budget: 1, peer }),
    exact({
      name: `sdk: ${crowd} callers, expired`,
      unit: "upstream calls",
      value: expired,
      budget: 1,
      peer,
    }),
  ];
}

async function timeRows(stub: AwsStub): Promise<BenchRow[]> {
  const bench = new Bench(stub, { timeoutMs: 300 });
  const key = await bench.open();
  const stale: number[] = [];
  for (let round = 0; round < 50; round++) {
    bench.aheadMs += 10 * 60_000;
    stale.push(await took(async () => key.get()));
    await key.refresh();
  }
  const provider = powertools(stub);
  const peer: number[] = [];
  for (let round = 0; round < 50; round++)
    peer.push(await took(() => provider.get(stub.arn, { forceFetch: true })));

  const refused = await rotationsSeen(stub, key);
  stub.hangs = true;
  bench.aheadMs += 24 * hourMs;
  const hung = await took(() => key.use(async (value) => value));
  stub.hangs = false;
  await bench.rekey.close();
  return [
    within("sdk: first call after expiry", { unit: "ms", budget: 1, samples: stale }, medianOf(peer)),
    within("sdk: rotation seen after a 401", { unit: "ms", budget: 10 * medianOf(peer), samples: refused }),
    within("sdk: hung upstream, typed error", { unit: "ms", budget: 350, samples: [hung] }),
  ];
}

/** From the first refusal to the answer with the new key, which includes one round trip to the stub. */
async function rotationsSeen(stub: AwsStub, key: Key): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 1; round <= 50; round++) {
    stub.versionId = `r${round}`;
    stub.value = `FAKE-key-r${round}`;
    const current = stub.value;
    const work = async (value: string) => (value === current ? "ok" : Promise.reject({ status: 401 }));
    samples.push(await took(() => key.use(work)));
  }
  return samples;
}

async function extensionRows(stub: AwsStub): Promise<BenchRow[]> {
  const transport = transportFrom({ endpoint: stub.endpoint, credentials }, systemClock);
  const secrets = new Secrets({
    consumer: "bench",
    environment: "bench",
    transport,
    kind: "extension",
    declared: [{ secret: stub.arn }],
    onlyDeclared: false,
  });
  const token = "FAKE-token";
  const extension = createSecretsServer({ secrets, token, keepAliveMs: 0 });
  const hop = createServer((_, response) => response.end("x".repeat(300)));
  for (const server of [extension, hop]) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  }
  const headers = { "X-Aws-Parameters-Secrets-Token": token };
  const lookUp = caller({
    port: portOf(extension),
    path: `/secretsmanager/get?secretId=${stub.arn}`,
    headers,
  });
  const bare = caller({ port: portOf(hop), path: "/", headers });
  const samples = { lookUp: [] as number[], bare: [] as number[] };
  // In turns, so that both see the same interruptions.
  for (let round = 0; round < 4_000; round++) {
    samples.bare.push(1_000 * (await took(bare)));
    samples.lookUp.push(1_000 * (await took(lookUp)));
  }
  for (const server of [extension, hop]) server.close();
  await secrets.close();
  const [ours, theirs] = [summary(samples.lookUp.slice(1_000)), summary(samples.bare.slice(1_000))];
  const budget = 1.5 * theirs.p99;
  return [
    {
      name: "extension: warm localhost lookup",
      unit: "us",
      ...ours,
      peer: { name: "bare keep-alive hop", median: theirs.median },
      budget,
      ok: ours.p99 <= budget,
    },
    { name: "bare keep-alive localhost hop", unit: "us", ...theirs },
  ];
}

async function packageRows(): Promise<BenchRow[]> {
  const entry = fileURLToPath(new URL("../sdk/client/index.ts", import.meta.url));
  const outfile = fileURLToPath(new URL("../dist/bench/rekey-client.mjs", import.meta.url));
  const shape = { bundle: true, minify: true, platform: "node", format: "esm", target: "node20" } as const;
  const { metafile } = await build({ entryPoints: [entry], outfile, metafile: true, ...shape });
  const bytes = Object.values(metafile.outputs)[0]?.bytes ?? Number.NaN;
  const script = `const t = performance.now(); await import(${JSON.stringify(pathToFileURL(outfile))}); console.log(performance.now() - t)`;
  const imports = Array.from({ length: 9 }, () =>
    Number(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" })),
  );
  return [
    exact({ name: "sdk: bundle, minified", unit: "bytes", value: bytes, budget: 12_000 }),
    within("sdk: import of the bundle", { unit: "ms", budget: 5, samples: imports }),
  ];
}

/** The cost of reports for 300 secrets with 20 instances each, if every secret is rotated once a month. */
function costRow(): BenchRow {
  const [pairs, hours] = [300 * 20, 730];
  const hourly = pairs * hours;
  const rotation = pairs * (hourMs / (15_000 * 0.9));
  const [perEvent, perCall] = [1 / 1e6, 0.05 / 1e4];
  const reports = (hourly + rotation) * perEvent;
  const idle = (hourly + rotation) * perCall;
  const busy = (pairs * hours * (hourMs / (300_000 * 0.9)) + rotation) * perCall;
  const money = (usd: number) => `$${usd.toFixed(2)}`;
  const count = (calls: number) => Math.round(calls).toLocaleString("en-US");
  console.error(
    [
      `reports: 300 secrets x 20 instances x 730 h = ${count(hourly)} heartbeats`,
      `  + one watched hour per rotation at ~13.5 s = ${count(rotation)} reports; ` +
        `x $1.00 per million = ${money(reports)} a month`,
      `reads, for comparison: at $0.05 per 10,000 calls ${money(idle)} if all keys idle, ${money(busy)} if all are in use`,
    ].join("\n"),
  );
  return exact({
    name: "sdk: reports, 300 secrets x 20 instances",
    unit: "USD a month",
    value: reports,
    budget: 50,
  });
}

function powertools(stub: AwsStub): SecretsProvider {
  const awsSdkV3Client = new SecretsManagerClient({ endpoint: stub.endpoint, region, credentials });
  return new SecretsProvider({ awsSdkV3Client });
}

function middyBefore(stub: AwsStub): () => Promise<unknown> {
  const middleware = secretsManager({
    AwsClient: SecretsManagerClient,
    awsClientOptions: { endpoint: stub.endpoint, region, credentials },
    fetchData: { key: stub.arn },
    setToContext: true,
  });
  const before = middleware.before as unknown as (request: object) => Promise<unknown>;
  const invocation = { event: {}, context: {}, internal: {} };
  return () => before(invocation);
}

const callsOf = (stub: AwsStub): number => stub.count("GetSecretValue") + stub.count("DescribeSecret");

async function callsDuring(stub: AwsStub, work: () => Promise<unknown>): Promise<number> {
  const before = callsOf(stub);
  await Promise.all(Array.from({ length: crowd }, work));
  return callsOf(stub) - before;
}

function caller({ port, path, headers }: { port: number; path: string; headers: Record<string, string> }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return () =>
    new Promise<void>((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port, path, headers, agent }, (response) => {
        response.resume();
        response.on("end", resolve);
      });
      sent.on("error", reject);
      sent.end();
    });
}

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

/** Milliseconds, whether it succeeds or not. */
async function took(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work().catch(() => undefined);
  return performance.now() - start;
}

interface Plan {
  rounds: number;
  calls: number;
}

/** Nanoseconds per call, one sample per round; the first quarter warms the compiler up. */
function sample({ rounds, calls }: Plan, work: () => string): { median: number; p99: number } {
  const samples: number[] = [];
  let length = 0;
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    for (let call = 0; call < calls; call++) length += work().length;
    samples.push(Number(process.hrtime.bigint() - start) / calls);
  }
  if (length === 0) throw new Error("nothing was read");
  return summary(samples.slice(rounds / 4));
}

async function sampleAsync({ rounds, calls }: Plan, work: () => Promise<unknown>) {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    for (let call = 0; call < calls; call++) await work();
    samples.push(Number(process.hrtime.bigint() - start) / calls);
  }
  return summary(samples.slice(rounds / 4));
}

function summary(samples: readonly number[]): { median: number; p99: number } {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { median: at(0.5), p99: at(0.99) };
}

const medianOf = (samples: readonly number[]): number => summary(samples).median;

interface Measured {
  unit: string;
  budget: number;
  samples: readonly number[];
}

function within(name: string, { unit, budget, samples }: Measured, peerMedian?: number): BenchRow {
  const row = { name, unit, ...summary(samples), budget };
  const ok = row.median <= budget;
  return peerMedian === undefined
    ? { ...row, ok }
    : { ...row, ok, peer: { name: "powertools parameters", median: peerMedian } };
}

interface Exact extends Pick<BenchRow, "name" | "unit" | "peer"> {
  value: number;
  budget: number;
}

function exact({ value, budget, ...row }: Exact): BenchRow {
  return { ...row, median: value, p99: value, budget, ok: value <= budget };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await sdkRows());
