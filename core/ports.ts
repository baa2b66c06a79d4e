/**
 * What the rules and steps need from the outside. Each port is small, is passed in, and says what a second
 * call with the same arguments does. Times are milliseconds since the epoch.
 */
import type { Secret } from "./secret.ts";

export type SecretArn = string;
export type VersionId = string;
export type KeyId = string;
/** "sha256:" and 64 hex digits of the key's text: the only form in which a key crosses a boundary. */
export type Fingerprint = string;
export type RotationId = string;

// ---- providers -------------------------------------------------------------------------------------------

/** How an issuer lets a new key take the place of one that is in use. Rules ask for the shape, never for a name. */
export type Shape =
  /** Any number of keys live side by side. */
  | { readonly kind: "sideBySide" }
  /** At most `keys` for one owner, disabled ones counted: the oldest disabled one makes room, never a live one. */
  | { readonly kind: "atMost"; readonly keys: number }
  /**
   * Two fixed places. A new key overwrites the place that is not in use, which ends the key that was there. With
   * `idleIsFree` the operator has said that nothing but Rekey gives out the idle place's key.
   */
  | { readonly kind: "slots"; readonly idleIsFree: boolean }
  /** Side by side, and Rekey makes up the secret: it is stored before the call, so a lost reply loses no key. */
  | { readonly kind: "clientSecret" }
  /** The call that makes the new key ends the other one after `graceMs`. That end is proven all the same. */
  | { readonly kind: "rotateWithGrace"; readonly graceMs: number }
  /** No call makes a key: a person or a pool supplies it. */
  | { readonly kind: "assisted" }
  /** A new key ends the other one at once: no rotation is possible without an outage, but a leak can be contained. */
  | { readonly kind: "inPlace" }
  /** No key at all: a workload's own identity is exchanged for a credential that lasts minutes. */
  | { readonly kind: "federated" };

/** What one provider with these settings can do, so that a policy it cannot follow is refused early. */
export interface ProviderCapabilities {
  readonly shape: Shape;
  /** Whether a disabled key can be restored exactly. `ifScopesKnown`: only if Rekey set the scopes. */
  readonly quarantine: "yes" | "ifScopesKnown" | "no";
  /** True if a quarantined key can do nothing at all. If only its scopes are narrowed, it may still do harm. */
  readonly quarantineContains: boolean;
  readonly revoke: boolean;
  readonly lastUsed: boolean;
  readonly usagePerKey: boolean;
  readonly expiry: boolean;
}

/** How long this provider may take to accept a new key, and to refuse a revoked one. */
export interface PropagationProfile {
  /**
   * At most `activateMsMax`, which limits the machines' retries. A new key that is refused within this time
   * may still become valid.
   */
  readonly activateMs: number;
  readonly dieMs: number;
  /** So many refusals in a row, spread over at least `deadWindowMs`, prove a key dead. */
  readonly deadProbes: number;
  readonly deadWindowMs: number;
  readonly probeEveryMs: number;
  /** How late its last-used and usage figures may be. */
  readonly usageLagMs: number;
}

export interface MintRequest {
  /** Contains the run and the attempt, so that the key can be found again after a lost reply. */
  readonly name: string;
  readonly scopes?: readonly string[];
  readonly expiresInMs?: number;
  /** The key that is being replaced: an issuer with two places must not touch the place that holds it. */
  readonly retiring?: KeyId;
  /**
   * The key that may end for the new one, for the shape `slots`: if another key is in its place by now, none is made
   * (ProviderUnavailable).
   */
  readonly displaces?: KeyId;
  /** The text the key shall have, for the shape `clientSecret`: a repeat with the same text makes no second key. */
  readonly secret?: Secret;
}

export interface MintedKey {
  readonly keyId: KeyId;
  readonly secret: Secret;
  readonly expiresAtMs?: number;
}

export interface ListedKey {
  readonly keyId: KeyId;
  readonly name: string;
  readonly status: "active" | "disabled";
  /** First and last characters as the provider shows them. Two keys may have the same. */
  readonly hint?: string;
  /** Of the key's text, where the issuer shows it a second time. */
  readonly fingerprint?: Fingerprint;
  readonly owner?: string;
  readonly createdAtMs?: number;
  readonly lastUsedAtMs?: number;
  readonly expiresAtMs?: number;
}

