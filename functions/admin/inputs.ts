import * as z from "zod";

/** A secret as people name it: its name in `rekey.yml`, or its ARN. */
export const secretText = z.string().min(1).max(2048);

/** In characters: an audit entry has to hold it, and a screen shows it on one line. */
export const reasonMax = 180;

/** Goes into the audit log and onto screens: one line, no control characters. */
export const reasonText = z
  .string()
  .trim()
  .min(1)
  .max(reasonMax)
  .regex(/^\P{Cc}*$/u, "has to be one line, without control characters");
