import * as z from "zod";
import { type AdoptionVerdict, adoption } from "../../core/adoption/adoption.ts";
import { areCopiesOwed, sayCopiesBehind } from "../../core/adoption/copies.ts";
import { type ConsumerStanding, sayStanding, standingsOf } from "../../core/adoption/standing.ts";
import { cutToBytes } from "../../core/bytes.ts";
import { whyCutOff } from "../../core/incident/cut-off.ts";
import { copiesBehindMax, copyBehindBytes } from "../../core/incident/limits.ts";
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
import { escalator } from "../wiring/parts/escalator.ts";
import { sources } from "../wiring/parts/sources.ts";
import { page } from "./paging/page.ts";
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

/** Who had not moved when they were last asked, how each stood, and which of their copies are behind. */
type Late = Required<Pick<SecretInScope, "behind" | "standings" | "copiesBehind">>;

/** Checks whether every consumer of one secret holds the replacement, for as long as waiting makes sense. */
export const checkRecovery = step({
  name: "check-recovery",
  input: CheckRecoveryInput,
  run: async (input, deps: With<"sources" | "destinations" | "escalator">): Promise<Recovery> => {
    const policy = await policyAtGate(input, deps);
    const record = await deps.ledger.changeSecret(input.secretArn, (now) =>
      markSeenPromoted(now, input, { atMs: input.at }),
    );
    const run = assertPromoted(record, input);
    const incident = await incidentOf(input, deps);
    const view = { policy: consumersOnly(policy), run, nowMs: input.at, secretArn: input.secretArn };
    const evidence = await gatherEvidence(view, deps);
    const moved = adoption({ ...run, ...view, evidence });
    const standings = standingsOf({ ...run, ...view, evidence }).map((each) => withOwner(each, policy));
    const late = { behind: whoIsBehind(moved), standings, copiesBehind: whichCopies(moved) };
    const isRecovered = moved.verdict === "adopted";
    const noted = await note({ input, policy, late, isRecovered }, deps);
    const limitMs = run.promotedAtMs + policy.overlapMs;
    const isWatchOver = isOver({ input, incident, limitMs });
    await pageOwners({ record: noted, input, isWatchOver }, deps);
    const gate = await askGate({ policy, record, run, nowMs: input.at, evidence }, deps);
    return {
      verdict: verdictOf(moved, isWatchOver),
      decision: decisionText(gate.verdict, gate.blockers),
      seenSeq: record.seq,
      copiesOwed: moved.verdict !== "adopted" && areCopiesOwed(moved.reasons),
      waitSeconds: waitSeconds({ nowMs: input.at, limitMs, run }),
    };
  },
});

export const handler = onLambda(checkRecovery, wiring({ sources, destinations, escalator }));

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

function whichCopies(verdict: AdoptionVerdict): Late["copiesBehind"] {
  if (verdict.verdict === "adopted") return [];
  return sayCopiesBehind(verdict.reasons)
    .slice(0, copiesBehindMax)
    .map(({ consumer, why }) => ({ consumer, why: cutToBytes(why, copyBehindBytes) }));
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
    readonly late: Late;
    readonly isRecovered: boolean;
  },
  deps: Deps,
): Promise<IncidentRecord> {
  const { input, policy, late, isRecovered } = seen;
  const { secretArn, incidentId, at } = input;
  const names = policy.consumers === "none" ? [] : policy.consumers.map(({ name }) => name);
  return changeIncident(
    incidentId,
    (now) => {
      const known = now.secrets.find((secret) => secret.secretArn === secretArn);
      if (known === undefined || known.replacement === "adopted") return now;
      if (!isRecovered && isSame(known, late)) return now;
      const arrived = names.filter((name) => !late.behind.includes(name) && !hasMoved(known, name));
      const next = changeSecretInScope(now, secretArn, (secret) => ({
        ...secret,
        ...late,
        moved: [...secret.moved, ...arrived.map((consumer) => ({ consumer, atMs: at }))],
        replacement: isRecovered ? "adopted" : "recovering",
        ...(isRecovered && { adoptedAtMs: at }),
      }));
      const detail = isRecovered
        ? "every consumer holds the replacement"
        : `behind: ${late.behind.join(", ")}`;
      if (!isRecovered) return { ...next, seq: next.seq + 1 };
      return addToTimeline(next, { atMs: at, what: "replacementAdopted", detail, secretArn });
    },
    deps,
  );
}

function hasMoved({ moved }: SecretInScope, name: string): boolean {
  return moved.some(({ consumer }) => consumer === name);
}

function isSame(known: SecretInScope, late: Late): boolean {
  const text = ({ behind, standings = [], copiesBehind = [] }: Partial<Late>) =>
    [...(behind ?? []), ...standings.map(sayStanding), ...copiesBehind.map(({ why }) => why)].sort().join();
  return known.replacement === "recovering" && text(known) === text(late);
}

function withOwner(standing: ConsumerStanding, { consumers, owner }: Policy) {
  const declared = consumers === "none" ? [] : consumers;
  const named = declared.find(({ name }) => name === standing.consumer)?.refresh.owner ?? owner;
  return { ...standing, ...(named !== undefined && { owner: named }) };
}

/** A consumer that fetches again when it is refused has moved by then, and nobody has to be told. */
const moveMs = 2 * 60_000;

/** Once the key no longer works, whoever stays cut off is paged, and in any case before the incident can close. */
async function pageOwners(
  seen: {
    readonly record: IncidentRecord;
    readonly input: CheckRecoveryInput;
    readonly isWatchOver: boolean;
  },
  deps: With<"escalator">,
): Promise<void> {
  const { record, input, isWatchOver } = seen;
  const cut = whyCutOff(record, input.secretArn);
  if (cut === undefined || wasTold(record, cut.why)) return;
  if (!isWatchOver && input.at < cut.sinceMs + moveMs) return;
  await page({ record, due: { reason: "cutOff", severity: "page", why: cut.why }, atMs: input.at }, deps);
}

function wasTold({ pages }: IncidentRecord, why: string): boolean {
  return pages.some((sent) => sent.reason === "cutOff" && sent.why === why && sent.delivered.length > 0);
}
