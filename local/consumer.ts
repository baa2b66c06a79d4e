/**
 * A consumer program of the demonstrations: one process, whose instances constantly call the provider with the keys
 * that the client library holds. It reports to its parent what it served.
 */
import { Agent, request } from "node:http";
import { createRekey, type Key, type Rekey } from "../sdk/client/index.ts";
import { vaultOptions } from "../sdk/client/vault.ts";

export interface ConsumerJob {
  readonly consumer: string;
  readonly environment: string;
  readonly keys: readonly ConsumerKey[];
  readonly reportBus: string;
  readonly instances: number;
  /** Of each instance, with each of its keys. */
  readonly requestsPerSecond: number;
  readonly maxStaleMs: number;
  readonly watchEveryMs: number;
  /** While no rotation is likely; `watchEveryMs` without it. */
  readonly refreshEveryMs?: number;
}

interface ConsumerKey {
  readonly secret: string;
  readonly field?: string;
  /** Where and how the provider is asked, with the key behind `scheme` in a header. */
  readonly call: { readonly url: string; readonly header: string; readonly scheme: string };
}

export interface Tally {
  readonly requests: number;
  /** Requests whose caller saw a failure, after the client's own retry. */
  readonly failed: number;
  /** When the first and the last of the failed ones happened. */
  readonly failedFromMs?: number;
  readonly failedToMs?: number;
}

const tallyEveryMs = 200;
const agent = new Agent({ keepAlive: true, maxSockets: 32 });
const tally = { requests: 0, failed: 0, failedFromMs: 0, failedToMs: 0 };
const clients: Rekey[] = [];
const timers: NodeJS.Timeout[] = [];

class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;

  constructor(status: number) {
    super(`the provider answered ${status}`);
    this.status = status;
  }
}

async function start(job: ConsumerJob): Promise<void> {
  for (let index = 1; index <= job.instances; index++) {
    const rekey = createRekey(
      vaultOptions({
        consumer: job.consumer,
        environment: job.environment,
        reportBus: job.reportBus,
        instance: `${job.consumer}-${index}`,
        maxStaleMs: job.maxStaleMs,
        refreshEveryMs: job.refreshEveryMs ?? job.watchEveryMs,
        watchEveryMs: job.watchEveryMs,
      }),
    );
    clients.push(rekey);
    for (const { secret, field, call } of job.keys) {
      const key = await rekey.open({ secret, ...(field !== undefined && { field }) });
      timers.push(setInterval(() => void serve(key, call), 1000 / job.requestsPerSecond));
    }
  }
  timers.push(setInterval(() => tell(), tallyEveryMs));
  process.send?.({ ready: true });
}

/** One request of a user of this program. What they see is what counts. */
async function serve(key: Key, call: ConsumerKey["call"]): Promise<void> {
  tally.requests += 1;
  try {
    await key.use((value) => complete(value, call));
  } catch {
    const now = Date.now();
    tally.failed += 1;
    if (tally.failed === 1) tally.failedFromMs = now;
    tally.failedToMs = now;
  }
}

function complete(value: string, { url, header, scheme }: ConsumerKey["call"]): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: "POST",
        agent,
        headers: { [header]: `${scheme}${value}`, "content-type": "application/json" },
      },
      (incoming) => {
        incoming.resume();
        incoming.on("error", reject);
        incoming.on("end", () => {
          if (incoming.statusCode === 200) resolve();
          else reject(new Refused(incoming.statusCode ?? 0));
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end('{"model":"gpt-fake","messages":[]}');
  });
}

function tell(): void {
  process.send?.({ ...tally } satisfies Tally);
}

async function stop(): Promise<void> {
  for (const timer of timers) clearInterval(timer);
  await Promise.all(clients.map((client) => client.close()));
  tell();
  agent.destroy();
  process.disconnect?.();
}

/** Ctrl-c reaches every process of the terminal; this one ends when its parent says so, or is gone. */
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.on("disconnect", () => process.exit());

process.on("message", (message: ConsumerJob | "stop") => {
  const work = message === "stop" ? stop() : start(message);
  work.catch((error: unknown) => {
    process.send?.({ error: error instanceof Error ? `${error.name}: ${error.message}` : "unknown" });
  });
});
