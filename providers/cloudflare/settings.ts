import * as z from "zod";
import { secretArnSetting } from "../provider.ts";
import { baseUrlSetting, expiresInDaysSetting, idSetting, propagationSetting } from "../settings.ts";

export const cloudflareUrl = "https://api.cloudflare.com/client/v4";

const resourceName = z.string().min(1).max(256);

/** One access policy of a token; a field that is not known here is kept as it is. */
export const AccessPolicy = z.looseObject({
  effect: z.enum(["allow", "deny"]),
  permission_groups: z.array(z.looseObject({ id: idSetting })).max(500),
  resources: z.record(
    resourceName,
    z.union([z.string().max(256), z.record(resourceName, z.string().max(256))]),
  ),
});
export type AccessPolicy = z.output<typeof AccessPolicy>;

/** From where a token may be used. */
export const Condition = z.looseObject({});

export const CloudflareSettings = z.strictObject({
  adminCredential: secretArnSetting,
  account: idSetting,
  /** Without it, those of the retiring token. */
  policies: z.array(AccessPolicy).min(1).max(100).exactOptional(),
  /** Without it, that of the retiring token; `null` lifts it. */
  condition: Condition.nullable().exactOptional(),
  expiresInDays: expiresInDaysSetting,
  baseUrl: baseUrlSetting(cloudflareUrl),
  propagation: propagationSetting,
});
export type CloudflareSettings = z.output<typeof CloudflareSettings>;
