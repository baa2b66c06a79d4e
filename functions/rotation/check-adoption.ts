import * as z from "zod";
import type { AdoptionReason } from "../../core/adoption/adoption.ts";
import { areCopiesOwed } from "../../core/adoption/copies.ts";
import { sayReason } from "../../core/adoption/reason-text.ts";
import type { Policy } from "../../core/policy.ts";
import { decisionText, nextCheckMs } from "../../core/rotation/decision.ts";
import { isOnlyRetained } from "../../core/rotation/gate.ts";
import { markSeenPromoted } from "../../core/rotation/incoming.ts";
import { assertPromoted, type PromotedRun, type SecretRecord } from "../../core/rotation/secret-record.ts";
import type { Deps, With } from "../deps.ts";
import { askGate, type Gate, gatherEvidence } from "../secret/gate.ts";
import { noteRun, policyAtGate } from "../secret/run-record.ts";
import { onLambda, step, type TicketInput, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { destinations } from "../wiring/parts/destinations.ts";
import { sources } from "../wiring/parts/sources.ts";

/** An execution's history holds 25,000 events and each lap takes about 20, so laps get longer with the overlap. */
const lapsMax = 500;
const lapMsMin = 2_000;
/** A shorter wait is made inside the function, because a Wait state only has whole seconds. */
const pauseInPlaceMaxMs = 1_500;
const waitSecondsMax = 1_900_000;
const reasonsShownMax = 20;

type Verdict = "adopted" | "waiting" | "overdue" | "retained";

export const checkAdoption = step({
  name: "check-adoption",
  input: z.object(ticketShape),
  run: async (input, deps: With<"sources" | "destinations">) => {
    const policy = await policyAtGate(input, deps);
    const look = await lookUntilClear({ input, policy, nowMs: input.at }, deps);
    const verdict = verdictOf(look);
    const answer = {
      verdict,
      decision: decisionText(look.gate.verdict, look.gate.blockers),
      reason: whySaid(look.gate),
      seenSeq: look.record.seq,
      reasons: reasonsIn(look.gate).slice(0, reasonsShownMax),
      quarantine: verdict === "adopted" && mayQuarantine({ ...look, policy }, deps),
      // A run that was resumed in quarantine has to wait again: consumers must not be without the key meanwhile.
      undo: verdict !== "adopted" && look.run.phase === "quarantined",
      copiesOwed: areCopiesOwed(reasonsIn(look.gate)),
      waitSeconds: Math.min(waitSecondsMax, Math.max(1, Math.floor((look.waitMs ?? 0) / 1000))),
    };
    const shown = { ...answer, blockers: look.gate.blockers, askedAtMs: look.nowMs };
    await noteRun({ ticket: input, note: { gate: shown } }, deps);
    return answer;
  },
});

export const handler = onLambda(checkAdoption, wiring({ sources, destinations }));

interface Look {
  readonly record: SecretRecord;
  readonly run: PromotedRun;
  readonly gate: Gate;
  readonly nowMs: number;
  /** Undefined if the gate is open. */
  readonly waitMs: number | undefined;
}

interface Looking {
  readonly input: TicketInput;
  readonly policy: Policy;
  readonly nowMs: number;
}

/** Checks once, and again after a pause that is too short for a Wait state. */
async function lookUntilClear(looking: Looking, deps: With<"sources" | "destinations">): Promise<Look> {
  const first = await look(looking, deps);
  if (first.waitMs === undefined || first.waitMs === 0 || first.waitMs > pauseInPlaceMaxMs) return first;
  await deps.clock.pause(first.waitMs);
  return look({ ...looking, nowMs: looking.nowMs + first.waitMs }, deps);
}

/** The record is read before the evidence, so that evidence that arrives in between shows as a newer `seq`. */
async function look(
  { input, policy, nowMs }: Looking,
  deps: With<"sources" | "destinations">,
): Promise<Look> {
  // A resumed run starts here, and so does one whose consumers could not be nudged.
  const record = await deps.ledger.changeSecret(input.secretArn, (now) =>
    markSeenPromoted(now, input, { atMs: nowMs }),
  );
  const run = assertPromoted(record, input);
  const evidence = await gatherEvidence({ policy, run, nowMs, secretArn: input.secretArn }, deps);
  const gate = await askGate({ policy, record, run, nowMs, evidence }, deps);
  return { record, run, gate, nowMs, waitMs: waitFor({ record, run, gate, policy, nowMs }) };
}

function waitFor(
  view: Pick<Look, "record" | "run" | "gate" | "nowMs"> & { policy: Policy },
): number | undefined {
  const { record, run, gate, policy, nowMs } = view;
  // A recorded revoke counts as done. It only has to be repeated, unless somebody put the retiring key back.
  if (isRevokeBegun(run) && record.frozen === undefined) return undefined;
  if (gate.verdict.verdict === "adopted" && gate.blockers.length === 0) return undefined;
  return nextCheckMs({
    reasons: gate.blockers.length > 0 ? [] : reasonsIn(gate),
    untilDeadlineMs: run.deadlineAtMs - nowMs,
    lapMs: Math.max(lapMsMin, policy.overlapMs / lapsMax),
  });
}

/** Also true if an incident contained the key before this run could replace it. */
function isRevokeBegun({ phase }: PromotedRun): boolean {
  return phase === "revoking" || phase === "revoked" || phase === "dead";
}

function verdictOf({ waitMs, run, gate, nowMs }: Look): Verdict {
  if (waitMs === undefined) return "adopted";
  if (gate.verdict.verdict === "adopted" && isOnlyRetained(gate.standing)) return "retained";
  return run.deadlineAtMs <= nowMs ? "overdue" : "waiting";
}

function reasonsIn({ verdict }: Gate): readonly AdoptionReason[] {
  return verdict.verdict === "adopted" ? [] : verdict.reasons;
}

/** The first reason to wait, in words, for the console and the log. */
function whySaid(gate: Gate): string {
  const said = [...gate.blockers, ...reasonsIn(gate).map(sayReason)];
  const more = said.length > 1 ? ` (and ${said.length - 1} more)` : "";
  return said[0] === undefined ? "nothing is in the way" : `${said[0]}${more}`;
}

function mayQuarantine({ record, run, policy }: Look & { readonly policy: Policy }, deps: Deps): boolean {
  if (run.phase !== "promoted" || run.quarantineUndone === true) return false;
  const { quarantine } = deps.provider(policy).capabilities;
  if (quarantine !== "ifScopesKnown") return quarantine === "yes";
  return record.keys.some((key) => key.keyId === run.retiring.keyId && key.scopes !== undefined);
}
