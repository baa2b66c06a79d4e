/** `PageAcknowledged` on the alert bus: a page that somebody acknowledged in Slack or PagerDuty. */
import * as z from "zod";

export const acknowledgementType = "PageAcknowledged";

export const AcknowledgementSchema = z.strictObject({
  channel: z.enum(["slack", "pagerduty"]),
  incidentId: z.string().regex(/^i-[\w-]{1,80}$/),
  /** The user as the channel knows them. It is no AWS principal, so it never counts as a second person. */
  by: z.string().regex(/^(?:slack|pagerduty):[\w/-]{1,130}$/),
  saidAtMs: z.int().nonnegative(),
});
export type Acknowledgement = z.output<typeof AcknowledgementSchema>;
