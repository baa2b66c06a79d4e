import * as z from "zod";
import { loginUrl } from "../azure-openai/settings.ts";
import { secretArnSetting } from "../provider.ts";
import { baseUrlSetting, expiresInDaysSetting, propagationSetting } from "../settings.ts";

export const graphUrl = "https://graph.microsoft.com";

export const AzureAppSettings = z.strictObject({
  /** The very secret that is rotated: a client secret of the application below, which may change its own. */
  adminCredential: secretArnSetting,
  tenant: z.string().regex(/^[A-Za-z0-9.-]{1,128}$/),
  client: z.string().regex(/^[A-Za-z0-9-]{1,128}$/),
  expiresInDays: expiresInDaysSetting,
  graphUrl: baseUrlSetting(graphUrl),
  loginUrl: baseUrlSetting(loginUrl),
  propagation: propagationSetting,
});
export type AzureAppSettings = z.output<typeof AzureAppSettings>;
