import { InputInvalid, type RotationError, StoreUnavailable } from "../core/errors.ts";

/** Names that mean "slower" or "again later" whatever status they came with. */
const passing: ReadonlySet<string> = new Set([
  "ThrottlingException",
  "SlowDown",
  "LimitExceededException",
  "DependencyTimeoutException",
  "KMSInternalException",
  "KeyUnavailableException",
  "OperationAborted",
  "ConditionalRequestConflict",
  "RequestTimeout",
  "TimeoutError",
  "ExpiredToken",
  "ExpiredTokenException",
]);

export interface Attempt {
  /** The key or bucket that was asked. */
  readonly place: string;
  /** The permission's name, such as "kms:Sign". */
  readonly operation: string;
}

/** The domain's error for a failed call to KMS or S3. */
export function refusalOf(error: unknown, { place, operation }: Attempt): RotationError {
  const { name, $metadata } = error as Error & { readonly $metadata?: { readonly httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (passing.has(name) || status === undefined || status === 429 || status >= 500) {
    return new StoreUnavailable(`${place} is not available now (${operation}, ${name})`);
  }
  return new InputInvalid(`${place} refused ${operation} with ${name}`);
}

export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
