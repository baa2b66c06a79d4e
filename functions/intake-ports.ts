import type { AuditLog } from "../audit/chain.ts";
import type { Clock } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { KeyCompromised } from "../events/compromise.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { LogLine } from "./deps.ts";

/** What the intake may touch: it holds no credential of a provider and reads no secret that is rotated. */
export interface IntakeDeps {
  readonly ledger: Pick<Ledger, "documents">;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  readonly signing: SigningSecrets;
  readonly alerts: AlertBus;
  readonly pointed: PointedAlerts;
  /** Whether one more refusal goes into the audit log: strangers must not be able to fill it. */
  mayAuditRefusal(): boolean;
  log(line: LogLine): void;
}

/** What the senders sign with. */
export interface SigningSecrets {
  /** Every version that a sender may sign with now; none for a source that is not configured. */
  of(source: string): Promise<readonly Secret[]>;
  /** The same, read again if what is cached is not brand new: the secret may just have been rotated. */
  afresh(source: string): Promise<readonly Secret[]>;
}

export interface AlertBus {
  /** At least once, all of them. Throws when the bus did not take one: StoreUnavailable where it still may. */
  publish(alerts: readonly KeyCompromised[]): Promise<void>;
}

/** Alerts that a webhook only points to. */
export interface PointedAlerts {
  readonly apiBases: readonly string[];
  /** The bytes there; undefined when they cannot be read in the time that an answer leaves. */
  read(url: string): Promise<Uint8Array | undefined>;
}

/** The audit chain of what was refused at the door: it belongs to no secret. */
export const intakeLog = "intake";
