import * as z from "zod";
import { assumedRole } from "../destination.ts";

export const secretsManagerSettings = z.strictObject({
  /** The full ARN of the secret that gets the copy; its Region is the ARN's. */
  secret: z
    .string()
    .regex(
      /^arn:aws[a-z-]{0,16}:secretsmanager:[a-z0-9-]{1,32}:\d{12}:secret:[\w/+=.@-]{1,512}-[A-Za-z0-9]{6}$/,
    ),
  /** `json`: the copy is one field of a JSON object. `text`: it is the whole value. */
  holds: z.enum(["json", "text"]).default("json"),
  role: assumedRole.optional(),
});
