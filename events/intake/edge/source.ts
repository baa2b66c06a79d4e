/** What every alert source is: a check of who sent the bytes, and a pure reading of them. */
import type { Secret } from "../../../core/secret.ts";
import type { Alert, AlertOutcome, AlertSource } from "../../alert.ts";

/** The request as it arrived: the signature covers these bytes, not what a parser makes of them. */
export interface RawRequest {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export type Headers = Readonly<Record<string, string | undefined>>;

export interface Refusal {
  readonly reason:
    | "SecretMissing"
    | "BodyTooLarge"
    | "HeaderMissing"
    | "SignatureMalformed"
    | "SignatureWrong"
    | "TimestampMalformed"
    | "TimestampOutside";
  readonly detail: string;
}

/**
 * What the sender's signature is checked against. While the secret itself rotates, ask once for each version.
 */
export interface Trust {
  readonly secret: Secret;
  readonly nowMs: number;
  /** How far the sender's timestamp may be from `nowMs`, where the source signs one. */
  readonly toleranceMs: number;
}

export interface IntakeSource {
  readonly name: AlertSource;
  /** Its signature covers when it was sent, so that a request which is captured is worth nothing later. */
  readonly signsTime: boolean;
  /** Why the request is refused; asked before a byte of it is parsed. */
  verify(request: RawRequest, trust: Trust): Refusal | undefined;
  /**
   * Remember all of these for every request that was accepted, and refuse a request that brings one again.
   * Only call it on a verified request.
   */
  replayKeys(request: RawRequest): readonly string[];
  /** Reads a report. Plaintext is fingerprinted here and is not in the result. Throws InputInvalid. */
  parse(body: Uint8Array, headers: Headers): AlertOutcome;
  /**
   * Where the alert that `body` only points to can be read; undefined when no base of `apiBases` has it. Ask
   * only when `parse` started something, and do not follow redirects.
   */
  fetchUrl?(body: Uint8Array, options: { readonly apiBases: readonly string[] }): string | undefined;
  /** The alert again, with what was read at `fetchUrl`. Throws InputInvalid: then the first alert stands. */
  parseFetched?(alert: Alert, body: Uint8Array): AlertOutcome;
}

/**
 * The request behind a Lambda function URL or an HTTP API, which hand over bytes that are not text as base64.
 */
export function rawRequestOf(event: {
  readonly headers?: Headers;
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
}): RawRequest {
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  return { headers: event.headers ?? {}, body };
}

/** The one header of this name in any case; given twice it counts as missing, since the two may differ. */
export function headerOf(headers: Headers, name: string): string | undefined {
  const values = Object.entries(headers).filter(([given]) => given.toLowerCase() === name.toLowerCase());
  return values.length === 1 ? values[0]?.[1] : undefined;
}