/** What the provider saw of one key, measured on the provider's own clock. */
export interface KeyUse {
  readonly keyId: KeyId;
  /** Absent if the provider has never seen a use. */
  readonly lastUsedAtMs?: number;
  /** The Date header of the same reply. */
  readonly seenAtMs: number;
  /** Requests in the usage buckets since `sinceMs`; absent if the provider does not report usage per key. */
  readonly requests?: number;
}

/** `notPermitted` means alive: the provider knew the key and refused the action. `inconclusive` proves neither. */
export type VerifyResult = "valid" | "refused" | "notPermitted" | "inconclusive";

/** One issuer of keys. Any method may be called again with the same arguments after a crash. */
export interface KeyProvider {
  readonly capabilities: ProviderCapabilities;
  readonly propagation: PropagationProfile;
  /** About how many calls a rotation makes at this provider, where that is not the usual number. */
  readonly callsPerRotation?: number;
  /** Creates a key. The plaintext is shown only once, so a repeat makes a second key. Throws MintOutcomeUnknown. */
  mint(request: MintRequest): Promise<MintedKey>;
  /** Makes up the text of a new key, with no call; only for the shape `clientSecret`. */
  newSecret?(): Secret;
  /** A made-up text of this issuer's form that it has never issued; `like` is a key of this account. No call. */
  neverIssued(like: Secret): Secret;
  /** Every key whose name starts with `namePrefix`; without one, every key of the account or project. */
  list(options?: { readonly namePrefix?: string }): Promise<readonly ListedKey[]>;
  find(keyId: KeyId): Promise<ListedKey | undefined>;
  /** Makes one harmless authenticated call with the key itself. The provider counts it as a use of the key. */
  verify(secret: Secret): Promise<VerifyResult>;
  /** Last use, and requests since `sinceMs` if known; undefined if the provider reports neither. */
  use(query: { readonly keyId: KeyId; readonly sinceMs: number }): Promise<KeyUse | undefined>;
  /** Disables the key reversibly. `cannot` if it is not certain that it can be restored exactly. */
  quarantine(key: KeySettings): Promise<"quarantined" | "cannot">;
  /** Undoes a quarantine. If the key no longer exists, nothing happens. */
  restore(key: KeySettings): Promise<void>;
  /** Deletes the key by id. Irreversible. */
  revoke(keyId: KeyId): Promise<"revoked" | "alreadyGone">;
  /** Postpones the key's expiry, if the provider has one. */
  extend(query: { readonly keyId: KeyId; readonly expiresInMs: number }): Promise<"extended" | "cannot">;
  /**
   * The listed keys that `secret` may be, by their hint or by the provider's own look-up. For many secrets
   * pass `listed`, so that a provider that has only its listing to search fetches it once.
   */
  candidates(secret: Secret, listed?: () => Promise<readonly ListedKey[]>): Promise<readonly ListedKey[]>;
}

/** What the ledger knows about a key that quarantine has to restore. */
export interface KeySettings {
  readonly keyId: KeyId;
  readonly scopes?: readonly string[];
}

// ---- the store consumers read from -----------------------------------------------------------------------

export interface StoredVersion {
  readonly versionId: VersionId;
  readonly text: Secret;
}

/** One version of one secret. */
export interface VersionPlace {
  readonly secretArn: SecretArn;
  readonly versionId: VersionId;
}

/** The truth about one store, so that a secret whose store is not safe enough for a rotation is refused early. */
export interface StoreCapabilities {
  /**
   * `native`: the store itself refuses a promotion when the current version is not the expected one, whoever writes
   * at the same time. `afterwards`: the adapter looks just before it writes, and after it sees whether somebody else's
   * change came in between; then it puts that back and answers `heldElsewhere`, but for that moment consumers may have
   * been given the version of the promotion. `none`: a change in between is lost.
   */
  readonly compareAndSwap: "native" | "afterwards" | "none";
  /** Whether a consumer that asks for the current value can be given a version that is only pending. */
  readonly consumersSeePending: boolean;
  /** After this many newer versions the store may delete one that is neither current, pending nor pinned. */
  readonly versionsKept: number;
  /** A pinned version is kept however many are written after it. */
  readonly pinKeeps: boolean;
  /** How long after its write a version can be missing from a read; `read` waits it out. 0: it is there at once. */
  readonly readBackMs: number;
}

