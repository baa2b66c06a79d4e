import * as z from "zod";

/** A secret as people name it: its name in `rekey.yml`, or its ARN. */
export const secretText = z.string().min(1).max(2048);

/** In characters. It has to fit into an audit entry, and on one line of a screen. */
export const reasonMax = 180;

/** Written to the audit log and shown on screens: one line, no control characters. */
export const reasonText = z
  .string()
  .trim()
  .min(1)
  .max(reasonMax)
  .regex(/^\P{Cc}*$/u, "has to be one line, without control characters");
