import * as z from "zod";
import { usedSince } from "../../core/incident/last-use.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import { addToTimeline } from "../../core/incident/transitions.ts";
import type { ScopeQuestion, With } from "../deps.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { scoper } from "../wiring/parts/scoper.ts";
import { changeIncident } from "./record/change.ts";
import { incidentIdText, incidentOf } from "./record/step-input.ts";

/** Less than the step's time-out, so that what was found in time is kept. */
const budgetMs = 240_000;

/** Looks up, once the key is contained, who read the secret, what the key did, and what else may have leaked. */
export const scopeIncident = step({
  name: "scope-incident",
  input: z.object({ incidentId: incidentIdText, at: stampedAt }),
  run: async (input, deps: With<"scoper">) => {
    const record = await incidentOf(input, deps);
    const scope = await deps.scoper.scope(questionOf(record, input.at));
    const detail = `${scope.ended}: ${scope.readers.length} readers, ${scope.newKeys.length} new keys`;
    await changeIncident(
      record.incidentId,
      (now) => addToTimeline({ ...now, scope }, { atMs: input.at, what: "scoped", detail }),
      deps,
    );
    return { outcome: scope.ended };
  },
});

export const handler = onLambda(scopeIncident, wiring({ scoper }));

/** Where the key was found. That a campaign reported it is no place: all of its keys would seem to lie in one file. */
function placesOf({ alerts, campaignId }: IncidentRecord): readonly string[] {
  const found = alerts.filter(
    ({ sourceId }) => campaignId === undefined || !sourceId.startsWith(`${campaignId}/`),
  );
  return [...new Set(found.flatMap(({ where }) => where))];
}

function questionOf(record: IncidentRecord, nowMs: number): ScopeQuestion {
  const promoted = new Map(record.secrets.map((secret) => [secret.secretArn, secret.promotedAtMs]));
  return {
    incidentId: record.incidentId,
    keys: record.keys.map(({ keyId, fingerprint, account, secretArn, deadAtMs, lastUse }) => {
      const promotedAtMs = secretArn === undefined ? undefined : promoted.get(secretArn);
      return {
        ...(keyId !== undefined && { keyId }),
        ...(fingerprint !== undefined && { fingerprint }),
        ...(account !== undefined && { account }),
        ...(secretArn !== undefined && { secretArn }),
        ...(deadAtMs !== undefined && { deadAtMs }),
        ...(lastUse && { lastUse }),
        ...(promotedAtMs !== undefined && { promotedAtMs }),
      };
    }),
    secrets: record.secrets.map(({ secretArn, versionId, incomingVersionId }) => ({
      secretArn,
      ...(versionId !== undefined && { versionId }),
      ...(incomingVersionId !== undefined && { incomingVersionId }),
    })),
    sinceMs: usedSince(record),
    untilMs: nowMs,
    where: placesOf(record),
    budgetMs,
    // The key is dead, so nothing presses, also after the campaign's deadline.
    ...(record.campaignId !== undefined && { accountWaitUntilMs: nowMs + budgetMs }),
  };
}
