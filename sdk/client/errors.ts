/**
 * Everything that this package throws. Messages, fields and causes contain names, codes and times: never a
 * value, and never an upstream answer, because it may quote the key.
 */
export class RekeyError extends Error {
  constructor(message: string, details?: object) {
    super(message, details);
    Object.assign(this, details);
  }
}

/** The held value was last confirmed longer than `maxStaleMs` ago, so it may be a revoked key and is not served. */
export class KeyTooStale extends RekeyError {
  override readonly name = "KeyTooStale";
  declare readonly secret: string;
  declare readonly ageMs: number;
  declare readonly maxStaleMs: number;

  constructor(details: {
    secret: string;
    ageMs: number;
    maxStaleMs: number;
    cause?: RekeyError | undefined;
  }) {
    const { secret, ageMs, maxStaleMs, cause } = details;
    const why = cause ? `; ${cause.message}` : "";
    super(`${secret} was last confirmed ${ageMs} ms ago, and maxStaleMs allows ${maxStaleMs}${why}`, details);
  }
}

export type UnavailableReason =
  | "timeout"
  | "network"
  | "throttled"
  | "server"
  | "denied"
  | "notFound"
  | "refused";

/** Secrets Manager or EventBridge did not answer as expected. `code` is its error code. */
export class UpstreamUnavailable extends RekeyError {
  override readonly name = "UpstreamUnavailable";
  declare readonly reason: UnavailableReason;
  declare readonly code: string | undefined;
  declare readonly status: number | undefined;
  declare readonly about: string | undefined;

  constructor(reason: UnavailableReason, details: UnavailableDetails = {}) {
    const { code, about } = details;
    super(`${about ?? "AWS"}: ${sentences[reason]}${code ? ` (${code})` : ""}`, { reason, ...details });
  }
}

interface UnavailableDetails {
  code?: string | undefined;
  status?: number | undefined;
  /** The secret or the bus that was asked for. */
  about?: string | undefined;
}

const sentences: Readonly<Record<UnavailableReason, string>> = {
  timeout: "no answer in time: see timeoutMs, and the way to AWS",
  network: "AWS cannot be reached: see Region, endpoint and DNS",
  throttled: "AWS asks for fewer calls",
  server: "AWS failed; the call is repeated",
  denied:
    "this role may not: allow GetSecretValue on the secret and Decrypt on its key, or PutEvents on the bus",
  notFound: "there is no such one: check its name or ARN, the Region and the account",
  refused: "AWS refused the call",
};

/** The same failure, saying which secret or bus was asked for. */
export function about(error: unknown, name: string): RekeyError {
  const known = asRekeyError(error);
  if (!(known instanceof UpstreamUnavailable) || known.about) return known;
  const { reason, code, status } = known;
  return new UpstreamUnavailable(reason, { code, status, about: name });
}

/** The secret has a value, but not the text or field that was asked for. */
export class KeyUnreadable extends RekeyError {
  override readonly name = "KeyUnreadable";
}

export class CredentialsMissing extends RekeyError {
  override readonly name = "CredentialsMissing";
}

export class OptionInvalid extends RekeyError {
  override readonly name = "OptionInvalid";
}

/** This client was closed and holds no key any more. */
export class RekeyClosed extends RekeyError {
  override readonly name = "RekeyClosed";
}

/** Turns anything that was thrown into one of our errors: a foreign error may contain a request or an answer. */
export function asRekeyError(error: unknown): RekeyError {
  if (error instanceof RekeyError) return error;
  const code = (error as { cause?: { code?: unknown } } | undefined)?.cause?.code;
  // Error codes of the system have this form; anything else could be a quotation.
  return new UpstreamUnavailable("network", { code: /^E[A-Z_]+$/.exec(`${code}`)?.[0] });
}

/** Whether repeating the call a moment later may succeed, such as after a time-out or throttling. */
export function isPassing(error: unknown): boolean {
  return /^(t|network|server)/.test((asRekeyError(error) as UpstreamUnavailable).reason);
}

/** For a failure that was stored, logged or reported elsewhere. */
export const ignore = (): void => {};
