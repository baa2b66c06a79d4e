import { whyNotClose } from "./plan.ts";
import type { IncidentRecord } from "./record.ts";
import { isExecutionOf, told } from "./transitions.ts";

export interface Settlement {
  /** The execution that ended; when another one has taken the incident up since, nothing changes. */
  readonly executionArn: string;
  readonly reason: string;
  readonly atMs: number;
}

/** Nothing works on the incident any more: it is closed where its keys are dead or waived, else a person's. */
export function settled(record: IncidentRecord, { executionArn, reason, atMs }: Settlement): IncidentRecord {
  if (!isExecutionOf(record, executionArn)) return record;
  if (record.status === "needsPerson" || record.closedAtMs !== undefined) return record;
  const isContained = whyNotClose(record) === undefined;
  const status = isContained ? ("closed" as const) : ("needsPerson" as const);
  const next: IncidentRecord = {
    ...record,
    status: record.status === "falseAlarm" ? record.status : status,
    ...{ reason, waits: [] },
    ...(isContained && { closedAtMs: atMs }),
  };
  return told(next, { atMs, what: "settled", detail: reason });
}
