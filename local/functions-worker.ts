import { parentPort } from "node:worker_threads";
import type { Context } from "aws-lambda";
import type { Handler } from "../functions/step.ts";
import { handlerFiles } from "../serverless/handlers.ts";
import type { Call, Reply } from "./functions.ts";

const folder = new URL("../functions/", import.meta.url);

/** A function is a file that exports a handler; its name is the file's. */
const handlers = new Map<string, Handler>();
for (const [name, file] of handlerFiles()) {
  const module: { handler?: Handler } = await import(new URL(file, folder).href);
  if (module.handler !== undefined) handlers.set(name, module.handler);
}

function send(reply: Reply): void {
  parentPort?.postMessage(reply);
}

async function answer({ id, name, event, context }: Call): Promise<Reply> {
  const handler = handlers.get(name);
  if (handler === undefined) return { id, error: { name: "ResourceNotFoundException", message: name } };
  try {
    const deadlineMs = context.deadlineMs;
    const given = { ...context, getRemainingTimeInMillis: () => deadlineMs - Date.now() };
    return { id, result: JSON.stringify((await handler(event, given as unknown as Context)) ?? null) };
  } catch (error) {
    const { name: type, message } =
      error instanceof Error ? error : new Error("a function threw what is no error");
    return { id, error: { name: type, message } };
  }
}

parentPort?.on("message", (call: Call) => {
  answer(call).then(send, () => process.exit(1));
});
send({ names: [...handlers.keys()] });
