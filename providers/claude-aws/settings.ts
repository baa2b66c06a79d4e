import * as z from "zod";
import { iamUrl, iamUserSettings } from "../iam-settings.ts";
import { expiresInDaysSetting, propagationSetting } from "../settings.ts";

export const ClaudeAwsSettings = z.strictObject({
  ...iamUserSettings,
  /** The workspace that a key is tried in. */
  workspace: z.string().regex(/^[\w-]{1,100}$/),
  expiresInDays: expiresInDaysSetting,
  propagation: propagationSetting,
});
export type ClaudeAwsSettings = z.output<typeof ClaudeAwsSettings>;

const usualKeyUrl = (region: string) => `https://aws-external-anthropic.${region}.api.aws`;

/** Where IAM is asked, and where a key is tried. */
export function urlsOf({ region, baseUrl, keyBaseUrl }: ClaudeAwsSettings) {
  return { iam: baseUrl ?? iamUrl(region), key: keyBaseUrl ?? usualKeyUrl(region) };
}

export function usualUrlsOf({ region }: ClaudeAwsSettings): readonly string[] {
  return [iamUrl(region), usualKeyUrl(region)];
}
