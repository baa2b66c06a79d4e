import type { AuditLog } from "../audit/chain.ts";
import type { EvidenceSource, Refreshers } from "../consumers/ports.ts";
import type { Policy } from "../core/policy.ts";
import type { Clock, Digest, EventBus, Executions, KeyProvider, SecretStore } from "../core/ports.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { IncidentDeps } from "./incident-ports.ts";

/** One structured line; values are ids, names and numbers. */
export type LogLine = Readonly<
  Record<string, string | number | boolean | null | undefined | EmbeddedMetrics>
>;

/** As the line's `_aws`, makes its numbers metrics of CloudWatch. */
export interface EmbeddedMetrics {
  readonly Timestamp: number;
  readonly CloudWatchMetrics: readonly {
    readonly Namespace: string;
    readonly Dimensions: readonly (readonly string[])[];
    readonly Metrics: readonly { readonly Name: string }[];
  }[];
}

/** Everything a step may touch. `wiring.ts` builds it on AWS; the simulator builds it in memory. */
export interface Deps {
  /** The stage: one deployment is one environment, and every metric says which. */
  readonly environment: string;
  readonly ledger: Ledger;
  readonly store: SecretStore;
  provider(policy: Policy): KeyProvider;
  readonly sources: readonly EvidenceSource[];
  readonly refreshers: Refreshers;
  readonly bus: EventBus;
  readonly executions: Executions;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
  readonly digest: Digest;
  readonly incident: IncidentDeps;
  log(line: LogLine): void;
}
