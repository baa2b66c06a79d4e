import * as z from "zod";
import { originSetting, tokenSetting } from "../destination.ts";

export const cloudflareWorkersSettings = z.strictObject({
  token: tokenSetting,
  account: z.string().regex(/^[0-9a-f]{32}$/),
  /** The script's whole name: `wrangler --env production` makes `shop-production` of `shop`. */
  script: z.string().regex(/^[a-z0-9_][a-z0-9-_]{0,62}$/),
  origin: originSetting.default("https://api.cloudflare.com"),
});
