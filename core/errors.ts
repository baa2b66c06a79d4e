/**
 * The closed set of things that can go wrong in a step. The state machines match on `name`, so each name is a
 * literal: a minifier renames classes, and a `Retry` on a renamed class silently never fires.
 *
 * `retry` says what a second try of the same step may do:
 * - `later`: nothing happened, or it may safely happen again
 * - `afterReconcile`: something may have happened; the step looks first and then acts
 * - `never`: a second try gives the same result until a person or another run changes something
 */
export type RetryKind = "later" | "afterReconcile" | "never";

export abstract class RotationError extends Error {
  abstract override readonly name: string;
  abstract readonly retry: RetryKind;
}

/** The provider asked us to slow down. `retryAfterMs` is its Retry-After, if it sent one. */
export class ProviderThrottled extends RotationError {
  override readonly name = "ProviderThrottled";
  readonly retry = "later";
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { retryAfterMs?: number | undefined } = {}) {
    super(message);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The account's budget of calls or of mints at once is used up, or the provider asked another call to wait. Nothing was sent. */
export class AccountBusy extends RotationError {
  override readonly name = "AccountBusy";
  readonly retry = "later";
}

/** The provider did not answer, or answered 5xx, to a call that changes nothing or may be repeated. */
export class ProviderUnavailable extends RotationError {
  override readonly name = "ProviderUnavailable";
  readonly retry = "later";
}

/** The provider's answer does not follow its protocol. */
export class ProviderGarbled extends RotationError {
  override readonly name = "ProviderGarbled";
  readonly retry = "later";
}

/** A key may exist whose plaintext nobody has. Discard strays, then mint again. */
export class MintOutcomeUnknown extends RotationError {
  override readonly name = "MintOutcomeUnknown";
  readonly retry = "afterReconcile";
}

/** The provider's limit on keys is reached. */
export class QuotaReached extends RotationError {
  override readonly name = "QuotaReached";
  readonly retry = "never";
}

/** The admin credential is missing, empty or refused by the provider. */
export class AdminCredentialRefused extends RotationError {
  override readonly name = "AdminCredentialRefused";
  readonly retry = "never";
}

/** The admin credential belongs to another project or environment than the policy says. */
export class WrongProject extends RotationError {
  override readonly name = "WrongProject";
  readonly retry = "never";
}

/** A person has to do something that no API offers. The message says what. */
export class NeedsHuman extends RotationError {
  override readonly name = "NeedsHuman";
  readonly retry = "never";
}

/** The current key's id at the provider is not known, so it could not be revoked later. */
export class KeyIdUnknown extends RotationError {
  override readonly name = "KeyIdUnknown";
  readonly retry = "never";
}

/** The current version holds a key that the ledger does not know and the provider does not list. */
export class CurrentKeyUnknown extends RotationError {
  override readonly name = "CurrentKeyUnknown";
  readonly retry = "never";
}

/** Another secret holds the same key: revoking it here would break the consumers there. */
export class KeyShared extends RotationError {
  override readonly name = "KeyShared";
  readonly retry = "never";
}

/** A destination takes no copy, or is not the place that the deployment names. */
export class CopyRefused extends RotationError {
  override readonly name = "CopyRefused";
  readonly retry = "never";
}

/** The policy is missing or contradicts itself. */
export class PolicyInvalid extends RotationError {
  override readonly name = "PolicyInvalid";
  readonly retry = "never";
}

/** The secret does not exist, has no value, or lacks the field that the policy names. */
export class SecretUnusable extends RotationError {
  override readonly name = "SecretUnusable";
  readonly retry = "never";
}

/** Secrets Manager, the ledger or a bus did not answer in time. */
export class StoreUnavailable extends RotationError {
  override readonly name = "StoreUnavailable";
  readonly retry = "later";
}

/** Another rotation has a pending version: taking its place would break it. */
export class PendingHeld extends RotationError {
  override readonly name = "PendingHeld";
  readonly retry = "never";
}

/** The incoming key is not accepted yet, within the provider's propagation window. */
export class KeyNotYetActive extends RotationError {
  override readonly name = "KeyNotYetActive";
  readonly retry = "later";
}

/** The incoming key is still refused after the provider's propagation window. */
export class KeyRejected extends RotationError {
  override readonly name = "KeyRejected";
  readonly retry = "never";
}

/** Another key was made current outside Rekey. */
export class VersionMoved extends RotationError {
  override readonly name = "VersionMoved";
  readonly retry = "never";
}

/** Nobody supplied the key in time. */
export class SupplyOverdue extends RotationError {
  override readonly name = "SupplyOverdue";
  readonly retry = "never";
}

/** What the policy asks for before the promotion did not come in time. */
export class PromotionOverdue extends RotationError {
  override readonly name = "PromotionOverdue";
  readonly retry = "never";
}

/** Something came into the way of the promotion after the run had asked: it asks again, and waits. */
export class PromotionRefused extends RotationError {
  override readonly name = "PromotionRefused";
  readonly retry = "never";
}

/** The retiring key still works after the provider's propagation window. */
export class StillAlive extends RotationError {
  override readonly name = "StillAlive";
  readonly retry = "never";
}

/** A `rekey stop` applies. */
export class Stopped extends RotationError {
  override readonly name = "Stopped";
  readonly retry = "never";
}

/** A person ordered the run back to safety. */
export class Aborted extends RotationError {
  override readonly name = "Aborted";
  readonly retry = "never";
}

/** The run goes round between the same states and never comes to a wait: something that it asks contradicts itself. */
export class NoProgress extends RotationError {
  override readonly name = "NoProgress";
  readonly retry = "never";
}

/** The run no longer holds the secret's fence, so it must not change anything. */
export class Superseded extends RotationError {
  override readonly name = "Superseded";
  readonly retry = "never";
}

/** Other writers were faster, more often than the step retries. */
export class LedgerContended extends RotationError {
  override readonly name = "LedgerContended";
  readonly retry = "later";
}

/** An outgoing address is not on the allow-list, or resolves to a private one. */
export class AddressRefused extends RotationError {
  override readonly name = "AddressRefused";
  readonly retry = "never";
}

/** The input of a step, command or event does not match its schema. */
export class InputInvalid extends RotationError {
  override readonly name = "InputInvalid";
  readonly retry = "never";
}
