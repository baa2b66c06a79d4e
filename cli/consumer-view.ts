import {
  type ConsumerEvidence,
  type Evidence,
  type InstanceEvidence,
  isForgotten,
  isInstance,
  isOfNobody,
  type UncountedEvidence,
} from "../core/adoption/evidence.ts";
import { sayDuration, sayWanted } from "../core/adoption/reason-text.ts";
import { type AdoptionView, blocksUntilMs } from "../core/adoption/view.ts";
import type { ConsumerPolicy, Policy } from "../core/policy.ts";
import { currentKey, promotedRun, type SecretRecord } from "../core/rotation/secret-record.ts";
import { utcText } from "../core/utc.ts";
import type { GateAnswer, RotationRecord } from "../ledger/entries.ts";
import { reasonText } from "./reason-text.ts";
import { headedTable, type Line } from "./table.ts";
import { ago } from "./text.ts";

export interface ConsumerFacts {
  readonly policy: Policy;
  readonly record: SecretRecord;
  /** The rotation that holds the secret. */
  readonly rotation: RotationRecord | undefined;
  readonly evidence: readonly Evidence[];
  readonly nowMs: number;
}

/** Who uses a secret, which key each instance holds, and what a rotation still waits for. */
export function consumerView({ policy, record, rotation, evidence, nowMs }: ConsumerFacts): {
  readonly seen: readonly Sighting[];
  readonly lines: readonly Line[];
} {
  const gate = rotation?.gate;
  const waiting = viewOf({ policy: rotation?.policy ?? policy, record, evidence }, nowMs);
  const seen = sightings({ policy, record, evidence, ...(waiting && { waiting }) });
  const rows = seen.map(({ consumer, environment, instance, source, key, seenAtMs, note }) => [
    ...[consumer, environment, instance ?? "-", source, key ?? "-"],
    `${seenAtMs === undefined ? "never" : ago(seenAtMs, nowMs)}${note === undefined ? "" : ` (${note})`}`,
  ]);
  const titles = ["CONSUMER", "ENVIRONMENT", "INSTANCE", "SOURCE", "KEY", "SEEN"];
  return {
    seen,
    lines: [
      rows.length === 0 ? "no consumer is declared, and none was seen" : headedTable(titles, rows),
      ...seen.flatMap((one) => blocking(one, nowMs)),
      ...(gate ? waitsOf(gate) : []),
    ],
  };
}

/** While a revoke waits: its gate's view. */
function viewOf({ policy, record, evidence }: View, nowMs: number): AdoptionView | undefined {
  const run = promotedRun(record.run);
  return run && { ...run, policy, evidence, nowMs };
}

function blocking({ consumer, instance, blocksUntilMs: ms }: Sighting, nowMs: number): readonly string[] {
  if (ms === undefined) return [];
  const most = `at most ${sayDuration(ms - nowMs)} more if it is not heard from again`;
  return [`${consumer} instance ${instance} blocks until ${utcText(ms)}, ${most}`];
}

/** Each reason to wait, and under an adoption reason what would end it. */
function waitsOf({ blockers, reasons }: GateAnswer): readonly string[] {
  return [
    ...blockers.map((blocker) => `waits for: ${blocker}`),
    ...reasons.flatMap((reason) => [`waits for: ${reasonText(reason)}`, `  to end it: ${sayWanted(reason)}`]),
  ];
}

export interface Sighting {
  readonly consumer: string;
  readonly environment: string;
  readonly source: string;
  readonly instance?: string;
  /** Which of the secret's keys an instance holds. */
  readonly key?: "current" | "incoming" | "retiring" | "unknown";
  readonly seenAtMs?: number;
  readonly note?: "undeclared" | "ended" | "forgotten";
  /** Until when the revoke waits for this instance, if it is not heard from again. */
  readonly blocksUntilMs?: number;
}

interface View {
  readonly policy: Policy;
  readonly record: SecretRecord;
  readonly evidence: readonly Evidence[];
  readonly waiting?: AdoptionView;
}

/** One line for everything that was seen, and one for each declared consumer that was never seen. */
function sightings({ policy, record, evidence, waiting }: View): readonly Sighting[] {
  const declared = policy.consumers === "none" ? [] : policy.consumers;
  const seen = evidence.flatMap((item): readonly Sighting[] => {
    if (isOfNobody(item)) return [];
    const { consumer, environment, kind, observedAtMs } = item;
    const sighting = { consumer, environment, source: kind, seenAtMs: observedAtMs };
    const isDeclared = declared.some((one) => isOf(item, one));
    const note = isDeclared ? undefined : ("undeclared" as const);
    if (!isInstance(item)) return [{ ...sighting, ...(note && { note }) }];
    const gone = noteOf(item) ?? note;
    const untilMs = waiting && blocksUntilMs(item, waiting);
    const held = { instance: item.instance, key: keyHeld(item, record) };
    return [
      {
        ...{ ...sighting, ...held },
        ...(gone && { note: gone }),
        ...(untilMs !== undefined && { blocksUntilMs: untilMs }),
      },
    ];
  });
  const unseen = declared
    .filter((one) => !evidence.some((item) => !isOfNobody(item) && isOf(item, one)))
    .map((one) => ({ consumer: one.name, environment: one.environment, source: one.evidence.join("+") }));
  return [...seen, ...unseen];
}

function noteOf(item: InstanceEvidence): Sighting["note"] {
  if (item.ended) return "ended";
  return isForgotten(item) ? "forgotten" : undefined;
}

function isOf(item: ConsumerEvidence | UncountedEvidence, consumer: ConsumerPolicy): boolean {
  return (
    item.consumer === consumer.name &&
    item.environment === consumer.environment &&
    item.account === consumer.account
  );
}

function keyHeld({ holds }: InstanceEvidence, record: SecretRecord): NonNullable<Sighting["key"]> {
  const { run } = record;
  if (run !== undefined && run.phase !== "opened" && run.incoming.fingerprint === holds.fingerprint)
    return "incoming";
  if (run?.retiring.fingerprint === holds.fingerprint) return "retiring";
  return currentKey(record)?.fingerprint === holds.fingerprint ? "current" : "unknown";
}
