import {
  type Declared,
  type Ownership,
  type PlanStep,
  planOf,
  whyNotAmong,
} from "../../../core/apply-plan.ts";
import { PolicyInvalid } from "../../../core/errors.ts";
import type { Policy } from "../../../core/policy.ts";
import type { SecretArn } from "../../../core/ports.ts";
import { hashLimit, type Schedule, scheduleFor, scheduleName } from "../../../core/schedule.ts";
import type { AdminDeps } from "../../deps.ts";

export interface Named {
  readonly name: string;
  readonly secretArn: string;
}

/** What the ledger and the scheduler hold now, and what the files ask for. */
export interface View {
  readonly current: Declared;
  readonly wanted: Declared;
  /** The names of the files that are applied or replaced. */
  readonly files: readonly string[];
}

/** What one request handles, and what is left for the next ones. */
export interface Part {
  readonly view: View;
  readonly plan: readonly PlanStep[];
  readonly secrets: readonly Named[];
  readonly later: readonly Named[];
}

interface Asked {
  readonly stored: readonly Policy[];
  readonly policies: readonly Policy[];
  readonly ownership: Ownership;
  readonly reached: readonly SecretArn[];
  readonly nowMs: number;
}

/** A request of any number of secrets takes as long as one of so many. */
export const partMax = 100;

/**
 * The first secrets of the plan that no earlier request has reached. To read a schedule is a call for each, so only
 * those of this part are read, and those whose names are not Rekey's for a known secret.
 */
export async function partOf(asked: Asked, deps: AdminDeps): Promise<Part> {
  const { stored, policies, ownership, nowMs } = asked;
  const all = planOf({ policies: stored, schedules: [] }, { policies, schedules: [] }, ownership);
  const isReached = new Set(asked.reached);
  const left = all
    .filter(({ secretArn }) => !isReached.has(secretArn))
    .map(({ name, secretArn }) => ({ name, secretArn }));
  const secrets = left.slice(0, partMax);
  const later = left.slice(partMax);

  const isHandled = new Set(secrets.map(({ secretArn }) => secretArn));
  const known = new Set([...stored, ...policies].map(({ secretArn }) => secretArn));
  const secretOf = new Map([...known].map((arn) => [scheduleName(arn, hashOf(arn, deps)), arn]));
  const schedules = await deps.schedules.list((name) => {
    const secretArn = secretOf.get(name);
    return secretArn === undefined || isHandled.has(secretArn);
  });
  const { target } = deps.schedules;
  const wanted = policies.flatMap(
    (policy) => scheduleFor(policy, { nowMs, hash: hashOf(policy.secretArn, deps), target }) ?? [],
  );
  const view: View = {
    current: { policies: stored, schedules },
    wanted: { policies, schedules: wanted },
    files: ownership.files,
  };
  // What belongs to no known secret is removed at the end.
  const isNow = (secretArn: SecretArn) =>
    isHandled.has(secretArn) || (later.length === 0 && !known.has(secretArn));
  const plan = planOf(view.current, view.wanted, ownership).filter(({ secretArn }) => isNow(secretArn));
  return { view, plan, secrets, later };
}

function hashOf(secretArn: SecretArn, { digest }: AdminDeps): number {
  return Number.parseInt(digest.sha256Hex(secretArn).slice(0, 12), 16) % hashLimit;
}

/** Throws if the other policies of this deployment do not allow this one. */
export function refuseAmongOthers(policy: Policy, { current, wanted, files }: View): void {
  const why = whyNotAmong(policy, { stored: current.policies, wanted: wanted.policies, files });
  if (why !== undefined) throw new PolicyInvalid(why);
}

/** Removes schedules of secrets without a policy: they would start rotations that refuse to open. */
export async function removeOrphans({ current, wanted }: View, deps: AdminDeps): Promise<void> {
  const known = new Set([...current.policies, ...wanted.policies].map(({ secretArn }) => secretArn));
  await removeSchedules(
    current.schedules.filter(({ secretArn }) => !known.has(secretArn)),
    deps,
  );
}

export async function removeSchedules(schedules: readonly Schedule[], deps: AdminDeps): Promise<void> {
  for (const { name } of schedules) await deps.schedules.remove(name);
}
