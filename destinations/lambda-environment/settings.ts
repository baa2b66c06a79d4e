import * as z from "zod";
import { assumedRole } from "../destination.ts";

export const lambdaEnvironmentSettings = z.strictObject({
  /** The ARN of the function without a version or alias. */
  function: z.string().regex(/^arn:aws[a-z-]{0,16}:lambda:[a-z0-9-]{1,32}:\d{12}:function:[\w-]{1,64}$/),
  /** The alias that callers use; without it they call `$LATEST`. Rekey publishes a version and moves the alias. */
  alias: z
    .string()
    .regex(/^[A-Za-z][\w-]{0,127}$/)
    .optional(),
  role: assumedRole.optional(),
});
