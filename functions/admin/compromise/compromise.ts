import * as z from "zod";
import { deploymentChain } from "../../../audit/chain.ts";
import { listIncidents } from "../../../core/incident/checklist.ts";
import type { Alert } from "../../../events/alert.ts";
import { FingerprintSchema } from "../../../events/alert.ts";
import { type Raised, raiseAlerts } from "../../alerts/raise.ts";
import { changeIncident } from "../../incident/record/change.ts";
import { adminCommand, type Caller, type RefusedAnswer, refused } from "../command.ts";
import { reasonText, secretText } from "../inputs.ts";
import { openParent } from "./parent.ts";
import { foretell } from "./preview.ts";
import { type Leak, whichLeaks } from "./target.ts";

const target = {
  secret: secretText.optional(),
  fingerprints: z.array(FingerprintSchema).min(1).max(64).optional(),
  repository: z.string().min(1).max(256).optional(),
  consumer: z.string().min(1).max(64).optional(),
  account: z.string().min(1).max(64).optional(),
  keyId: z.string().min(1).max(256).optional(),
};

const CompromiseInput = z.strictObject({
  command: z.literal("compromise"),
  ...target,
  reason: reasonText,
  exposure: z.enum(["public", "private", "unknown"]).default("unknown"),
  exposedAtMs: z.int().nonnegative().optional(),
  where: z.string().min(1).max(300).optional(),
  plan: z.enum(["contain-first", "switch-first"]).optional(),
  dryRun: z.boolean().default(false),
});
type CompromiseInput = z.output<typeof CompromiseInput>;

/**
 * An authenticated person reports that keys leaked: one, or every key of a repository, a consumer or a
 * provider account.
 */
export const compromise = adminCommand({
  input: CompromiseInput,
  run: async ({ input, caller }, deps) => {
    const found = await whichLeaks(input, deps);
    if ("refusal" in found) return found.refusal;
    const { leaks } = found;
    if (input.dryRun) {
      const facts = { exposure: input.exposure, ...(input.plan && { plan: input.plan }), caller };
      const keys = await Promise.all(leaks.map((leak) => foretell(leak, facts, deps)));
      return { outcome: "dryRun", keys: keys.flat() };
    }
    const parentId = found.of === "one" ? undefined : `p-${caller.requestId}`;
    const incidentIds: string[] = [];
    const joined: string[] = [];
    const plansRefused: Raised["plansRefused"][number][] = [];
    const idle: string[] = [];
    if (parentId !== undefined)
      await openParent({ parentId, leaks, input, caller, title: found.title }, deps);
    for (const leak of leaks) {
      const alert = alertFor(leak, { input, caller });
      const raised = await raiseAlerts(arrivedFrom(alert, { input, caller, parentId }), deps);
      incidentIds.push(...raised.incidentIds);
      joined.push(...raised.joined);
      plansRefused.push(...raised.plansRefused);
      idle.push(...raised.idle);
      if (parentId === undefined || leak.policy === undefined) continue;
      const reported = { secretArn: leak.policy.secretArn, incidentIds: raised.incidentIds };
      await changeIncident(parentId, (now) => listIncidents(now, reported), deps);
    }
    await deps.audit.append(deploymentChain, {
      id: `${caller.requestId}/compromise`,
      atMs: caller.atMs,
      actor: caller.principal,
      action: "CompromiseReported",
      detail: { reason: input.reason, about: found.title, incidents: incidentIds.length },
    });
    if (idle.length > 0 && idle.length === incidentIds.length) return nothingToDo(idle, incidentIds);
    return {
      outcome: "reported",
      incidentIds: [...new Set(incidentIds)],
      ...{ joined, plansRefused, idle },
      ...(parentId !== undefined && { parentId }),
    };
  },
});

/** The report is in the records; but whoever gave it asked for a key to be contained, and nothing contains one. */
function nothingToDo(idle: readonly string[], incidentIds: readonly string[]): RefusedAnswer {
  const detail = `nothing will happen: ${idle.join("; ")}`;
  const hint = `see it with \`rekey incident show ${incidentIds[0]}\`; if another key leaked, name it with --key-stdin`;
  return refused({ reason: "NothingToDo", detail, hint });
}

/** A repeat of the same request names the same alert; a new request about the same key joins its incident. */
function alertFor(
  { identity }: Leak,
  { input, caller }: { readonly input: CompromiseInput; readonly caller: Caller },
): Alert {
  return {
    schema: 1,
    source: "person",
    sourceId: `${caller.principal.split("/").at(-1) ?? "person"}/${caller.requestId}`.slice(0, 256),
    identity,
    exposure: input.exposure,
    verified: "unknown",
    where: input.where === undefined ? [] : [input.where],
    ...(input.exposedAtMs !== undefined && { exposedAtMs: input.exposedAtMs }),
  };
}

function arrivedFrom(
  alert: Alert,
  order: { readonly input: CompromiseInput; readonly caller: Caller; readonly parentId: string | undefined },
) {
  const { input, caller, parentId } = order;
  return {
    ...{ alert, kind: "start" as const, receivedAtMs: caller.atMs, intake: "person" },
    principal: caller.principal,
    reason: input.reason,
    ...(input.plan !== undefined && { plan: input.plan }),
    ...(parentId !== undefined && { parentId }),
  };
}