/** What a secret's versions are used for, from one look. */
export interface VersionsInUse {
  /** What consumers read; absent while the secret has no value. */
  readonly current?: VersionId;
  /** The version that is to become current. `byRekey`: it carries the mark that `write` leaves on its versions. */
  readonly pending?: { readonly versionId: VersionId; readonly byRekey: boolean };
  /** The version that was current before, where the store still names it. */
  readonly previous?: VersionId;
  /** The version that `pin` keeps from being deleted. */
  readonly pinned?: VersionId;
  /** Every version that has a use of any kind, those above included. */
  readonly all: readonly VersionId[];
}

/** A copy that the store itself keeps at another place, and that may not hold yet what the secret holds. */
export interface ReplicaBehind {
  /** Such as a Region. */
  readonly place: string;
  readonly state: "inProgress" | "failed";
  /** What the store says about it, for people. */
  readonly detail?: string;
}

/** The rotation that a store has of its own for a secret, as Secrets Manager has with a rotation function. */
export interface NativeRotation {
  readonly isEnabled: boolean;
  readonly functionArn?: string;
  /** It rotates by itself, by days or by an expression. */
  readonly isScheduled: boolean;
}

/**
 * One place that consumers read keys from. A version's id is chosen by whoever writes it and says the same to a
 * repeat; a store that numbers its versions itself keeps the id beside the version and answers with it. Every method
 * throws SecretUnusable when the secret, or the version that it needs, is not there, and StoreUnavailable when a later
 * try may help.
 */
export interface SecretStore {
  capabilities(secretArn: SecretArn): StoreCapabilities;
  versionsInUse(secretArn: SecretArn): Promise<VersionsInUse>;
  /** What a consumer that names no version is given. */
  current(secretArn: SecretArn): Promise<StoredVersion>;
  /** A version that is known to have been written, so a store that shows it late is asked again. */
  read(secretArn: SecretArn, versionId: VersionId): Promise<StoredVersion>;
  /**
   * Writes a version that no consumer is given, and marks it as Rekey's. Takes nobody's pending version away. A
   * repeat with the same text changes nothing, not even a mark that was taken off; another text throws VersionMoved.
   */
  write(version: VersionPlace & { readonly text: Secret }): Promise<void>;
  /** Makes a written version the pending one. `heldElsewhere`: another version is pending, and stays so. */
  markPending(place: VersionPlace): Promise<"marked" | "heldElsewhere">;
  /** This version is not pending any more, if it was. Another version that is pending stays so. */
  clearPending(place: VersionPlace): Promise<void>;
  /** Takes every mark of a run off a version: nobody finds it by its use any more, and the store may delete it. */
  discard(place: VersionPlace): Promise<void>;
  /**
   * Makes `to` the version that consumers read, if `from` is current. `heldElsewhere`: another one is, and nothing
   * was changed. A repeat after a lost answer is `promoted`. Whether it is still pending does not change.
   */
  promote(promotion: {
    readonly secretArn: SecretArn;
    readonly from: VersionId;
    readonly to: VersionId;
  }): Promise<"promoted" | "heldElsewhere">;
  /**
   * Keeps a version from being deleted. A secret has one pin: without `from` it is put where there is none, and with
   * `from` it is taken from that version. `heldElsewhere`: another version has it.
   */
  pin(place: VersionPlace & { readonly from?: VersionId }): Promise<"pinned" | "heldElsewhere">;
  /** The store's own rotation of this secret; undefined in a store that has none. */
  nativeRotation(secretArn: SecretArn): Promise<NativeRotation | undefined>;
  /** The store's own copies that are behind; none in a store that keeps no copies. */
  replicasBehind(secretArn: SecretArn): Promise<readonly ReplicaBehind[]>;
  /** Takes the pin off this version, and off no other. */
  unpin(place: VersionPlace): Promise<void>;
}

