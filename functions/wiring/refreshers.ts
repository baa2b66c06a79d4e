import { awsReach } from "../../consumers/queues.ts";
import { refreshers } from "../../consumers/refreshers.ts";
import { type Part, settings } from "./base.ts";
import { elsewhere } from "./elsewhere.ts";

/** What makes consumers pick up the incoming key. */
export const refreshersPart: Part = (base) => ({
  refreshers: refreshers({ reach: awsReach(elsewhere(base)), allowed: settings().refreshAllowed }),
});
