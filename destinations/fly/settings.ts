import * as z from "zod";
import { originSetting, tokenSetting } from "../destination.ts";

export const flySettings = z.strictObject({
  token: tokenSetting,
  app: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  /** The slug of the organization that the app belongs to. */
  organization: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  origin: originSetting.default("https://api.machines.dev"),
});
