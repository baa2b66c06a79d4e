import { isCutOff, sayStanding } from "../core/adoption/standing.ts";
import { stoppedAtMs } from "../core/incident/cut-off.ts";
import type { IncidentRecord, SecretInScope } from "../core/incident/record.ts";
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
    ({ secret, stoppedAtMs: sinceMs }) =>
      `${whoReads(secret)}, since ${when(sinceMs, nowMs)}: ${whyNotMoved(secret)}`,
  );
  const notAlive = record.secrets.flatMap(({ standings = [] }) =>
    standings.filter((each) => !isCutOff(each)),
  );
  const others = notAlive.map(sayStanding);
  if (failing.length > 0) return [...failing, ...others].join("; ");
  if (others.length > 0) return `nobody that reports; ${others.join("; ")}`;
  const waiting = record.secrets.filter((secret) => !isMoved(secret));
  if (waiting.length === 0) return "nobody that Rekey knows of";
  const late = waiting.flatMap(({ behind, name }) => (behind.length > 0 ? behind : [name]));
  const places = waiting.flatMap(({ copiesBehind = [] }) => copiesBehind.map(({ why }) => why));
  return [`nobody: Rekey has not stopped the key; not moved yet: ${late.join(", ")}`, ...places].join("; ");
}

/** Secrets whose readers hold a key that no longer works and do not have the next one yet. */
function cutOff({
  secrets,
  keys,
}: IncidentRecord): readonly { readonly secret: SecretInScope; readonly stoppedAtMs: number }[] {
  return secrets.flatMap((secret) => {
    const atMs = stoppedAtMs(secret, keys);
    return atMs === undefined || isMoved(secret) || isNobodyAlive(secret)
      ? []
      : [{ secret, stoppedAtMs: atMs }];
  });
}

function isMoved({ replacement }: SecretInScope): boolean {
  return replacement === "adopted" || replacement === "notNeeded";
}

/** Every consumer that was asked is silent or gone: that somebody fails is then neither seen nor ruled out. */
function isNobodyAlive({ standings, replacement }: SecretInScope): boolean {
  return (
    replacement !== "failed" && standings !== undefined && standings.length > 0 && !standings.some(isCutOff)
  );
}

function whoReads({ behind, name, standings = [] }: SecretInScope): string {
  const cut = standings.filter(isCutOff);
  if (cut.length > 0) return cut.map((each) => `${sayStanding(each)}${ownerText(each)}`).join(", ");
  return behind.length === 0 ? `whoever reads ${name}` : behind.join(", ");
}

function whyNotMoved({ replacement, failure, copiesBehind = [] }: SecretInScope): string {
  if (replacement === "failed") return `no replacement (${failure ?? "no reason"})`;
  const places = copiesBehind.map(({ why }) => why);
  return ["not on the incoming key yet", ...places].join("; ");
}

function ownerText({ owner }: { readonly owner?: string }): string {
  return owner === undefined ? "" : ` (owner ${owner})`;
}
