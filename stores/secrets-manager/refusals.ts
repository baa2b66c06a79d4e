import { failureIn } from "../../aws/failure.ts";
import { InputInvalid, type RotationError, SecretUnusable, StoreUnavailable } from "../../core/errors.ts";

/** What the caller has to change, for each error that a repeat cannot help. */
const lasting: Readonly<Record<string, (operation: string) => string>> = {
  AccessDeniedException: (operation) =>
    `access denied: allow secretsmanager:${operation} and the use of its KMS key`,
  DecryptionFailure: () => "its KMS key does not decrypt: allow kms:Decrypt",
  EncryptionFailure: () => "its KMS key does not encrypt: allow kms:GenerateDataKey",
  InvalidRequestException: (operation) => `${operation} is not possible: it may be scheduled for deletion`,
  ResourceNotFoundException: () => "there is no such secret or version",
};

export interface Attempt {
  readonly secretArn: string;
  /** The API's own name, which is also the permission's. */
  readonly operation: string;
}

/** The domain's error for a failed call to Secrets Manager. */
export function refusalOf(error: unknown, { secretArn, operation }: Attempt): RotationError {
  const { kind, name } = failureIn(error);
  const call = `${operation}, ${name}, request ${requestOf(error) ?? "without an answer"}`;
  if (kind !== "refused") {
    return new StoreUnavailable(`${secretArn}: Secrets Manager is not available now (${call})`);
  }
  const advice = Object.hasOwn(lasting, name) ? lasting[name] : undefined;
  if (advice) return new SecretUnusable(`${secretArn}: ${advice(operation)} (${call})`);
  return new InputInvalid(`${secretArn}: Secrets Manager refused the call (${call})`);
}

function requestOf(error: unknown): string | undefined {
  return (error as { readonly $metadata?: { readonly requestId?: string } }).$metadata?.requestId;
}

export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
