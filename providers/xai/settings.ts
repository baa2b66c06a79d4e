import * as z from "zod";
import { secretArnSetting } from "../provider.ts";
import { baseUrlSetting, idSetting, propagationSetting } from "../settings.ts";

export const xaiUrls = { management: "https://management-api.x.ai", api: "https://api.x.ai" } as const;

export const XaiSettings = z.strictObject({
  adminCredential: secretArnSetting,
  team: idSetting,
  /** What new keys may do; without it, what the retiring key may. A key without any can do nothing. */
  acls: z
    .array(z.string().regex(/^api-key:[a-z]{1,32}:[A-Za-z0-9*._-]{1,128}$/))
    .min(1)
    .max(64)
    .exactOptional(),
  managementUrl: baseUrlSetting(xaiUrls.management),
  apiUrl: baseUrlSetting(xaiUrls.api),
  propagation: propagationSetting,
});
export type XaiSettings = z.output<typeof XaiSettings>;
