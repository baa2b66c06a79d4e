import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { Worker } from "node:worker_threads";
import type { LogLine } from "../functions/deps.ts";
import type { LambdaFunction } from "./aws/lambda.ts";
import type { GivenCode } from "./code.ts";
import type { StandInHosts } from "./stand-in-hosts.ts";

export interface Call {
  readonly id: number;
  readonly event: unknown;
  readonly context: {
    readonly awsRequestId: string;
    readonly functionName: string;
    readonly functionVersion: string;
    readonly deadlineMs: number;
  };
}

/** What a call took of its thread's processor; the first one's includes loading the bundle. */
interface Spent {
  readonly cpuMs: number;
}

export type Answer =
  | { readonly id: number; readonly result: string }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };

export type Reply = Answer & Spent;

/** One answered call of one function. */
export interface Timed extends Spent {
  readonly functionName: string;
  /** It had to wait until the thread had started and loaded its bundle. */
  readonly isCold: boolean;
  readonly fromMs: number;
  readonly toMs: number;
}

/** One function as the template has it: `dist/open-rotation.handler`, with the environment that is its own. */
export interface DeployedFunction {
  readonly handler: string;
  readonly code: GivenCode;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Whether what it prints reaches its log. */
  isLogged(): boolean;
}

interface Hosting {
  onLog(line: LogLine): void;
  onCall?(call: Timed): void;
  /** Other companies' hosts that are stand-ins here. */
  readonly hosts: StandInHosts;
  /** A call that finds its function's threads busy starts another one, as on AWS, up to this many of a function. */
  readonly threadsMax: number;
}

/**
 * The deployed functions and their published versions. Each has threads of its own, started at its first call, with
 * its own environment and nothing of this process's. What it prints is its log and reaches `onLog`.
 */
export class Functions {
  /** By the name it is deployed under, and by name and version: "admin", "admin:1". */
  readonly functions: Record<string, LambdaFunction> = {};
  readonly timeoutMs: Record<string, number> = {};
  readonly #environments = new Map<string, Environments>();
  readonly #latest = new Map<string, DeployedFunction>();
  /** Oldest first. */
  readonly #published = new Map<string, readonly Published[]>();
  /** Numbers are not used twice, not even for a function that was deleted and made again. */
  readonly #numbers = new Map<string, number>();
  readonly #retiring = new Set<Environments>();
  readonly #hosting: Hosting;

  constructor(hosting: Hosting) {
    this.#hosting = hosting;
  }

  /** Makes the function, or gives it other code and settings; what runs of it goes on. */
  deploy(name: string, given: DeployedFunction): void {
    this.#latest.set(name, given);
    this.#start(name, given);
  }

  /**
   * Keeps the function as it is now under `nextVersion`'s number. Refuses one that is like the newest version: Lambda
   * makes none then, and a deployment that wants one of its own ends there.
   */
  publish(name: string, { version, sha256 }: { readonly version: string; readonly sha256: string }): void {
    const latest = this.#latest.get(name);
    if (latest === undefined) throw new Error(`Function not found: ${name}`);
    if (latest.code.sha256 !== sha256)
      throw new Error(
        `CodeSHA256 (${sha256}) is different from current CodeSHA256 in $LATEST (${latest.code.sha256})`,
      );
    const published = this.#published.get(name) ?? [];
    const newest = published.at(-1);
    if (newest !== undefined && isSame(newest.given, latest))
      throw new Error(
        `A version for this Lambda function exists ( ${newest.version} ). Modify the function to create a new version.`,
      );
    this.#published.set(name, [...published, { version, given: latest }]);
    this.#start(`${name}:${version}`, latest);
  }

