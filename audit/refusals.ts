import { type Failure, failureIn } from "../aws/failure.ts";
import { InputInvalid, type RotationError, StoreUnavailable } from "../core/errors.ts";

export interface Attempt {
  /** The key, bucket, bus or service that was asked. */
  readonly place: string;
  /** The permission's name, such as "kms:Sign". */
  readonly operation: string;
}

/** The domain's error for a failed call: one that no second try helps names the permission that it needs. */
export function refusalOf(error: unknown, attempt: Attempt): RotationError {
  return refusalFor(failureIn(error), attempt);
}

/** The same for what an SDK call did not throw: an answer that says of one entry that it was dropped. */
export function refusalFor({ kind, name }: Failure, { place, operation }: Attempt): RotationError {
  if (kind !== "refused")
    return new StoreUnavailable(`${place} is not available now (${operation}, ${name})`);
  return new InputInvalid(`${place} refused ${operation} with ${name}`);
}

export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
