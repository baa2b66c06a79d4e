import * as z from "zod";

/** A secret as people name it: its name in `rekey.yml`, or its ARN. */
export const secretText = z.string().min(1).max(2048);

/** Goes into the audit log and onto screens: one line, no control characters. */
export const reasonText = z
  .string()
  .trim()
  .min(1)
  .max(180)
  .regex(/^\P{Cc}*$/u);
