import type { IncidentRecord } from "./record.ts";

export interface IncidentFacts {
  readonly incidentId: string;
  readonly plan: IncidentRecord["plan"];
  readonly detectedToRevokeMs?: number;
  readonly detectedToDeadMs?: number;
  readonly deadlineMs: number;
  readonly escalated: boolean;
  /** From the revoke until the last consumer used the replacement; 0 if all had moved before. */
  readonly outageMs: number;
  readonly reportPath?: string;
}

/** The figures of the `summary` line, from the record alone. */
export function incidentFacts(record: IncidentRecord): IncidentFacts {
  const accepted = record.keys.map((key) => key.quarantinedAtMs ?? key.acceptedAtMs ?? key.deadAtMs);
  const dead = record.keys.map(({ deadAtMs }) => deadAtMs);
  const reportPath = record.reports.at(-1)?.path;
  return {
    incidentId: record.incidentId,
    plan: record.plan,
    ...sinceDetection("detectedToRevokeMs", record, accepted),
    ...sinceDetection("detectedToDeadMs", record, dead),
    deadlineMs: record.deadlineAtMs - record.detectedAtMs,
    escalated: record.pages.some(({ severity, delivered }) => severity === "page" && delivered.length > 0),
    outageMs: outageOf(record),
    ...(reportPath !== undefined && { reportPath }),
  };
}

function sinceDetection<Name extends "detectedToRevokeMs" | "detectedToDeadMs">(
  name: Name,
  { detectedAtMs }: IncidentRecord,
  times: readonly (number | undefined)[],
): { readonly [Key in Name]?: number } {
  const known = times.filter((atMs) => atMs !== undefined);
  if (known.length === 0 || known.length < times.length) return {};
  return { [name]: Math.max(...known) - detectedAtMs } as { [Key in Name]?: number };
}

function outageOf({ keys, secrets }: IncidentRecord): number {
  const stops = keys
    .filter(({ goneBefore }) => goneBefore !== true)
    .flatMap((key) => key.quarantinedAtMs ?? key.acceptedAtMs ?? []);
  const moves = secrets.flatMap(({ adoptedAtMs, replacement }) =>
    replacement === "notNeeded" || adoptedAtMs === undefined ? [] : [adoptedAtMs],
  );
  return stops.length === 0 || moves.length === 0 ? 0 : Math.max(0, Math.max(...moves) - Math.min(...stops));
}
