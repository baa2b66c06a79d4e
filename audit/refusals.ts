import { type Failure, failureIn } from "../aws/failure.ts";
import { InputInvalid, type RotationError, StoreUnavailable } from "../core/errors.ts";

export interface Attempt {
  /** The key, bucket, bus or service that was called. */
  readonly place: string;
  /** The permission's name, such as "kms:Sign". */
  readonly operation: string;
}

/** The domain's error for a failed call. If a repeat cannot help, it names the permission that is missing. */
export function refusalOf(error: unknown, attempt: Attempt): RotationError {
  return refusalFor(failureIn(error), attempt);
}

/** The same for a failure that the SDK does not throw: an answer that reports one of its entries as dropped. */
export function refusalFor({ kind, name }: Failure, { place, operation }: Attempt): RotationError {
  if (kind !== "refused")
    return new StoreUnavailable(`${place} is not available now (${operation}, ${name})`);
  return new InputInvalid(`${place} refused ${operation} with ${name}`);
}

export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
