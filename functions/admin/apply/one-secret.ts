import { observationText } from "../../../core/adoption/observation.ts";
import type { PlanStep } from "../../../core/apply-plan.ts";
import { AccountBusy, RotationError } from "../../../core/errors.ts";
import { isRotated, type Policy } from "../../../core/policy.ts";
import type { SecretRecord } from "../../../core/rotation/secret-record.ts";
import { supersededKeys } from "../../../core/rotation/superseded.ts";
import { scheduleFaultText } from "../../../core/schedule.ts";
import type { AdminDeps } from "../../deps.ts";
import { wakeIfDecided } from "../../secret/wake-run.ts";
import type { Caller } from "../command.ts";
import { adopt, fingerprintAdmin } from "./adopt.ts";
import { type Named, refuseAmongOthers, removeSchedules, type View } from "./view.ts";

export interface Applied extends Named {
  readonly outcome:
    | "created"
    | "updated"
    | "unchanged"
    | "removed"
    | "kept"
    | "left"
    | "failed"
    | "notReached";
  /** Of the key that the secret holds now. */
  readonly keyId?: string;
  readonly changed?: readonly string[];
  readonly error?: string;
  readonly reason?: string;
  /** What was observed of a secret that goes from `observe` to `rotate`. */
  readonly observed?: string;
}

export interface Work {
  readonly view: View;
  readonly plan: readonly PlanStep[];
  readonly caller: Caller;
  /** Each admin credential is checked once, however many secrets use it. */
  readonly adminSeen: Map<string, Promise<void>>;
}

/** What is done to one secret that a policy step is about. */
interface Way {
  declare(of: { readonly policy: Policy; readonly step: PlanStep }): Promise<Applied>;
  remove(secret: Named): Promise<Applied>;
}

/** A secret that fails keeps what it had, and its reason is the answer. A busy account is thrown: it is tried again. */
export function eachBy({ view, plan }: Work, way: Way): (secret: Named) => Promise<Applied> {
  return async (secret) => {
    const { secretArn } = secret;
    const step = plan.find((each) => each.kind === "policy" && each.secretArn === secretArn);
    const policy = view.wanted.policies.find((each) => each.secretArn === secretArn);
    try {
      if (step?.action === "left") return { ...secret, outcome: "left", reason: supersededReason };
      if (policy === undefined || step === undefined) return await way.remove(secret);
      refuseAmongOthers(policy, view);
      return await way.declare({ policy, step });
    } catch (error) {
      if (!(error instanceof RotationError) || error instanceof AccountBusy) throw error;
      return { ...secret, outcome: "failed", error: error.name, reason: error.message };
    }
  };
}

const supersededReason = "no longer in its file: nothing changes until you apply with --prune";

export function workOn(work: Work, deps: AdminDeps): (secret: Named) => Promise<Applied> {
  return eachBy(work, {
    declare: async (of) => applyOne({ ...work, ...of }, deps),
    remove: async (secret) => remove(secret, work, deps),
  });
}

async function applyOne(
  work: Work & { readonly policy: Policy; readonly step: PlanStep },
  deps: AdminDeps,
): Promise<Applied> {
  const { policy, step, caller } = work;
  const { secretArn, name } = policy;
  const { adminCredential } = policy.provider;
  if (adminCredential !== undefined)
    await once(work.adminSeen, adminCredential, () => fingerprintAdmin(adminCredential, deps));
  const observed = await whatWasObserved(policy, work.view, deps);
  const { how, keyId } = await adopt({ policy, atMs: caller.atMs }, deps);
  if (step.action !== "unchanged") await deps.ledger.putPolicy(policy);
  const schedule = await applySchedule({ ...work, policy }, deps);
  const isChanged = step.action !== "unchanged" || schedule !== "unchanged" || how === "adopted";
  const fields = step.changes.map(({ field }) => field);
  if (isChanged) {
    await deps.audit.append(secretArn, {
      id: `${caller.requestId}/apply`,
      atMs: caller.atMs,
      actor: caller.principal,
      action: "PolicyApplied",
      detail: {
        name,
        policy: step.action,
        schedule,
        adoption: how,
        changed: fields.join(" ").slice(0, 500),
        ...(keyId !== undefined && { keyId }),
        ...observed,
      },
    });
    await wakeIfDecided({ secretArn, nowMs: caller.atMs }, deps);
  }
  return {
    name,
    secretArn,
    ...pausedReason(work.view, secretArn),
    ...observed,
    outcome: declaredOutcome(step, isChanged),
    changed: fields,
    ...(keyId && { keyId }),
  };
}