  nextVersion(name: string): string {
    const version = (this.#numbers.get(name) ?? 0) + 1;
    this.#numbers.set(name, version);
    return String(version);
  }

  /** A function with all its versions. */
  remove(name: string): void {
    for (const { version } of this.#published.get(name) ?? []) this.removeVersion(name, version);
    this.#latest.delete(name);
    this.#stop(name);
  }

  removeVersion(name: string, version: string): void {
    const published = this.#published.get(name) ?? [];
    this.#published.set(
      name,
      published.filter((each) => each.version !== version),
    );
    this.#stop(`${name}:${version}`);
  }

  /** Ends every thread that has no call to answer: the next call of each function is a cold start again. */
  async chill(): Promise<void> {
    await Promise.all([...this.#environments.values()].map((each) => each.chill()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#environments.values(), ...this.#retiring].map((each) => each.close()));
  }

  #start(key: string, given: DeployedFunction): void {
    this.#stop(key);
    const environments = new Environments(given, this.#hosting);
    this.#environments.set(key, environments);
    this.functions[key] = environments.call;
    this.timeoutMs[key] = given.timeoutMs;
  }

  #stop(key: string): void {
    const environments = this.#environments.get(key);
    this.#environments.delete(key);
    delete this.functions[key];
    delete this.timeoutMs[key];
    if (environments === undefined) return;
    this.#retiring.add(environments);
    void environments.idle().then(() => {
      this.#retiring.delete(environments);
      return environments.close();
    });
  }
}

interface Published {
  readonly version: string;
  readonly given: DeployedFunction;
}

function isSame(one: DeployedFunction, other: DeployedFunction): boolean {
  const settings = ({ handler, code, env, timeoutMs }: DeployedFunction) => ({
    ...{ handler, env, timeoutMs },
    sha256: code.sha256,
  });
  return isDeepStrictEqual(settings(one), settings(other));
}

/** The threads of one function, or of one of its published versions. */
class Environments {
  readonly #given: DeployedFunction;
  readonly #hosting: Hosting;
  readonly #threads: Thread[] = [];

  constructor(given: DeployedFunction, hosting: Hosting) {
    this.#given = given;
    this.#hosting = hosting;
  }

  readonly call: LambdaFunction = (event, context) => this.#thread().call(event, context);

  async chill(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.chill()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  /** Until the last call has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.idle()));
  }

  /** One that has nothing to do, and among these one that has started. */
  #thread(): Thread {
    const idle = this.#threads.filter(({ isIdle }) => isIdle);
    const found = idle.find(({ isStarted }) => isStarted) ?? idle[0];
    if (found !== undefined) return found;
    const [busy] = this.#threads;
    if (busy !== undefined && this.#threads.length >= this.#hosting.threadsMax) return busy;
    const thread = new Thread(this.#given, this.#hosting);
    this.#threads.push(thread);
    return thread;
  }
}

class Thread {
  readonly #given: DeployedFunction;
  readonly #hosting: Hosting;
  readonly #waiting = new Map<number, (reply: Reply | Answer) => void>();
  #worker: Worker | undefined;
  #isClosed = false;
  #calls = 0;
  #onIdle: (() => void) | undefined;

  constructor(given: DeployedFunction, hosting: Hosting) {
    this.#given = given;
    this.#hosting = hosting;
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0;
  }

  get isStarted(): boolean {
    return this.#worker !== undefined;
  }

  readonly call: LambdaFunction = (event, context) =>
    new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(closing());
      this.#calls += 1;
      const id = this.#calls;
      const { awsRequestId, functionName, functionVersion, getRemainingTimeInMillis } = context;
      const timed = { functionName, isCold: this.#worker === undefined, fromMs: Date.now() };
      this.#waiting.set(id, (reply) => {
        if ("cpuMs" in reply) this.#hosting.onCall?.({ ...timed, toMs: Date.now(), cpuMs: reply.cpuMs });
        if ("result" in reply) resolve(JSON.parse(reply.result));
        else reject(Object.assign(new Error(reply.error.message), { name: reply.error.name }));
      });
      const deadlineMs = Date.now() + getRemainingTimeInMillis();
      const given = { awsRequestId, functionName, functionVersion, deadlineMs };
      const message: Call = { id, event, context: given };
      this.#started().postMessage(message);
    });

  async chill(): Promise<void> {
    if (!this.isIdle) return;
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#failAll(closing());
    await this.#worker?.terminate();
  }

  /** Until the last call has ended. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #tellIdle(): void {
    if (!this.isIdle) return;
    this.#onIdle?.();
    this.#onIdle = undefined;
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const { handler, code, env, isLogged } = this.#given;
    const [file = "", exported = ""] = handler.replace(/^dist\//, "").split(".");
    const worker = new Worker(code.worker, {
      env: { ...env },
      stdout: true,
      workerData: {
        ...{ module: pathToFileURL(join(code.folder(), `${file}.mjs`)).href, exported },
        hosts: this.#hosting.hosts,
      },
    });
    createInterface({ input: worker.stdout }).on("line", (line) => {
      if (isLogged()) this.#hosting.onLog(parseLine(line));
    });
    worker.on("message", (reply: Reply) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
      this.#tellIdle();
    });
    worker.on("error", (error) => {
      this.#worker = undefined;
      this.#failAll(error instanceof Error ? error : new Error(String(error)));
    });
    this.#worker = worker;
    return worker;
  }

  #failAll({ name, message }: Error): void {
    for (const [id, answer] of this.#waiting) answer({ id, error: { name, message } });
    this.#waiting.clear();
    this.#tellIdle();
  }
}

function closing(): Error {
  return Object.assign(new Error("the local cloud is closing"), { name: "ServiceException" });
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return { text };
    throw error;
  }
}
