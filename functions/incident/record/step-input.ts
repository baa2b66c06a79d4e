import * as z from "zod";
import { InputInvalid } from "../../../core/errors.ts";
import type { IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";
import { keyInScope } from "../../../core/incident/transitions.ts";
import type { Deps } from "../../deps.ts";
import { stampedAt } from "../../step.ts";

export const incidentIdText = z.string().regex(/^[\w-]{1,80}$/, "is not the id of an incident");

/** The input of a step about one key in scope. */
export const keyStepInput = z.object({
  incidentId: incidentIdText,
  ref: z.string().min(1).max(2048),
  at: stampedAt,
});
export type KeyStepInput = z.output<typeof keyStepInput>;

export async function incidentOf({ incidentId }: Pick<KeyStepInput, "incidentId">, deps: Deps) {
  const record = await deps.ledger.incidents.incident(incidentId);
  if (record === undefined) throw new InputInvalid(`there is no incident ${incidentId}`);
  return record;
}

export function keyOf(record: IncidentRecord, ref: string): KeyInScope {
  const key = keyInScope(record, ref);
  if (key === undefined) throw new InputInvalid(`${record.incidentId} has no key ${ref} in its scope`);
  return key;
}

/** The machine's time plus the time that this step has taken: no clock skew gets into a decision (T1). */
export function stopwatch(atMs: number, { clock }: Pick<Deps, "clock">): () => number {
  const startedMs = clock.nowMs();
  return () => atMs + Math.max(0, clock.nowMs() - startedMs);
}

/** Only for records: if a state is retried, its entered time stays the first one. */
export function recordedAt(atMs: number, { clock }: Pick<Deps, "clock">): number {
  return Math.max(atMs, clock.nowMs());
}
