/** The HMAC-SHA256 checks that several sources use. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { RawRequest, Refusal, Trust } from "./source.ts";

export function hmacHex(key: string, parts: readonly (string | Uint8Array)[]): string {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}

/** Takes the same time however much of a guess is right. Both are 64 hex digits. */
export function isSameHex(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected, "hex"), Buffer.from(given, "hex")];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The digits of "sha256=<hex>"; undefined for anything else. */
export function sha256HexIn(header: string): string | undefined {
  return /^sha256=([0-9a-f]{64})$/i.exec(header)?.[1];
}

/** With an empty secret anybody could sign, and an endless body would keep us hashing. */
export function whyNotCheckable(request: RawRequest, options: Trust & { readonly bytesMax: number }) {
  if (options.secret.isEmpty) return refusal("SecretMissing", "the source's signing secret is empty");
  const { length } = request.body;
  if (length <= options.bytesMax) return undefined;
  return refusal("BodyTooLarge", `${length} bytes, at most ${options.bytesMax}`);
}

/** The sender's clock and ours may differ by the tolerance, either way. */
export function whyNotNow(sentAtMs: number | undefined, { nowMs, toleranceMs }: Trust): Refusal | undefined {
  if (sentAtMs === undefined) return refusal("TimestampMalformed", "neither epoch seconds nor ISO 8601");
  const offMs = Math.abs(nowMs - sentAtMs);
  if (offMs <= toleranceMs) return undefined;
  return refusal("TimestampOutside", `off by ${offMs} ms, at most ${toleranceMs} ms`);
}

export function refusal(reason: Refusal["reason"], detail: string): Refusal {
  return { reason, detail };
}

export function sha256Hex(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
