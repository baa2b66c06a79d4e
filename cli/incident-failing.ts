import type { IncidentRecord, KeyInScope, SecretInScope } from "../core/incident/record.ts";
import { keysHeldBy } from "../core/incident/transitions.ts";
import { when } from "./text.ts";

interface Seen {
  readonly record: IncidentRecord;
  readonly nowMs: number;
}

/**
 * Who fails, from the ledger alone: each consumer that was last seen without another key after the leaked one
 * stopped.
 */
export function whoFails({ record, nowMs }: Seen): string {
  const failing = cutOff(record).map(
    ({ secret, stoppedAtMs }) =>
      `${whoReads(secret)}, since ${when(stoppedAtMs, nowMs)}: ${whyNotMoved(secret)}`,
  );
  if (failing.length > 0) return failing.join("; ");
  const waiting = record.secrets.filter((secret) => !isMoved(secret));
  if (waiting.length === 0) return "nobody that Rekey knows of";
  const late = waiting.flatMap(({ behind, name }) => (behind.length > 0 ? behind : [name]));
  return `nobody: Rekey has not stopped the key; not moved yet: ${late.join(", ")}`;
}

/** Secrets whose readers hold a key that no longer works and do not have the next one yet. */
export function cutOff({
  secrets,
  keys,
}: IncidentRecord): readonly { readonly secret: SecretInScope; readonly stoppedAtMs: number }[] {
  return secrets.flatMap((secret) => {
    const stoppedAtMs = stopOf(keysHeldBy(secret, keys));
    return stoppedAtMs === undefined || isMoved(secret) ? [] : [{ secret, stoppedAtMs }];
  });
}

function isMoved({ replacement }: SecretInScope): boolean {
  return replacement === "adopted" || replacement === "notNeeded";
}

function stopOf(held: readonly KeyInScope[]): number | undefined {
  const stops = held.flatMap((key) =>
    key.state === "quarantined" ? (key.quarantinedAtMs ?? []) : (key.acceptedAtMs ?? key.deadAtMs ?? []),
  );
  return stops.length === 0 ? undefined : Math.min(...stops);
}

function whoReads({ behind, name }: SecretInScope): string {
  return behind.length === 0 ? `whoever reads ${name}` : behind.join(", ");
}

function whyNotMoved({ replacement, failure }: SecretInScope): string {
  return replacement === "failed"
    ? `no replacement (${failure ?? "no reason"})`
    : "not on the incoming key yet";
}
