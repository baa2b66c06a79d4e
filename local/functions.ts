import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import type { LogLine } from "../functions/deps.ts";
import type { LambdaFunction } from "./aws/lambda.ts";

export interface Call {
  readonly id: number;
  readonly name: string;
  readonly event: unknown;
  readonly context: {
    readonly awsRequestId: string;
    readonly functionName: string;
    readonly deadlineMs: number;
  };
}

export type Reply =
  | { readonly names: readonly string[] }
  | { readonly id: number; readonly result: string }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };

export interface Functions {
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  close(): Promise<void>;
}

/**
 * The project's functions, in a thread of their own with the environment that AWS would give them. What they
 * print is their log and reaches `onLog`, not the terminal.
 */
export async function startFunctions(options: {
  readonly env: Readonly<Record<string, string>>;
  onLog(line: LogLine): void;
}): Promise<Functions> {
  const worker = new Worker(new URL("./functions-worker.ts", import.meta.url), {
    env: { ...process.env, ...options.env },
    stdout: true,
  });
  createInterface({ input: worker.stdout }).on("line", (line) => options.onLog(parseLine(line)));
  let isClosed = false;
  const closing = Object.assign(new Error("the local cloud is closing"), { name: "ServiceException" });
  const waiting = new Map<number, (reply: Reply) => void>();
  let calls = 0;
  const names = await new Promise<readonly string[]>((resolve, reject) => {
    worker.on("error", reject);
    worker.on("message", (reply: Reply) => {
      if ("names" in reply) return resolve(reply.names);
      waiting.get(reply.id)?.(reply);
      waiting.delete(reply.id);
    });
  });
  const call = (name: string): LambdaFunction => {
    return (event, { awsRequestId, getRemainingTimeInMillis }) =>
      new Promise((resolve, reject) => {
        calls += 1;
        const id = calls;
        if (isClosed) return reject(closing);
        waiting.set(id, (reply) => {
          if ("result" in reply) resolve(JSON.parse(reply.result));
          if ("error" in reply)
            reject(Object.assign(new Error(reply.error.message), { name: reply.error.name }));
        });
        const deadlineMs = Date.now() + getRemainingTimeInMillis();
        const message: Call = { id, name, event, context: { awsRequestId, functionName: name, deadlineMs } };
        worker.postMessage(message);
      });
  };
  return {
    functions: Object.fromEntries(names.map((name) => [name, call(name)])),
    close: async () => {
      isClosed = true;
      for (const [id, answer] of waiting) answer({ id, error: closing });
      await worker.terminate();
    },
  };
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return { text };
    throw error;
  }
}
