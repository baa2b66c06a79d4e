import * as z from "zod";
import type { PropagationProfile, ProviderCapabilities } from "../../core/ports.ts";
import { activateMsMax } from "../../core/rotation/incoming.ts";
import { secretArnSetting } from "../provider.ts";
import { whyNotAddress } from "../why-not-address.ts";

const DAY_MAX = 365;
const PROPAGATION_MS_MAX = 24 * 60 * 60 * 1000;

const milliseconds = z.int().min(0).max(PROPAGATION_MS_MAX).exactOptional();

/** The usage endpoints that count requests; each one costs a call per question. */
export const UsageFamily = z.enum([
  "completions",
  "embeddings",
  "moderations",
  "images",
  "audio_speeches",
  "audio_transcriptions",
]);
export type UsageFamily = z.output<typeof UsageFamily>;

export const OpenAiSettings = z.strictObject({
  adminCredential: secretArnSetting,
  project: z.string().regex(/^proj_[A-Za-z0-9_-]{1,64}$/),
  /** Who owns the minted keys. Without it nothing is minted: OpenAI has no API that makes keys for people. */
  serviceAccount: z
    .string()
    .regex(/^(?:user-|svc)[A-Za-z0-9_-]{1,120}$/)
    .exactOptional(),
  baseUrl: z.string().refine(isBaseUrl).default("https://api.openai.com/v1"),
  /** Never empty: to OpenAI an empty list means unrestricted. */
  scopes: z
    .array(z.string().regex(/^[a-z0-9._-]{1,64}$/))
    .min(1)
    .max(64)
    .exactOptional(),
  expiresInDays: z.int().min(1).max(DAY_MAX).exactOptional(),
  usageFamilies: z.array(UsageFamily).min(1).max(UsageFamily.options.length).default(["completions"]),
  propagation: z
    .strictObject({
      activateMs: z.int().min(0).max(activateMsMax).exactOptional(),
      dieMs: milliseconds,
      deadProbes: z.int().min(1).max(100).exactOptional(),
      deadWindowMs: milliseconds,
      probeEveryMs: z.int().min(1).max(PROPAGATION_MS_MAX).exactOptional(),
      usageLagMs: milliseconds,
    })
    .default({}),
});
export type OpenAiSettings = z.output<typeof OpenAiSettings>;

/** OpenAI documents none of these. They are what other providers measured, rounded up (README). */
export const OPENAI_PROPAGATION: PropagationProfile = {
  activateMs: 60_000,
  dieMs: 10 * 60_000,
  deadProbes: 5,
  deadWindowMs: 60_000,
  probeEveryMs: 15_000,
  usageLagMs: 30 * 60_000,
};

export function capabilitiesOf({ serviceAccount }: OpenAiSettings): ProviderCapabilities {
  return {
    shape: { kind: serviceAccount === undefined ? "assisted" : "sideBySide" },
    quarantine: "ifScopesKnown",
    quarantineContains: false,
    revoke: true,
    lastUsed: true,
    usagePerKey: true,
    expiry: true,
  };
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.search !== "" || url.hash !== "") return false;
  return whyNotAddress(text, [url.host], { allowLoopback: true }) === undefined;
}