export function declaredOutcome({ action }: PlanStep, isChanged: boolean): Applied["outcome"] {
  if (action === "create") return "created";
  return isChanged ? "updated" : "unchanged";
}

/** Applying again does not resume what somebody paused, so it says that nothing will rotate. */
export function pausedReason({ current }: View, secretArn: string): Pick<Applied, "reason"> {
  const isPaused = current.schedules.some((each) => each.secretArn === secretArn && each.isPaused);
  return isPaused ? { reason: scheduleFaultText.paused } : {};
}

/** Shown before anything of the secret may be made or revoked. */
export async function whatWasObserved(
  policy: Policy,
  { current }: View,
  { ledger }: AdminDeps,
): Promise<Pick<Applied, "observed">> {
  const before = current.policies.find(({ secretArn }) => secretArn === policy.secretArn);
  if (before?.mode !== "observe" || !isRotated(policy)) return {};
  return { observed: observationText(await ledger.observation(policy.secretArn)) };
}

/** Does what is asked once for each name, also while the first time is not over. */
export async function once(
  seen: Map<string, Promise<void>>,
  name: string,
  look: () => Promise<void>,
): Promise<void> {
  const looking = seen.get(name) ?? look();
  seen.set(name, looking);
  await looking;
}

async function applySchedule(
  { policy, plan, view }: Work & { readonly policy: Policy },
  { schedules }: AdminDeps,
): Promise<PlanStep["action"]> {
  const { secretArn } = policy;
  const steps = plan.filter((step) => step.kind === "schedule" && step.secretArn === secretArn);
  for (const { action, name } of steps) if (action === "remove") await schedules.remove(name);
  const step = steps.find(({ action }) => action !== "remove");
  const schedule = view.wanted.schedules.find((each) => each.secretArn === secretArn);
  if (schedule === undefined) return steps.length > 0 ? "remove" : "unchanged";
  if (step?.action === "create" || step?.action === "update") await schedules.put(schedule);
  return step?.action ?? "unchanged";
}

/**
 * Handles a secret that was removed from its file. While a run or a debt is open its policy stays, because
 * the run that finishes needs it.
 */
async function remove(secret: Named, work: Work, deps: AdminDeps): Promise<Applied> {
  const { name, secretArn } = secret;
  const { caller, view } = work;
  await removeSchedules(
    view.current.schedules.filter((schedule) => schedule.secretArn === secretArn),
    deps,
  );
  const open = await whyKept(secretArn, deps);
  if (open !== undefined) return { name, secretArn, outcome: "kept", reason: open };
  const { principal: by, atMs } = caller;
  const environment = view.current.policies.find((each) => each.secretArn === secretArn)?.environment ?? "";
  // Its fingerprints stay as well: if the key leaks later it is still recognised, and a person is paged.
  await deps.ledger.putFormerSecret({ ...{ secretArn, name, environment, by, atMs } });
  await deps.ledger.removePolicy(secretArn);
  await deps.audit.append(secretArn, {
    id: `${caller.requestId}/remove`,
    atMs: caller.atMs,
    actor: caller.principal,
    action: "PolicyRemoved",
    detail: { name },
  });
  return { name, secretArn, outcome: "removed" };
}

/** Why a policy that nothing declares any more has to stay for now. */
export async function whyKept(secretArn: string, { ledger }: AdminDeps): Promise<string | undefined> {
  const open = whatIsOpen(await ledger.secret(secretArn));
  return open && `${open}: apply again when it is`;
}

function whatIsOpen(record: SecretRecord): string | undefined {
  const { run } = record;
  if (run !== undefined) return run.owed?.reason ?? `rotation ${run.rotationId} is not over`;
  const [left] = supersededKeys(record);
  return left && `the superseded key ${left.keyId} is not revoked yet (rekey rotate)`;
}
