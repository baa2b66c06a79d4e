import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { bundleFunctions } from "../build.ts";
import type { LogLine } from "../functions/deps.ts";
import type { LambdaFunction } from "./aws/lambda.ts";

export interface Call {
  readonly id: number;
  readonly event: unknown;
  readonly context: {
    readonly awsRequestId: string;
    readonly functionName: string;
    readonly deadlineMs: number;
  };
}

export type Reply =
  | { readonly id: number; readonly result: string }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };

/** One function as the template has it: `dist/open-rotation.handler`, with the environment that is its own. */
export interface DeployedFunction {
  readonly handler: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether what it prints reaches its log. */
  readonly isLogged: boolean;
}

export interface Functions {
  /** By the name it is deployed under. */
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  close(): Promise<void>;
}

interface Hosting {
  /** Where the bundles lie. */
  readonly folder: string;
  onLog(line: LogLine): void;
}

/**
 * The deployed functions, from the bundles that the package ships. Each has a thread of its own, started at its first
 * call, with its own environment and nothing of this process's. What it prints is its log and reaches `onLog`.
 */
export async function startFunctions(
  deployed: Readonly<Record<string, DeployedFunction>>,
  { onLog }: Pick<Hosting, "onLog">,
): Promise<Functions> {
  const folder = mkdtempSync(join(tmpdir(), "rekey-functions-"));
  await bundleFunctions(folder);
  const threads = Object.entries(deployed).map(
    ([name, given]) => [name, new Thread(given, { folder, onLog })] as const,
  );
  return {
    functions: Object.fromEntries(threads.map(([name, thread]) => [name, thread.call])),
    close: async () => {
      await Promise.all(threads.map(([, thread]) => thread.close()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One function's thread. */
class Thread {
  readonly #given: DeployedFunction;
  readonly #hosting: Hosting;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #worker: Worker | undefined;
  #isClosed = false;
  #calls = 0;

  constructor(given: DeployedFunction, hosting: Hosting) {
    this.#given = given;
    this.#hosting = hosting;
  }

  readonly call: LambdaFunction = (event, { awsRequestId, functionName, getRemainingTimeInMillis }) =>
    new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(closing());
      this.#calls += 1;
      const id = this.#calls;
      this.#waiting.set(id, (reply) => {
        if ("result" in reply) resolve(JSON.parse(reply.result));
        else reject(Object.assign(new Error(reply.error.message), { name: reply.error.name }));
      });
      const deadlineMs = Date.now() + getRemainingTimeInMillis();
      const message: Call = { id, event, context: { awsRequestId, functionName, deadlineMs } };
      this.#started().postMessage(message);
    });

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#failAll(closing());
    await this.#worker?.terminate();
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const { handler, env, isLogged } = this.#given;
    const [file = "", exported = ""] = handler.replace(/^dist\//, "").split(".");
    const worker = new Worker(new URL("./functions-worker.ts", import.meta.url), {
      env: { ...env },
      stdout: true,
      workerData: { module: pathToFileURL(join(this.#hosting.folder, `${file}.mjs`)).href, exported },
    });
    createInterface({ input: worker.stdout }).on("line", (line) => {
      if (isLogged) this.#hosting.onLog(parseLine(line));
    });
    worker.on("message", (reply: Reply) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
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
