import { awsPlatforms } from "../../../consumers/reach.ts";
import { evidenceSources } from "../../../consumers/sources.ts";
import type { Part } from "../base.ts";
import { settings, workloadRoles } from "../settings.ts";
import { elsewhere } from "./elsewhere.ts";

/** Platforms that are asked whether they replaced every instance. */
export const sources: Part<"sources"> = (base) =>
  evidenceSources({
    reach: awsPlatforms(elsewhere(base), workloadRoles()),
    allowed: settings().refreshAllowed,
  });
