import * as z from "zod";
import { parseDuration } from "../../core/duration.ts";
import { originSetting, tokenSetting } from "../destination.ts";

export const gitlabCiSettings = z.strictObject({
  token: tokenSetting,
  /** The project's number, never its path: a path can later be another project's. */
  project: z.int().positive(),
  /** The environment scope of the variable: there is no default, because `*` is every environment. */
  scope: z.string().regex(/^[\w./-]{1,255}$|^\*$/),
  /** Of a variable that Rekey makes; one that is there keeps what it has. GitLab's own page also begins with these. */
  masked: z.boolean().default(true),
  protected: z.boolean().default(true),
  /** No job runs for longer. */
  longestRun: z
    .string()
    .refine((text) => parseDuration(text) !== undefined)
    .default("1h"),
  origin: originSetting.default("https://gitlab.com"),
});
