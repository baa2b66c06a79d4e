import * as z from "zod";
import { type AdoptionVerdict, adoption } from "../../core/adoption/adoption.ts";
import { areCopiesOwed } from "../../core/adoption/copies.ts";
import { whyNotClose } from "../../core/incident/plan.ts";
import type { IncidentRecord, SecretInScope } from "../../core/incident/record.ts";
import { addToTimeline, changeSecretInScope } from "../../core/incident/transitions.ts";
import type { Policy } from "../../core/policy.ts";
import { decisionText } from "../../core/rotation/decision.ts";
import { markSeenPromoted } from "../../core/rotation/incoming.ts";
import { assertPromoted, type PromotedRun } from "../../core/rotation/secret-record.ts";
import type { Deps, With } from "../deps.ts";
import { askGate, gatherEvidence } from "../secret/gate.ts";
import { policyAtGate } from "../secret/run-record.ts";
import { onLambda, step, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { destinations } from "../wiring/parts/destinations.ts";
import { sources } from "../wiring/parts/sources.ts";
import { changeIncident } from "./record/change.ts";
import { incidentIdText, incidentOf } from "./record/step-input.ts";

const lapsMax = 200;
const lapMsMin = 2_000;

const CheckRecoveryInput = z.object({
  ...ticketShape,
  incidentId: incidentIdText,
  until: z.enum(["containment", "recovery"]),
});
type CheckRecoveryInput = z.output<typeof CheckRecoveryInput>;

interface Recovery {
  readonly verdict: "moved" | "waiting" | "over";
  readonly decision: string;
  readonly seenSeq: number;
  readonly copiesOwed: boolean;
  readonly waitSeconds: number;
}

/** Checks whether every consumer of one secret holds the replacement, for as long as waiting makes sense. */
export const checkRecovery = step({
  name: "check-recovery",
  input: CheckRecoveryInput,
  run: async (input, deps: With<"sources" | "destinations">): Promise<Recovery> => {
    const policy = await policyAtGate(input, deps);
    const record = await deps.ledger.changeSecret(input.secretArn, (now) =>
      markSeenPromoted(now, input, { atMs: input.at }),
    );
    const run = assertPromoted(record, input);
    const incident = await incidentOf(input, deps);
    const view = { policy: consumersOnly(policy), run, nowMs: input.at, secretArn: input.secretArn };
    const evidence = await gatherEvidence(view, deps);
    const moved = adoption({ ...run, ...view, evidence });
    const behind = whoIsBehind(moved);
    await note({ input, policy, behind, isRecovered: moved.verdict === "adopted" }, deps);
    const limitMs = run.promotedAtMs + policy.overlapMs;
    const gate = await askGate({ policy, record, run, nowMs: input.at, evidence }, deps);
    return {
      verdict: verdictOf(moved, isOver({ input, incident, limitMs })),
      decision: decisionText(gate.verdict, gate.blockers),
      seenSeq: record.seq,
      copiesOwed: moved.verdict !== "adopted" && areCopiesOwed(moved.reasons),
      waitSeconds: waitSeconds({ nowMs: input.at, limitMs, run }),
    };
  },
});

export const handler = onLambda(checkRecovery, wiring({ sources, destinations }));

function verdictOf({ verdict }: AdoptionVerdict, isWatchOver: boolean): Recovery["verdict"] {
  if (verdict === "adopted") return "moved";
  return isWatchOver ? "over" : "waiting";
}

/**
 * What the provider sees of the compromised key is no evidence about our consumers: an attacker may be using
 * it right now. So only the consumers' own reports count.
 */
function consumersOnly(policy: Policy): Policy {
  return { ...policy, signals: [], quietMs: 0 };
}

function whoIsBehind(verdict: AdoptionVerdict): readonly string[] {
  if (verdict.verdict === "adopted") return [];
  return [...new Set(verdict.reasons.flatMap(({ consumer }) => consumer ?? []))];
}

/**
 * While containment is under way, the watch ends with it. After it, the watch ends with the overlap of the
 * policy.
 */
function isOver(view: {
  readonly input: CheckRecoveryInput;
  readonly incident: IncidentRecord;
  readonly limitMs: number;
}): boolean {
  const { input, incident, limitMs } = view;
  const isContained = input.until === "containment" && whyNotClose(incident) === undefined;
  return input.at >= limitMs || isContained || incident.status === "falseAlarm";
}

function waitSeconds(wait: { readonly nowMs: number; readonly limitMs: number; readonly run: PromotedRun }) {
  const lapMs = Math.max(lapMsMin, (wait.limitMs - wait.run.promotedAtMs) / lapsMax);
  return Math.max(1, Math.ceil(Math.min(lapMs, wait.limitMs - wait.nowMs) / 1000));
}

async function note(
  seen: {
    readonly input: CheckRecoveryInput;
    readonly policy: Policy;
    readonly behind: readonly string[];
    readonly isRecovered: boolean;
  },
  deps: Deps,
): Promise<void> {
  const { input, policy, behind, isRecovered } = seen;
  const { secretArn, incidentId, at } = input;
  const names = policy.consumers === "none" ? [] : policy.consumers.map(({ name }) => name);
  await changeIncident(
    incidentId,
    (now) => {
      const known = now.secrets.find((secret) => secret.secretArn === secretArn);
      if (known === undefined || known.replacement === "adopted") return now;
      if (!isRecovered && isSame(known, behind)) return now;
      const arrived = names.filter((name) => !behind.includes(name) && !hasMoved(known, name));
      const next = changeSecretInScope(now, secretArn, (secret) => ({
        ...secret,
        behind,
        moved: [...secret.moved, ...arrived.map((consumer) => ({ consumer, atMs: at }))],
        replacement: isRecovered ? "adopted" : "recovering",
        ...(isRecovered && { adoptedAtMs: at }),
      }));
      const detail = isRecovered ? "every consumer holds the replacement" : `behind: ${behind.join(", ")}`;
      if (!isRecovered) return { ...next, seq: next.seq + 1 };
      return addToTimeline(next, { atMs: at, what: "replacementAdopted", detail, secretArn });
    },
    deps,
  );
}

function hasMoved({ moved }: SecretInScope, name: string): boolean {
  return moved.some(({ consumer }) => consumer === name);
}

function isSame(known: SecretInScope, behind: readonly string[]): boolean {
  return known.replacement === "recovering" && [...known.behind].sort().join() === [...behind].sort().join();
}
