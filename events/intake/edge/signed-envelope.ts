/**
 * Rekey's own signature, for senders that have none: the generic report, and scanners in CI that post their
 * findings. The header is
 *
 *     X-Rekey-Signature: t=<epoch seconds>,n=<nonce>,v1=<hex HMAC-SHA256(secret, "<t>.<n>." + raw body)>
 *
 * `t` limits how long a captured request can be used, and the nonce (16 to 64 of A-Z a-z 0-9 _ -) prevents
 * its use within that time. Neither contains a dot, so no two requests sign the same bytes.
 */
import type { Secret } from "../../../core/secret.ts";
import { hmacHex, isSameHex, refusal, whyNotCheckable, whyNotNow } from "./signature.ts";
import { headerOf, type RawRequest, type Refusal, type Trust } from "./source.ts";

export const signatureHeader = "X-Rekey-Signature";

const envelope = /^t=(\d{1,11}),n=([A-Za-z0-9_-]{16,64}),v1=([0-9a-f]{64})$/;

/** The header's value for `body`. The caller supplies a random nonce. */
export function signEnvelope(request: {
  readonly secret: Secret;
  readonly body: string | Uint8Array;
  readonly nowMs: number;
  readonly nonce: string;
}): string {
  const t = Math.floor(request.nowMs / 1000);
  const v1 = hmacHex(request.secret.reveal(), [`${t}.${request.nonce}.`, request.body]);
  return `t=${t},n=${request.nonce},v1=${v1}`;
}

export function whyNotSigned(
  request: RawRequest,
  trust: Trust & { readonly bytesMax: number },
): Refusal | undefined {
  const uncheckable = whyNotCheckable(request, trust);
  if (uncheckable) return uncheckable;

  const header = headerOf(request.headers, signatureHeader);
  if (header === undefined) return refusal("HeaderMissing", signatureHeader);
  const [, t, nonce, v1] = envelope.exec(header) ?? [];
  if (t === undefined || v1 === undefined) return refusal("SignatureMalformed", "not t=,n=,v1=");

  const expected = hmacHex(trust.secret.reveal(), [`${t}.${nonce}.`, request.body]);
  if (!isSameHex(expected, v1)) return refusal("SignatureWrong", signatureHeader);
  return whyNotNow(Number(t) * 1000, trust);
}

export function envelopeReplayKeys({ headers }: RawRequest): readonly string[] {
  const nonce = envelope.exec(headerOf(headers, signatureHeader) ?? "")?.[2];
  return nonce === undefined ? [] : [`report:nonce:${nonce}`];
}
