/** An alert source: it checks who sent the bytes, and reads them with a pure function. */
import type { Secret } from "../../../core/secret.ts";
import type { Alert, AlertOutcome, AlertSource } from "../../alert.ts";
import type { FindKeys } from "./known-plaintexts.ts";

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
 * What the sender's signature is checked against. While the secret itself is being changed, check once with
 * each version.
 */
export interface Trust {
  readonly secret: Secret;
  readonly nowMs: number;
  /** How far the sender's timestamp may be from `nowMs`, if the source signs one. */
  readonly toleranceMs: number;
}

export interface IntakeSource {
  readonly name: AlertSource;
  /** True if the signature covers the time of sending, so that a captured request cannot be used later. */
  readonly signsTime: boolean;
  /** Why the request is refused. Called before anything of it is parsed. */
  verify(request: RawRequest, trust: Trust): Refusal | undefined;
  /**
   * Remember these keys for every accepted request, and refuse a request that has one of them again. Call it
   * only for a verified request.
   */
  replayKeys(request: RawRequest): readonly string[];
  /**
   * Reads a report. Plaintext keys are fingerprinted here and are not in the result; `findKeys` finds those that
   * stand where no key belongs. Throws InputInvalid.
   */
  parse(body: Uint8Array, headers: Headers, findKeys?: FindKeys): AlertOutcome;
  /**
   * The address of the alert that `body` only refers to; undefined if it is under none of `apiBases`. Use it
   * only if `parse` started something, and do not follow redirects.
   */
  fetchUrl?(body: Uint8Array, options: { readonly apiBases: readonly string[] }): string | undefined;
  /** The alert with what was read at `fetchUrl`. Throws InputInvalid: then use the first alert. */
  parseFetched?(alert: Alert, body: Uint8Array, findKeys?: FindKeys): AlertOutcome;
}

/** The request behind a Lambda function URL or an HTTP API. These pass bytes that are not text as base64. */
export function rawRequestOf(event: {
  readonly headers?: Headers;
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
}): RawRequest {
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  return { headers: event.headers ?? {}, body };
}

/** The header of this name, in any case. If it was sent twice it counts as missing, because the two may differ. */
export function headerOf(headers: Headers, name: string): string | undefined {
  const values = Object.entries(headers).filter(([given]) => given.toLowerCase() === name.toLowerCase());
  return values.length === 1 ? values[0]?.[1] : undefined;
}
