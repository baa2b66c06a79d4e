import { alertCount } from "../core/incident/alerts.ts";
import { undoableKeys } from "../core/incident/orders.ts";
import { isSettled } from "../core/incident/plan.ts";
import type { AlertSeen, IncidentRecord, KeyInScope, SecretInScope } from "../core/incident/record.ts";
import { refOf } from "../core/incident/transitions.ts";
import { triageSubject } from "../core/incident/turns.ts";
import type { PersonStep } from "../functions/incident/paging/person-steps.ts";
import { plural, shortName, when } from "./text.ts";

interface Seen {
  readonly record: IncidentRecord;
  readonly nowMs: number;
}

// ---- is it dead? -----------------------------------------------------------------------------------------

/** Begins with yes, no or "not": what was observed, never what is expected. */
export function whetherDead({ record, nowMs }: Seen): string {
  const { keys } = record;
  const [key, second] = keys;
  if (key === undefined) return "not known: nobody has said yet which key it is";
  if (second === undefined) return ofKey(key, { record, nowMs });
  const open = keys.filter((each) => !isSettled(each));
  const lead = open.length === 0 ? "yes, every key" : `no: ${open.length} of ${keys.length} keys are not`;
  return `${lead}; ${keys.map((each) => `${refOf(each)}: ${ofKey(each, { record, nowMs })}`).join("; ")}`;
}

function ofKey(key: KeyInScope, { record, nowMs }: Seen): string {
  const { acceptedAtMs, deadAtMs, quarantinedAtMs, waiver, probes, refusals } = key;
  const accepted = acceptedAtMs === undefined ? "" : `revoke accepted ${when(acceptedAtMs, nowMs)}`;
  if (deadAtMs !== undefined) {
    return [`yes: observed dead ${when(deadAtMs, nowMs)} (${howSeen(key)})`, accepted]
      .filter(Boolean)
      .join(", ");
  }
  if (waiver !== undefined) return `not proven: waived by ${shortName(waiver.by)} (${waiver.reason})`;
  if (accepted !== "")
    return `not yet: ${accepted}, still watched (${probes} probes, ${refusals} refused in a row)`;
  if (quarantinedAtMs !== undefined && key.state === "quarantined") {
    return `no: disabled ${when(quarantinedAtMs, nowMs)}, not revoked yet`;
  }
  return beforeRevoke(key, { record, nowMs });
}

function howSeen({ how, probes }: KeyInScope): string {
  if (how === "listing") return "gone from the listing";
  return how === "alreadyDead" ? "it was dead before" : `refused in a row, ${probes} probes`;
}

/** A key that was not tried may be dead or alive, whatever was done to it here. */
function beforeRevoke(key: KeyInScope, { record, nowMs }: Seen): string {
  const { revokeIntendedAtMs, probes, refusals } = key;
  const revoke =
    revokeIntendedAtMs === undefined
      ? "no revoke was accepted"
      : `the revoke asked for ${when(revokeIntendedAtMs, nowMs)} is not accepted`;
  if (refusals > 0) return `not yet: refused ${refusals} times in a row (${probes} probes); ${revoke}`;
  if (probes > 0) return `no: not refused when it was last tried (${probes} probes); ${revoke}`;
  return `not known: ${whoTried(record.alerts)}; ${revoke}`;
}

function whoTried(alerts: readonly AlertSeen[]): string {
  const live = alerts.find(({ verified }) => verified === "live");
  return live === undefined ? "nobody has tried it" : `${live.source} saw it work, Rekey has not tried it`;
}

// ---- which key? ------------------------------------------------------------------------------------------

export function whichKey(record: IncidentRecord): string {
  const { keys, match, secrets, subject } = record;
  if (keys.length === 0 && subject === triageSubject)
    return `none in particular: too many alerts named no exact key, and ${plural(alertCount(record), "of them is", "of them are")} triaged here`;
  const names = keys.map(nameOf);
  const held = secrets.map(({ name, environment }) => `${name} (${environment})`).join(", ");
  const matched =
    match.by === "none"
      ? `unknown: nothing under Rekey matches ${match.text.slice(0, shownMax)}`
      : `matched by ${match.by} ${match.text}`;
  const isNamed = match.by !== "none" || keys.some(({ account }) => account !== undefined);
  return [isNamed && names.join("; "), matched, held && `held by ${held}`].filter(Boolean).join("; ");
}

const shownMax = 60;

/** The key's place is where Rekey found it. It may have changed since. */
function nameOf(key: KeyInScope): string {
  const { provider, account, standing, what } = key;
  if (what !== undefined) return what;
  const at = provider === undefined ? "" : ` at ${provider} (${account ?? "unknown account"})`;
  const stood = standing === "unknown" || standing === "unplaced" ? "" : `, was ${standing}`;
  return `${refOf(key).slice(0, shownMax)}${at}${stood}`;
}

// ---- can it be undone? -----------------------------------------------------------------------------------

/** Once a revoke was requested it counts as done, because the provider may have accepted it. */
export function whetherUndoable(record: IncidentRecord): PersonStep {
  const { incidentId, keys, status } = record;
  if (status !== "closed" && undoableKeys(record).some(({ state }) => state === "quarantined")) {
    return {
      what: "yes, until it is revoked:",
      command: `rekey incident undo-quarantine ${incidentId} --reason "..."`,
    };
  }
  const before = keys.filter(({ how, goneBefore }) => how === "alreadyDead" || goneBefore === true);
  const taken = keys.filter(
    (key) => !before.includes(key) && (key.acceptedAtMs !== undefined || key.state === "dead"),
  );
  const asked = keys.filter(({ state }) => state === "revoking");
  if (taken.length > 0) return { what: `no: a revoke is final (${named(taken)}); ${whoGoesOn(record)}` };
  if (asked.length > 0) {
    const what = `no: the provider may have taken the revoke of ${named(asked)}, which is final; ${whoGoesOn(record)}`;
    return { what };
  }
  if (before.length > 0)
    return { what: `no: ${named(before)} was dead before Rekey asked; ${whoGoesOn(record)}` };
  const undone =
    undoableKeys(record).length > 0 ? "the quarantine was undone" : "nothing was done to the key yet";
  const given = record.secrets.filter(({ promotedAtMs }) => promotedAtMs !== undefined);
  return { what: given.length === 0 ? undone : `${undone}; ${given.map(goesOn).join(", ")}` };
}

const named = (keys: readonly KeyInScope[]): string => keys.map(refOf).join(", ");

function whoGoesOn({ secrets }: IncidentRecord): string {
  const handedOut = secrets.filter(({ replacement }) => replacement !== "notNeeded");
  if (handedOut.length > 0) return handedOut.map(goesOn).join(", ");
  return secrets.length === 0 ? "no secret of ours held it" : "no secret holds it any more";
}

function goesOn({ name, replacement, promotedAtMs, incomingKeyId }: SecretInScope): string {
  if (promotedAtMs !== undefined) return `${name} goes on with ${incomingKeyId ?? "the incoming key"}`;
  return replacement === "failed" ? `${name} has no replacement` : `${name} waits for its replacement`;
}
