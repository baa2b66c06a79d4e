import { once } from "node:events";
import type { Demonstration } from "./demonstration.ts";
import type { Screen } from "./screen.ts";

/** Keeps the cloud, the provider and the traffic alive, and says how another terminal reaches them. */
export async function stayUntilInterrupted(company: Demonstration, shown: Screen): Promise<void> {
  shown.say("the local cloud stays; in another terminal:");
  for (const [name, value] of Object.entries(company.cloud.env("operator")))
    shown.say(`  export ${name}='${value}'`);
  shown.say("then `npm run rekey -- status`, or the AWS CLI; end with ctrl-c");
  const stop = new AbortController();
  await Promise.race([
    once(process, "SIGINT", { signal: stop.signal }),
    once(process, "SIGTERM", { signal: stop.signal }),
  ]);
  stop.abort();
}
