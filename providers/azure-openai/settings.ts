import * as z from "zod";
import { secretArnSetting } from "../provider.ts";
import { baseUrlSetting, propagationSetting } from "../settings.ts";

export const managementUrl = "https://management.azure.com";
export const loginUrl = "https://login.microsoftonline.com";

export const AzureOpenAiSettings = z.strictObject({
  /** The client secret of the application below. */
  adminCredential: secretArnSetting,
  tenant: z.string().regex(/^[A-Za-z0-9.-]{1,128}$/),
  client: z.string().regex(/^[A-Za-z0-9-]{1,128}$/),
  subscription: z.string().regex(/^[0-9a-fA-F-]{36}$/),
  group: z.string().regex(/^[A-Za-z0-9_-]{1,90}$/),
  account: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{1,63}$/),
  /** True: nothing but Rekey gives out the idle place's key, so it may be overwritten. */
  idleIsFree: z.boolean().default(false),
  /** Where consumers send their requests; a wrong one answers 401 to a live key. */
  endpoint: baseUrlSetting("https://unset.invalid").exactOptional(),
  verifyPath: z
    .string()
    .regex(/^\/openai\/[A-Za-z0-9/._?=&-]{1,200}$/)
    .default("/openai/deployments?api-version=2023-03-15-preview"),
  apiVersion: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}(?:-preview)?$/)
    .default("2024-10-01"),
  managementUrl: baseUrlSetting(managementUrl),
  loginUrl: baseUrlSetting(loginUrl),
  propagation: propagationSetting,
});
export type AzureOpenAiSettings = z.output<typeof AzureOpenAiSettings>;

export function endpointOf({ endpoint, account }: AzureOpenAiSettings): string {
  return endpoint ?? `https://${account}.openai.azure.com`;
}
