import * as z from "zod";
import { secretArnSetting } from "../provider.ts";
import { baseUrlSetting, expiresInDaysSetting, idSetting, propagationSetting } from "../settings.ts";

export const mistralUrls = {
  admin: "https://console.mistral.ai/api/admin",
  api: "https://api.mistral.ai",
} as const;

export const MistralSettings = z.strictObject({
  adminCredential: secretArnSetting,
  /** Keys of other workspaces are never listed or deleted. */
  workspace: idSetting,
  /** Who owns the minted keys. */
  user: idSetting,
  expiresInDays: expiresInDaysSetting,
  /** Mistral's pages name both ways to send the admin key. */
  adminHeader: z.enum(["x-api-key", "authorization"]).default("x-api-key"),
  adminUrl: baseUrlSetting(mistralUrls.admin),
  apiUrl: baseUrlSetting(mistralUrls.api),
  propagation: propagationSetting,
});
export type MistralSettings = z.output<typeof MistralSettings>;
