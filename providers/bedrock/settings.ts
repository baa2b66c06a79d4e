import * as z from "zod";
import { endpointOf, iamUrl, iamUserSettings } from "../iam-settings.ts";
import { expiresInDaysSetting, propagationSetting } from "../settings.ts";

export const BedrockSettings = z.strictObject({
  ...iamUserSettings,
  expiresInDays: expiresInDaysSetting,
  propagation: propagationSetting,
});
export type BedrockSettings = z.output<typeof BedrockSettings>;

/** Where IAM is asked, and where a key is tried. */
export function urlsOf({ region, baseUrl, keyBaseUrl }: BedrockSettings) {
  return { iam: baseUrl ?? iamUrl(region), key: keyBaseUrl ?? endpointOf("bedrock", region) };
}

export function usualUrlsOf({ region }: BedrockSettings): readonly string[] {
  return [iamUrl(region), endpointOf("bedrock", region)];
}
