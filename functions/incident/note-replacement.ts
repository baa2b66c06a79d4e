import * as z from "zod";
import type { IncidentRecord, SecretInScope } from "../../core/incident/record.ts";
import { isReplacedAgain } from "../../core/incident/replace-again.ts";
import { isOver } from "../../core/incident/status.ts";
import { dropReused } from "../../core/incident/takeover.ts";
import { addToTimeline, changeSecretInScope, isPast } from "../../core/incident/transitions.ts";
import { promotedRun } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";
import { reasonOf } from "../failure-text.ts";
import { onLambda, step, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { changeIncident, waitSecondsFor } from "./record/change.ts";
import { incidentIdText, incidentOf } from "./record/step-input.ts";

const slotTriesMax = 60;
const slotRetryMs = 15_000;

const NoteReplacementInput = z.object({
  ...ticketShape,
  incidentId: incidentIdText,
  action: z.enum(["promoted", "failed", "noSlot", "supplyWanted"]),
  failure: z.object({ Error: z.string().max(200), Cause: z.string().max(40_000).optional() }).optional(),
});
type NoteReplacementInput = z.output<typeof NoteReplacementInput>;

interface Noted {
  readonly outcome: "noted" | "wait" | "again" | "failed";
  readonly seenSeq: number;
  readonly waitSeconds: number;
}

/** Records how the replacement of one secret is going: containment and the clock wait for it. */
export const noteReplacement = step({
  name: "note-replacement",
  input: NoteReplacementInput,
  run: async (input, deps: Deps): Promise<Noted> => {
    switch (input.action) {
      case "promoted":
        return promoted(input, deps);
      case "failed":
        return failed(input, deps);
      case "noSlot":
        return noSlot(input, deps);
      case "supplyWanted":
        return supplyWanted(input, deps);
    }
  },
});

export const handler = onLambda(noteReplacement, wiring());

type Edit = (secret: SecretInScope) => SecretInScope;

function inScope(record: IncidentRecord, secretArn: string): SecretInScope | undefined {
  return record.secrets.find((secret) => secret.secretArn === secretArn);
}

async function promoted(input: NoteReplacementInput, deps: Deps): Promise<Noted> {
  const { secretArn, incidentId, rotationId, at } = input;
  const run = promotedRun((await deps.ledger.secret(secretArn)).run);
  if (run === undefined || run.rotationId !== rotationId) return noted(await incidentOf(input, deps));
  const { promotedAtMs } = run;
  const { keyId: incomingKeyId, versionId: incomingVersionId } = run.incoming;
  const edit: Edit = ({ slotTries: _freed, failure: _over, supplyWanted: _given, ...secret }) => ({
    ...secret,
    ...{ replacement: "promoted", promotedAtMs, incomingKeyId, incomingVersionId },
  });
  const next = await changeIncident(
    incidentId,
    (now) => {
      const before = inScope(now, secretArn)?.replacement;
      if (before !== "pending" && before !== "failed") return now;
      const changed = changeSecretInScope(now, secretArn, edit);
      return addToTimeline(changed, {
        atMs: at,
        what: "replacementPromoted",
        detail: incomingKeyId,
        secretArn,
      });
    },
    deps,
  );
  return noted(next);
}

/** If a reused key was refused there is a second chance: minting a key for this incident. */
async function failed(input: NoteReplacementInput, deps: Deps): Promise<Noted> {
  const { secretArn, incidentId, rotationId, at } = input;
  const failure = input.failure === undefined ? "it failed" : reasonOf(input.failure);
  const known = await incidentOf(input, deps);
  const before = inScope(known, secretArn);
  if (before?.reused && input.failure?.Error !== "Superseded") {
    const record = await deps.ledger.changeSecret(secretArn, (now) => dropReused(now, rotationId));
    if (record.run?.phase === "opened" && record.lease?.runId === rotationId) {
      const next = await changeIncident(
        incidentId,
        (now) => changeSecretInScope(now, secretArn, (secret) => ({ ...secret, reused: false })),
        deps,
      );
      return { ...noted(next), outcome: "again" };
    }
  }
  const error = input.failure?.Error ?? "";
  if (before?.replacement === "pending" && isReplacedAgain(known, { error, atMs: at })) {
    const detail = `${failure}; the replacement begins again`;
    const again = await changeIncident(
      incidentId,
      (now) => addToTimeline(now, { atMs: at, what: "replacementFailed", detail, secretArn }),
      deps,
    );
    return { ...noted(again), outcome: "again" };
  }
  const isTaken = error === "Superseded";
  const next = await changeIncident(
    incidentId,
    (now) => {
      if (inScope(now, secretArn)?.replacement !== "pending") return now;
      const changed = changeSecretInScope(now, secretArn, ({ slotTries: _over, ...secret }) => ({
        ...secret,
        failure,
        replacement: isTaken ? "notNeeded" : "failed",
      }));
      return addToTimeline(changed, { atMs: at, what: "replacementFailed", detail: failure, secretArn });
    },
    deps,
  );
  return { ...noted(next), outcome: "failed" };
}

/** People are paged at once: under contain-first containment does not wait for them. */
async function supplyWanted(input: NoteReplacementInput, deps: Deps): Promise<Noted> {
  const { secretArn, incidentId, at } = input;
  const next = await changeIncident(
    incidentId,
    (now) => {
      if (inScope(now, secretArn)?.supplyWanted) return now;
      const wanted = changeSecretInScope(now, secretArn, (secret) => ({ ...secret, supplyWanted: true }));
      return addToTimeline(wanted, {
        atMs: at,
        what: "personNeeded",
        detail: "a replacement has to be supplied",
        secretArn,
      });
    },
    deps,
  );
  return noted(next);
}

/**
 * The provider's limit leaves no room for one more key. Containment frees a slot, unless the incident was
 * called off.
 */
async function noSlot(input: NoteReplacementInput, deps: Deps): Promise<Noted> {
  const { secretArn, incidentId, at } = input;
  const record = await incidentOf(input, deps);
  const tries = (inScope(record, secretArn)?.slotTries ?? 0) + 1;
  if (tries > slotTriesMax) return failed(input, deps);
  const next = await changeIncident(
    incidentId,
    (now) => ({
      ...changeSecretInScope(now, secretArn, (secret) => ({ ...secret, slotTries: tries })),
      seq: now.seq + 1,
    }),
    deps,
  );
  if (isOver(next.status)) return failed(input, deps);
  const isFreed = next.keys.every((key) => key.waiver !== undefined || isPast(key, "revoking"));
  if (isFreed && tries === 1) return { ...noted(next), outcome: "again" };
  // The slot is free only after the provider has removed the revoked key.
  const untilMs = isFreed ? { untilMs: at + slotRetryMs } : {};
  return {
    outcome: "wait",
    seenSeq: next.seq,
    waitSeconds: waitSecondsFor({ record: next, nowMs: at, ...untilMs }),
  };
}

function noted({ seq }: IncidentRecord): Noted {
  return { outcome: "noted", seenSeq: seq, waitSeconds: 1 };
}
