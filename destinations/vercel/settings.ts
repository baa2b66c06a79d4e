import * as z from "zod";
import { originSetting, tokenSetting } from "../destination.ts";

export const vercelSettings = z.strictObject({
  token: tokenSetting,
  /** The id, never the name: a name can later be another project's. */
  project: z.string().regex(/^prj_\w{1,64}$/),
  /** The team's id, which is the account that the project belongs to. */
  team: z.string().regex(/^team_\w{1,64}$/),
  /** There is no default: a forgotten environment is how keys end up in the wrong one. */
  target: z.enum(["production", "preview"]),
  /** A record that is also another environment's is split: theirs keeps the value that it has. */
  split: z.boolean().default(false),
  origin: originSetting.default("https://api.vercel.com"),
});
