import { awsPlatforms } from "../../consumers/reach.ts";
import { evidenceSources } from "../../consumers/sources.ts";
import { type Part, settings } from "./base.ts";
import { elsewhere } from "./elsewhere.ts";

/** Platforms that are asked whether they replaced every instance. */
export const sourcesPart: Part = (base) => ({
  sources: evidenceSources({ reach: awsPlatforms(elsewhere(base)), allowed: settings().refreshAllowed }),
});
