import type { Part } from "../base.ts";
import { once } from "../once.ts";
import { incidentSettings } from "../settings.ts";

/** Every channel that reaches people. */
export const escalator: Part<"escalator"> = (base) => {
  const settings = incidentSettings();
  const loaded = once(async () =>
    (await import("../../adapters/people/people.ts")).peopleEscalator(base, settings),
  );
  return { page: async (page) => (await loaded()).page(page) };
};
