import * as z from "zod";
import { domainOf } from "../../aws/partition.ts";
import { functionVersion } from "../bound-function.ts";
import { ownUrlSetting, propagationSetting } from "../settings.ts";

export const LambdaSettings = z.strictObject({
  function: functionVersion,
  /** Rekey's own role invokes the function. */
  adminCredential: z.never().exactOptional(),
  /** What the function can do; it is asked for nothing else. */
  keys: z.int().min(2).max(100).exactOptional(),
  disable: z.boolean().default(false),
  lastUse: z.boolean().default(false),
  requests: z.boolean().default(false),
  /** Handed to the function with each call: a database's name, a tenant. Never a secret. */
  parameters: z.record(z.string().regex(/^[\w.-]{1,64}$/), z.string().max(1_024)).default({}),
  baseUrl: ownUrlSetting.exactOptional(),
  propagation: propagationSetting,
});
export type LambdaSettings = z.output<typeof LambdaSettings>;

export function regionOf({ function: arn }: Pick<LambdaSettings, "function">): string {
  return arn.split(":")[3] ?? "";
}

export function lambdaUrl(settings: LambdaSettings): string {
  return settings.baseUrl ?? awsUrl(settings);
}

export function awsUrl(settings: LambdaSettings): string {
  const region = regionOf(settings);
  return `https://lambda.${region}.${domainOf(region)}`;
}