/** Makes secrets in the store that new ones go to. */
export interface SecretMaker {
  /** The secret of this name, and the id of the issue that made it; undefined if there is none. */
  find(name: string): Promise<{ readonly secretArn: SecretArn; readonly issueId?: string } | undefined>;
  /**
   * Makes the secret with its first value, or gives one that the same issue has made this value. A repeat with the same
   * version and text changes nothing. Throws SecretUnusable where somebody else has a secret of this name.
   */
  make(secret: {
    readonly name: string;
    readonly issueId: string;
    readonly versionId: VersionId;
    readonly text: Secret;
  }): Promise<SecretArn>;
}

// ---- the ledger's table ----------------------------------------------------------------------------------

/** One record. `kind` and `id` are its partition, `sort` is its sort key, and `revision` counts its writes. */
export interface TableRecord {
  readonly kind: string;
  readonly id: string;
  readonly sort: string;
  readonly revision: number;
  readonly body: unknown;
  /** The table may delete the record some time after this; absent: never. */
  readonly forgetAtMs?: number;
}

export interface TableKey {
  readonly kind: string;
  readonly id: string;
  readonly sort: string;
}

/** Single-item conditional writes and nothing else: DynamoDB and every stand-in for it can do this. */
export interface Table {
  get(key: TableKey): Promise<TableRecord | undefined>;
  /**
   * Writes the record if the stored one has `revision - 1` (0: if there is none). `false`: another write came
   * first.
   */
  put(record: TableRecord): Promise<boolean>;
  remove(key: TableKey): Promise<void>;
  /** Every record of a partition in the order of `sort`, newest last; `after` and `limit` are for paging. */
  query(partition: {
    readonly kind: string;
    readonly id: string;
    readonly prefix?: string;
    readonly after?: string;
    readonly limit?: number;
    readonly newestFirst?: boolean;
  }): Promise<readonly TableRecord[]>;
}

// ---- the rest of the world -------------------------------------------------------------------------------

export interface RekeyEvent {
  readonly type: string;
  readonly secretArn?: SecretArn;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface EventBus {
  /**
   * Delivery is at least once and unordered; publishing again is another event. Throws if the bus did not
   * confirm it: StoreUnavailable if it may have accepted it, InputInvalid if it never will.
   */
  publish(event: RekeyEvent): Promise<void>;
}

export type CallbackOutcome = "ok" | "closed";

export interface ExecutionState {
  readonly status: "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED" | "UNKNOWN";
}

/** The state machines, as a step sees them. */
export interface Executions {
  /**
   * `closed`: the task has ended, or the token is not known; a second callback does no harm. Throws
   * InputInvalid for an output over 256 KiB, and the task goes on waiting.
   */
  succeed(token: string, output: Readonly<Record<string, unknown>>): Promise<CallbackOutcome>;
  fail(token: string, failure: { readonly error: string; readonly cause: string }): Promise<CallbackOutcome>;
  /** UNKNOWN if there is no such execution. */
  describe(executionArn: string): Promise<ExecutionState>;
  /**
   * `alreadyStarted`: an execution of that name has ended or has another input. Repeating the same start
   * while it runs gives `started` and one execution. Names are separate for each machine. Throws InputInvalid
   * for an invalid name, and for an input over 256 KiB.
   */
  start(run: {
    readonly machine: "rotation" | "compromise";
    readonly name: string;
    readonly input: Readonly<Record<string, unknown>>;
  }): Promise<{ readonly executionArn: string; readonly outcome: "started" | "alreadyStarted" }>;
  /** Does nothing if the execution has ended or never existed. */
  stop(executionArn: string, reason: string): Promise<void>;
}

/** Wall-clock time of this process. For records and time-outs only, never for a safety rule (T1). */
export interface Clock {
  nowMs(): number;
  /** Resolves after `ms`. Only used inside a step, for less than its time-out. */
  pause(ms: number): Promise<void>;
}

/** Hashes, so that core needs no library. */
export interface Digest {
  sha256Hex(text: string): string;
}
