import type { Lasting } from "./what.ts";
import {
  attesting,
  declaringFalseAlarm,
  fields,
  forgetting,
  leaving,
  overwriting,
  stopping,
  switchingFirst,
  undoingQuarantine,
  unfreezing,
  waiving,
} from "./what-it-does.ts";

/** Orders that can do lasting harm, one row each: they wait for a second person (O7). docs/orders.md has the same list. */
export const lasting: Readonly<Record<string, Lasting>> = {
  "incident-waive": waiving,
  "incident-false-alarm": declaringFalseAlarm,
  "incident-undo-quarantine": undoingQuarantine,
  "incident-switch-first": switchingFirst,
  stop: stopping,
  attest: attesting,
  forget: forgetting,
  release: unfreezing,
  overwrite: overwriting,
  leave: leaving,
  retire: fields("secret", "reason"),
  issue: async (given, deps) => (await import("./issuing.ts")).issuing(given, deps),
  campaign: async (given, deps) => (await import("./campaigning.ts")).campaigning(given, deps),
  "campaign-clean": fields("destination", "reason"),
  "campaign-resume": async (given, deps) =>
    (await import("./resuming-campaign.ts")).resumingCampaign(given, deps),
  // Reads policy files, which is much to load for the other orders.
  apply: async (given, deps) => (await import("./applying.ts")).applying(given, deps),
};

/** What one person may do alone, at once: everybody is paged, and the record says that it was done alone. */
export const alone: ReadonlySet<string> = new Set(["hold", "stop", "incident-contain-now"]);
