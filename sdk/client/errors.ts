/**
 * Everything this package throws. Messages, fields and causes hold names, codes and times: never a value, and
 * never what an upstream answered, because an answer may quote the key.
 */
export class RekeyError extends Error {
  constructor(message: string, details?: object) {
    super(message, details);
    Object.assign(this, details);
  }
}

/** The held value was last confirmed longer than `maxStaleMs` ago, so it may be a revoked key: fail closed. */
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
    super(`${details.secret} was confirmed ${details.ageMs} ms ago`, details);
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

/** Secrets Manager or EventBridge did not answer with what was asked; `code` is its machine code. */
export class UpstreamUnavailable extends RekeyError {
  override readonly name = "UpstreamUnavailable";
  declare readonly reason: UnavailableReason;
  declare readonly code: string | undefined;
  declare readonly status: number | undefined;

  constructor(reason: UnavailableReason, details: { code?: string | undefined; status?: number } = {}) {
    super(`${reason} ${details.code ?? ""}`.trim(), { reason, ...details });
  }
}

/** The secret has a value, but not the text that was asked for. */
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

/** Whatever was thrown, as one of ours: a foreign error may carry a request or an answer in it. */
export function asRekeyError(error: unknown): RekeyError {
  if (error instanceof RekeyError) return error;
  const code = (error as { cause?: { code?: unknown } } | undefined)?.cause?.code;
  // The system's codes look so; anything else could be a quotation.
  return new UpstreamUnavailable("network", { code: /^E[A-Z_]+$/.exec(`${code}`)?.[0] });
}

/** Whether the same call a moment later may succeed: after a timeout, throttling, ... */
export function isPassing(error: unknown): boolean {
  return /^(t|network|server)/.test((asRekeyError(error) as UpstreamUnavailable).reason);
}

/** For a failure that was kept, logged or told elsewhere. */
export const ignore = (): void => {};
