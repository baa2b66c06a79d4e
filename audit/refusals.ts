import { failureIn } from "../core/aws-failure.ts";
import { InputInvalid, type RotationError, StoreUnavailable } from "../core/errors.ts";

export interface Attempt {
  /** The key or bucket that was asked. */
  readonly place: string;
  /** The permission's name, such as "kms:Sign". */
  readonly operation: string;
}

/** The domain's error for a failed call to KMS or S3. */
export function refusalOf(error: unknown, { place, operation }: Attempt): RotationError {
  const { kind, name } = failureIn(error);
  if (kind !== "refused")
    return new StoreUnavailable(`${place} is not available now (${operation}, ${name})`);
  return new InputInvalid(`${place} refused ${operation} with ${name}`);
}

export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
