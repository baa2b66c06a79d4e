import type { Evidence } from "../core/evidence.ts";
import type { ConsumerPolicy, Policy } from "../core/policy.ts";
import type { RotationId, SecretArn, VersionId } from "../core/ports.ts";

/** Something that is asked about consumers while a gate waits, and answers with evidence. */
export interface EvidenceSource {
  readonly name: string;
  observe(question: {
    readonly policy: Policy;
    readonly incomingVersionId: VersionId;
    readonly promotedAtMs: number;
    readonly nowMs: number;
  }): Promise<readonly Evidence[]>;
}

export interface RefreshOrder {
  readonly consumer: ConsumerPolicy;
  readonly secretArn: SecretArn;
  readonly versionId: VersionId;
  readonly rotationId: RotationId;
}

export interface RefreshAnswer {
  /** `off`: a deploy parameter has to list the workload before Rekey touches it. */
  readonly outcome: "started" | "nothingToDo" | "off" | "failed";
  readonly detail: string;
}

/** Makes a consumer pick up the incoming key. A repeat for the same version changes nothing more. */
export interface Refresher {
  refresh(order: RefreshOrder): Promise<RefreshAnswer>;
}

export type Refreshers = Readonly<Record<ConsumerPolicy["refresh"]["kind"], Refresher>>;
