import type { Demonstration } from "./demonstration.ts";
import type { Ending } from "./ending.ts";
import { nameRunning } from "./running.ts";
import type { Screen } from "./screen.ts";

/** Keeps the cloud, the provider and the traffic alive until somebody ends them. */
export async function stay(
  company: Demonstration,
  { shown, ending }: { readonly shown: Screen; readonly ending: Ending },
): Promise<never> {
  const forget = nameRunning(company.cloud.env("owner"));
  ending.before(async () => forget());
  ending.isWanted();
  shown.say(`the local cloud stays at ${company.cloud.url}; in another terminal:`);
  shown.say('  eval "$(npm run -s env)"');
  shown.say("  npm run -s rekey -- status");
  shown.say(`the console page, if no browser has opened it yet: ${company.page}`);
  shown.say("end it with ctrl-c");
  return new Promise(() => {});
}
