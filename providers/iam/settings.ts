import * as z from "zod";
import { endpointOf, iamUrl, iamUserSettings } from "../iam-settings.ts";
import { propagationSetting } from "../settings.ts";

export const IamSettings = z.strictObject({ ...iamUserSettings, propagation: propagationSetting });
export type IamSettings = z.output<typeof IamSettings>;

/** Where IAM is asked, and where a pair is tried. */
export function urlsOf({ region, baseUrl, keyBaseUrl }: IamSettings) {
  return { iam: baseUrl ?? iamUrl(region), key: keyBaseUrl ?? endpointOf("sts", region) };
}

export function usualUrlsOf({ region }: IamSettings): readonly string[] {
  return [iamUrl(region), endpointOf("sts", region)];
}
