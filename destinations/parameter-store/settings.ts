import * as z from "zod";
import { assumedRole } from "../destination.ts";

export const parameterStoreSettings = z.strictObject({
  /** The ARN of what every parameter's name begins with: it ends with "/", and no parameter has it. */
  parameters: z
    .string()
    .regex(/^arn:aws[a-z-]{0,16}:ssm:[a-z0-9-]{1,32}:\d{12}:parameter\/(?:[\w.-]{1,64}\/){1,10}$/),
  /** The customer managed key of the parameters. Without it Parameter Store uses the account's own, `aws/ssm`. */
  key: z
    .string()
    .regex(/^arn:aws[a-z-]{0,16}:kms:[a-z0-9-]{1,32}:\d{12}:key\/[\w-]{1,64}$/)
    .optional(),
  role: assumedRole.optional(),
});
