import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ConsumerReport } from "../../events/consumer-report.ts";
import { buildHost } from "../../sdk/host/build.ts";
import { AwsStub } from "./aws-stub.ts";

/** Real processes take real time, also on a machine that is busy. */
export async function until<T>(what: string, look: () => T | undefined | false, maxMs = 15_000): Promise<T> {
  const endMs = performance.now() + maxMs;
  while (performance.now() < endMs) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await pause(25);
  }
  throw new Error(`still waiting for ${what}`);
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  out(): string;
  err(): string;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** The bundle of `rekey exec` and `rekey agent`, run as a user runs it, against Secrets Manager and a bus on loopback. */
export class HostWorld {
  readonly aws: AwsStub;
  readonly folder: string;
  readonly bundle: string;
  readonly #started: Running[] = [];

  private constructor(aws: AwsStub, { folder, bundle }: { folder: string; bundle: string }) {
    this.aws = aws;
    this.folder = folder;
    this.bundle = bundle;
  }

  static async create(bundle: string): Promise<HostWorld> {
    const folder = await mkdtemp(join(tmpdir(), "rekey-host-"));
    return new HostWorld(await new AwsStub().start(), { folder, bundle });
  }

  /** The key is rotated: another version is current. */
  rotate(versionId = "v2", value = "FAKE-key-2"): void {
    this.aws.versionId = versionId;
    this.aws.value = value;
  }

  env(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "",
      AWS_ENDPOINT_URL: this.aws.endpoint,
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "AKIDFAKE",
      AWS_SECRET_ACCESS_KEY: "FAKE-secret",
      AWS_SESSION_TOKEN: "FAKE-session",
      REKEY_REPORT_BUS: "reports",
      REKEY_CONSUMER: "billing",
      ...more,
    };
  }

  run(
    args: readonly string[],
    options: SpawnOptions & { more?: Readonly<Record<string, string>> } = {},
  ): Running {
    const { more, ...given } = options;
    const child = spawn(process.execPath, [this.bundle, ...args], {
      env: this.env(more),
      stdio: ["ignore", "pipe", "pipe"],
      ...given,
    });
    let [out, err] = ["", ""];
    child.stdout?.on("data", (text) => {
      out += String(text);
    });
    child.stderr?.on("data", (text) => {
      err += String(text);
    });
    const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    const running: Running = { child, pid: child.pid ?? 0, out: () => out, err: () => err, ended };
    this.#started.push(running);
    return running;
  }

  /** `rekey exec` that looks for a rotation many times a second. */
  exec(
    flags: readonly string[],
    command: readonly string[],
    options: Parameters<HostWorld["run"]>[1] = {},
  ): Running {
    const quick = ["--refresh", "100ms", "--spread", "50ms", "--grace", "2s"];
    return this.run(["exec", "--secret", this.aws.arn, ...quick, ...flags, "--", ...command], options);
  }

  reports(): readonly ConsumerReport[] {
    return this.aws.calls
      .filter(({ target }) => target === "AWSEvents.PutEvents")
      .map(({ body }) =>
        ConsumerReport.parse(JSON.parse((body["Entries"] as [{ Detail: string }])[0].Detail)),
      );
  }

  /** Versions in the order in which they were reported to be held, and how it ended. */
  told(): readonly string[] {
    const all = this.reports().map(({ holds, cause }) =>
      cause === "stopping" ? "stopping" : holds.versionId,
    );
    return all.filter((each, at) => each !== all[at - 1]);
  }

  async close(): Promise<void> {
    for (const { child } of this.#started) {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    }
    await Promise.all(this.#started.map(({ ended }) => ended));
    await this.aws.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A process that exists and is no zombie. */
export function lives(pid: number | string): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/** One bundle for all tests of a file. */
export async function bundleOnce(): Promise<{ bundle: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "rekey-bundle-"));
  const bundle = await buildHost(join(folder, "rekey.mjs"));
  return { bundle, remove: () => rm(folder, { recursive: true, force: true }) };
}
