import * as z from "zod";
import { secretArnSetting } from "../provider.ts";
import { baseUrlSetting, expiresInDaysSetting, idSetting, propagationSetting } from "../settings.ts";

export const openRouterUrl = "https://openrouter.ai/api/v1";

export const OpenRouterSettings = z.strictObject({
  adminCredential: secretArnSetting,
  /** Without it, the default workspace. */
  workspace: idSetting.exactOptional(),
  /** In US dollars; without it, the retiring key's. `null` lifts the limit. */
  limit: z.number().min(0).max(1e9).nullable().exactOptional(),
  limitReset: z.enum(["daily", "weekly", "monthly"]).nullable().exactOptional(),
  expiresInDays: expiresInDaysSetting,
  baseUrl: baseUrlSetting(openRouterUrl),
  propagation: propagationSetting,
});
export type OpenRouterSettings = z.output<typeof OpenRouterSettings>;
