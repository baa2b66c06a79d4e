import * as z from "zod";
import type { PropagationProfile } from "../core/ports.ts";
import { activateMsMax } from "../core/rotation/incoming.ts";
import { whyNotAddress } from "./why-not-address.ts";

const dayMs = 24 * 60 * 60 * 1000;
const milliseconds = z.int().min(0).max(dayMs).exactOptional();

/** What a provider's own times are corrected with, where they are not documented or differ. */
export const propagationSetting = z
  .strictObject({
    activateMs: z.int().min(0).max(activateMsMax).exactOptional(),
    dieMs: milliseconds,
    deadProbes: z.int().min(1).max(100).exactOptional(),
    deadWindowMs: milliseconds,
    probeEveryMs: z.int().min(1).max(dayMs).exactOptional(),
    usageLagMs: milliseconds,
  })
  .default({});

/** For issuers that document none of these: what others measured, rounded up. */
export const usualPropagation: PropagationProfile = {
  activateMs: 60_000,
  dieMs: 10 * 60_000,
  deadProbes: 5,
  deadWindowMs: 60_000,
  probeEveryMs: 15_000,
  usageLagMs: 30 * 60_000,
};

const baseUrl = z.string().refine(isBaseUrl);

/** https, or http on loopback for a stand-in; the slash at its end is dropped. */
export function baseUrlSetting(usual: string) {
  return baseUrl.default(usual).transform(withoutSlash);
}

/** The same where nothing is usual, because each customer has an address of its own. */
export const ownUrlSetting = baseUrl.transform(withoutSlash);

function withoutSlash(url: string): string {
  return url.replace(/\/$/, "");
}

/** A text that is put into a path as it stands. */
export const idSetting = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);

/** A dead man's switch for a revoke that never comes. */
export const expiresInDaysSetting = z.int().min(1).max(365).exactOptional();

export function expiryMs(
  { expiresInMs }: { readonly expiresInMs?: number },
  { expiresInDays }: { readonly expiresInDays?: number },
): number | undefined {
  return expiresInMs ?? (expiresInDays === undefined ? undefined : expiresInDays * dayMs);
}

export function hostsOf(...urls: readonly string[]): readonly string[] {
  return [...new Set(urls.map((url) => new URL(url).host))];
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.search !== "" || url.hash !== "" || url.username !== "") return false;
  return whyNotAddress(text, [url.host], { allowLoopback: true }) === undefined;
}
