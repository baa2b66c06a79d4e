import * as z from "zod";
import { secretArnSetting } from "../provider.ts";
import { baseUrlSetting, propagationSetting } from "../settings.ts";

export const googleUrls = {
  keys: "https://apikeys.googleapis.com",
  gemini: "https://generativelanguage.googleapis.com",
  token: "https://oauth2.googleapis.com",
  monitoring: "https://monitoring.googleapis.com",
} as const;

const accountEmail = z.string().regex(/^[a-z0-9-]{1,64}@[a-z0-9.-]{1,128}\.gserviceaccount\.com$/);
const service = z.string().regex(/^[a-z0-9-]{1,63}\.googleapis\.com$/);

export const GoogleSettings = z.strictObject({
  /** The private key (PEM) of the service account that Rekey acts as. */
  adminCredential: secretArnSetting,
  manager: accountEmail,
  /** The project's id or number. */
  project: z.string().regex(/^[a-z0-9][a-z0-9-]{4,40}$/),
  /** Whom new keys are bound to; without it, whom the retiring key is bound to. */
  serviceAccount: accountEmail.exactOptional(),
  /** What a new key may call where there is no key to copy it from. */
  apiTargets: z.array(service).min(1).max(16).default(["generativelanguage.googleapis.com"]),
  /** `countTokens` of this model proves a key; listing models can work with a key that may not be used. */
  model: z
    .string()
    .regex(/^[a-z0-9.-]{1,64}$/)
    .default("gemini-2.5-flash"),
  keysUrl: baseUrlSetting(googleUrls.keys),
  geminiUrl: baseUrlSetting(googleUrls.gemini),
  tokenUrl: baseUrlSetting(googleUrls.token),
  monitoringUrl: baseUrlSetting(googleUrls.monitoring),
  propagation: propagationSetting,
});
export type GoogleSettings = z.output<typeof GoogleSettings>;
