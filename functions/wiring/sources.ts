import { awsPlatforms } from "../consumers/reach.ts";
import { evidenceSources } from "../consumers/sources.ts";
import { type Part, settings } from "./wiring.ts";
import { elsewhere } from "./wiring-elsewhere.ts";

/** Platforms that are asked whether they replaced every instance. */
export const sourcesPart: Part = (base) => ({
  sources: evidenceSources({ reach: awsPlatforms(elsewhere(base)), allowed: settings().refreshAllowed }),
});
