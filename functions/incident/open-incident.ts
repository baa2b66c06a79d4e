import * as z from "zod";
import { InputInvalid, LedgerContended, Superseded } from "../../core/errors.ts";
import { containBy, escalateAt, incidentWindows, planFor } from "../../core/incident/plan.ts";
import type { IncidentRecord, KeyInScope, SecretInScope } from "../../core/incident/record.ts";
import { isOver } from "../../core/incident/status.ts";
import { addToTimeline, isExecutionOf, refOf } from "../../core/incident/transitions.ts";
import { hasTerms } from "../../core/rotation/gate.ts";
import type { Deps } from "../deps.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { changeIncident } from "./record/change.ts";
import { planFacts, policiesOf } from "./record/policies.ts";
import { publish } from "./record/publish.ts";
import { incidentIdText } from "./record/step-input.ts";
import type { TakenSecret } from "./takeover/take-secret.ts";
import { type Opening, placed, takeSecrets } from "./takeover/take-secrets.ts";

interface Opened {
  readonly outcome: "opened" | "over";
  readonly keys: readonly string[];
  readonly secrets: readonly {
    readonly secretArn: string;
    readonly rotationId: string;
    readonly fence: number;
    readonly from: string;
  }[];
}

/** Finds every secret that holds the key, takes each from whatever run has it, and sets the clock and the plan. */
export const openIncident = step({
  name: "open-incident",
  input: z.object({ incidentId: incidentIdText, executionArn: z.string().max(2048), at: stampedAt }),
  run: async (input, deps: Deps): Promise<Opened> => {
    const record = await deps.ledger.incidents.incident(input.incidentId);
    if (record === undefined) throw new InputInvalid(`there is no incident ${input.incidentId}`);
    if (isOver(record.status)) return { outcome: "over", keys: [], secrets: [] };
    const taken = await takeSecrets({ record, input }, deps);
    const keys = await Promise.all(record.keys.map((key) => placed(key, { record, taken }, deps)));
    const opened = await decide({ record, input, taken, keys }, deps);
    await publish(openedEvent(opened), deps);
    return {
      outcome: "opened",
      keys: opened.keys.map(refOf),
      secrets: taken.flatMap(({ scope: { secretArn, rotationId, fence }, from }) =>
        from === "none" || rotationId === undefined || fence === undefined
          ? []
          : [{ secretArn, rotationId, fence, from }],
      ),
    };
  },
});

export const handler = onLambda(openIncident, wiring());

interface Deciding extends Opening {
  readonly taken: readonly TakenSecret[];
  readonly keys: readonly KeyInScope[];
}

/**
 * Everything that is decided at the opening, in one write. If the same execution repeats it, nothing is
 * decided again.
 */
async function decide({ record, input, taken, keys }: Deciding, deps: Deps): Promise<IncidentRecord> {
  const { at, executionArn } = input;
  const owned = await policiesOf(
    taken.map(({ scope }) => scope),
    deps,
  );
  return changeIncident(
    record.incidentId,
    (now) => {
      if (!isExecutionOf(now, executionArn) || now.status === "needsPerson")
        throw new Superseded(`this execution works on ${now.incidentId} no more: it is ${now.status}`);
      if (now.keys.map(refOf).join() !== record.keys.map(refOf).join())
        throw new LedgerContended("another alert said which key it is while the incident was opened");
      if (now.openedBy === executionArn || isOver(now.status))
        return { ...now, secrets: mergedScopes(now.secrets, taken) };
      const placedKeys = now.keys.map((key, index) => ({ ...key, ...standingOf(keys[index]) }));
      const choice = planFor(planFacts({ ...now, keys: placedKeys }, owned));
      const openedAtMs = now.openedAtMs ?? at;
      const { escalateAfterMs, containByMs } = incidentWindows(owned);
      const open: IncidentRecord = {
        ...now,
        ...{ status: "open", executionArn, openedBy: executionArn, openedAtMs, takenUpAtMs: at },
        ...{ plan: choice.plan, planWhy: choice.why },
        escalateAtMs: escalateAt({ openedAtMs, deadlineAtMs: now.deadlineAtMs, escalateAfterMs }),
        containByMs: containBy({ openedAtMs, containByMs, campaign: now }),
        keys: placedKeys,
        secrets: taken.map(({ scope }) => scope),
      };
      const fenced = taken.flatMap(({ fenced: name, scope }) =>
        name === undefined ? [] : [`${scope.name}: ${name} was taken over`],
      );
      const planned = addToTimeline(open, {
        atMs: at,
        what: "planChosen",
        detail: `${choice.plan}: ${choice.why}`,
      });
      const told = fenced.reduce(
        (next, detail) => addToTimeline(next, { atMs: at, what: "rotationFenced", detail }),
        planned,
      );
      return owned.filter(hasTerms).reduce((next, { name, secretArn }) => {
        const detail = `${name}: this incident waits for no approval, change window, freeze or other secret`;
        return addToTimeline(next, { atMs: at, what: "termsIgnored", detail, secretArn });
      }, told);
    },
    deps,
  );
}

function standingOf(key: KeyInScope | undefined): Partial<KeyInScope> {
  if (key === undefined) return {};
  const { standing, account, provider, secretArn, blocked, what } = key;
  return {
    standing,
    ...(provider !== undefined && { provider }),
    ...(what !== undefined && { what }),
    ...(account !== undefined && { account }),
    ...(secretArn !== undefined && { secretArn }),
    ...(blocked !== undefined && { blocked }),
  };
}

/** A repeated opening keeps what is known of a secret's replacement. The fence is the newest. */
function mergedScopes(
  known: readonly SecretInScope[],
  taken: readonly TakenSecret[],
): readonly SecretInScope[] {
  return taken.map(({ scope }) => {
    const before = known.find(({ secretArn }) => secretArn === scope.secretArn);
    if (before === undefined) return scope;
    const { fence, rotationId } = scope;
    return { ...scope, ...before, ...(fence !== undefined && { fence }), ...(rotationId && { rotationId }) };
  });
}

function openedEvent({ incidentId, plan, planWhy, match, keys, secrets }: IncidentRecord) {
  return {
    type: "IncidentOpened",
    detail: {
      ...{ incidentId, plan, planWhy, matchedBy: match.by },
      keyIds: keys.flatMap(({ keyId }) => keyId ?? []),
      secretArns: secrets.map(({ secretArn }) => secretArn),
    },
  };
}
