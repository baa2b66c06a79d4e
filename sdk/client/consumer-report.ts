import type { Reads } from "./flight.ts";
import type { ReportKind } from "./options.ts";

/** Which version is held: everything about it but the value. */
export interface KeyVersion {
  readonly arn: string;
  readonly versionId: string;
  /** `sha256:` and 64 hex digits: the only form in which a key leaves the process. */
  readonly fingerprint: string;
}

/** The uses of one key and how they ended. Ages are on this instance's own clock, at the moment of the report. */
export interface UseReport {
  fingerprint: string;
  lastSuccessAgoMs: number | null;
  lastRefusalAgoMs: number | null;
}

export type Cause = "started" | "changed" | "refused" | "heartbeat" | "stopping";

/** One instance's report about one secret. Its environment is that of the bus on which it arrives. */
export interface ConsumerReport {
  schema: 1;
  kind: ReportKind;
  consumer: string;
  /** `name/start id`. */
  instance: string;
  secretArn: string;
  holds: { fingerprint: string; versionId: string };
  uses: UseReport[];
  cause: Cause;
  sequence: number;
  maxStaleMs: number;
  sdk: "rekey-client/0.1.0";
  /** For a dashboard. It decides nothing, so it is not part of what the proof signs. */
  reads?: Reads;
  /** Made with a pair derived from the key it holds: only who has the key can testify for it. */
  proof?: { sentAtMs: number; signature: string };
}
