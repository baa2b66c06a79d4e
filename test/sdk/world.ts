import { createHash } from "node:crypto";
import FakeTimers from "@sinonjs/fake-timers";
import type { Clock, Timer } from "../../sdk/client/clock.ts";
import {
  type Calls,
  type ConsumerReport,
  createRekey,
  type Key,
  type Reading,
  type Rekey,
  type RekeyOptions,
  type ReportEntry,
  type Transport,
  UpstreamUnavailable,
} from "../../sdk/client/index.ts";

export const secretArn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:billing-AbCdEf";

export const fingerprintOf = (text: string): string =>
  `sha256:${createHash("sha256").update(text).digest("hex")}`;

/** Virtual time on both clocks; `freeze` lets only the wall clock pass, as a frozen sandbox does. */
export class VirtualTime {
  readonly timers = FakeTimers.createClock(1_760_000_000_000);
  frozenMs = 0;

  readonly clock: Clock = {
    wallMs: () => this.timers.now + this.frozenMs,
    monotonicMs: () => this.timers.performance.now(),
    setTimeout: (run, delayMs) => this.timers.setTimeout(run, delayMs) as Timer,
    clearTimeout: (timer) => this.timers.clearTimeout(timer as never),
  };

  async pass(ms: number): Promise<void> {
    await this.timers.tickAsync(ms);
  }

  freeze(ms: number): void {
    this.frozenMs += ms;
  }
}

type Fault = "none" | "down" | "hung" | "denied";

const callNames = {
  "secretsmanager.GetSecretValue": "get",
  "secretsmanager.DescribeSecret": "describe",
  "AWSEvents.PutEvents": "report",
} as const;

/** Secrets Manager and the report bus, with state and with faults on request. */
export class FakeUpstream {
  readonly calls: string[] = [];
  readonly entries: ReportEntry[] = [];
  readonly values = new Map<string, string>();
  stages: Record<string, string[]> = {};
  fault: Fault = "none";
  describeFault: Fault = "none";
  busFault: Fault = "none";
  latencyMs = 20;
  readonly #time: VirtualTime;

  constructor(time: VirtualTime) {
    this.#time = time;
    this.put("v1", "FAKE-key-1");
  }

  /** A new version becomes current, as PromoteVersion makes it: the retiring one is pinned until `closeRotation`. */
  put(versionId: string, text: string): void {
    const before = this.current();
    if (before) this.stages[before] = ["AWSPREVIOUS", "REKEY_RETIRING"];
    this.values.set(versionId, text);
    this.stages[versionId] = ["AWSCURRENT"];
  }

  closeRotation(): void {
    for (const [id, labels] of Object.entries(this.stages)) {
      this.stages[id] = labels.filter((label) => label !== "REKEY_RETIRING");
    }
  }

  current(): string | undefined {
    return Object.keys(this.stages).find((id) => this.stages[id]?.includes("AWSCURRENT"));
  }

  count(call: string): number {
    return this.calls.filter((made) => made === call).length;
  }

  reports(): ConsumerReport[] {
    return this.entries.map((entry) => JSON.parse(entry.Detail) as ConsumerReport);
  }

  readonly transport = (async (target: keyof Calls, input: object, signal: AbortSignal): Promise<unknown> => {
    const name = callNames[target];
    this.calls.push(name);
    const faults = { get: this.fault, describe: this.fault === "none" ? this.describeFault : this.fault };
    await this.#obey(name === "report" ? this.busFault : faults[name], signal);
    if (name === "describe") return { VersionIdsToStages: structuredClone(this.stages) };
    if (name === "get") return this.#read((input as { VersionId?: string }).VersionId);
    this.entries.push((input as Calls["AWSEvents.PutEvents"]["input"]).Entries[0]);
    return { FailedEntryCount: 0 };
  }) as Transport;

  #read(VersionId = this.current() ?? "none"): Reading {
    const text = this.values.get(VersionId);
    if (text === undefined) throw new UpstreamUnavailable("notFound", { code: "ResourceNotFoundException" });
    const VersionStages = this.stages[VersionId] ?? [];
    return { ARN: secretArn, Name: "billing", VersionId, SecretString: text, VersionStages };
  }

  async #obey(fault: Fault, signal: AbortSignal): Promise<void> {
    if (fault === "hung") {
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }
    if (this.latencyMs > 0) {
      await new Promise<void>((resolve) => this.#time.clock.setTimeout(resolve, this.latencyMs));
    }
    if (fault === "down") throw new UpstreamUnavailable("server", { status: 503 });
    if (fault === "denied") throw new UpstreamUnavailable("denied", { code: "AccessDeniedException" });
  }
}

/** A provider that knows which keys are alive and remembers which were used. */
export class FakeProvider {
  readonly alive = new Set(["FAKE-key-1", "FAKE-key-2", "FAKE-key-3"]);
  readonly seen: string[] = [];

  readonly call = async (key: string): Promise<string> => {
    this.seen.push(key);
    if (this.alive.has(key)) return "answer";
    throw Object.assign(new Error("refused"), { status: 401 });
  };
}

export class ConsumerWorld {
  readonly time = new VirtualTime();
  readonly upstream = new FakeUpstream(this.time);
  readonly provider = new FakeProvider();
  readonly rekey: Rekey;

  constructor(options: Partial<RekeyOptions> = {}) {
    this.rekey = createRekey({
      consumer: "billing",
      environment: "production",
      transport: this.upstream.transport,
      clock: this.time.clock,
      random: () => 0.5,
      instance: "instance-1",
      startId: "start-1",
      ...options,
    });
  }

  /** Runs `work` while virtual time goes by, and answers what it came to. */
  async during<T>(work: Promise<T>, ms = 10_000): Promise<T> {
    const settled = work.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    await this.time.pass(ms);
    const result = await settled;
    if ("error" in result) throw result.error;
    return result.value;
  }

  async open(): Promise<Key> {
    return this.during(this.rekey.open({ secret: secretArn }), 200);
  }
}
