import { awsReach } from "../../../consumers/queues.ts";
import { refreshers as everyRefresher } from "../../../consumers/refreshers.ts";
import type { Part } from "../base.ts";
import { settings, workloadRoles } from "../settings.ts";
import { elsewhere } from "./elsewhere.ts";

/** What makes consumers pick up the incoming key. */
export const refreshers: Part<"refreshers"> = (base) =>
  everyRefresher({ reach: awsReach(elsewhere(base), workloadRoles()), allowed: settings().refreshAllowed });
