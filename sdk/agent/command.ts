import type { Environment } from "../client/credentials.ts";
import type { Manual } from "../host/arguments.ts";
import { startAgent } from "./agent.ts";
import { agentOptions, settingsFrom } from "./settings.ts";

export const agentManual: Manual = {
  usage: "agent --consumer NAME --secret ARN[#FIELD] ...",
  says:
    "Serves the listed secrets on 127.0.0.1 to programs in any language, keeps them current while they are rotated, " +
    "and reports which version it served. Requests are those of AWS's Secrets Manager agent. " +
    "SIGHUP reads everything anew.",
  table: agentOptions,
};

/** Runs until a signal ends it; answers with the exit code. Log lines go to stdout, one JSON object each. */
export async function runAgent(args: readonly string[], env: Environment): Promise<number> {
  const log = (line: object): void => console.log(JSON.stringify(line));
  const settings = settingsFrom(args, env);
  const ended = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
  const agent = await startAgent(settings, { env, log });
  process.on("SIGHUP", () => void agent.refresh());
  const { consumer, secrets, tokenFile } = settings;
  log({ event: "serving", consumer, port: agent.port, secrets: secrets.length, tokenFile });
  const signal = await ended;
  await agent.stop();
  log({ event: "stopped", consumer, signal });
  return 0;
}
