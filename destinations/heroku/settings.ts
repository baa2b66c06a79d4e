import * as z from "zod";
import { originSetting, tokenSetting } from "../destination.ts";

export const herokuSettings = z.strictObject({
  token: tokenSetting,
  /** The app's id, never its name: a name can later be another app's. */
  app: z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  origin: originSetting.default("https://api.heroku.com"),
});
