import * as z from "zod";
import { secretArnSetting } from "../provider.ts";
import { baseUrlSetting, expiresInDaysSetting, propagationSetting } from "../settings.ts";

export const openAiUrl = "https://api.openai.com/v1";

export const OpenAiAdminSettings = z.strictObject({
  /** The very secret that is rotated: an admin key makes the next one, and lists and deletes them. */
  adminCredential: secretArnSetting,
  baseUrl: baseUrlSetting(openAiUrl),
  expiresInDays: expiresInDaysSetting,
  propagation: propagationSetting,
});
export type OpenAiAdminSettings = z.output<typeof OpenAiAdminSettings>;
