import { type Declared, whyNotAmong } from "../../../core/apply-plan.ts";
import { PolicyInvalid } from "../../../core/errors.ts";
import type { Policy } from "../../../core/policy.ts";
import { hashLimit, type Schedule, scheduleFor } from "../../../core/schedule.ts";
import type { AdminDeps } from "../../deps.ts";

/** What the ledger and the scheduler hold now, and what the files ask for. */
export interface View {
  readonly current: Declared;
  readonly wanted: Declared;
  /** The names of the files that are applied or replaced. */
  readonly files: readonly string[];
}

interface Asked {
  readonly policies: readonly Policy[];
  readonly files: readonly string[];
  readonly nowMs: number;
}

export async function whatIsAndShallBe({ policies, files, nowMs }: Asked, deps: AdminDeps): Promise<View> {
  const schedules = policies.flatMap((policy) => {
    const hash = Number.parseInt(deps.digest.sha256Hex(policy.secretArn).slice(0, 12), 16) % hashLimit;
    return scheduleFor(policy, { nowMs, hash, target: deps.schedules.target }) ?? [];
  });
  return {
    current: { policies: await deps.ledger.policies(), schedules: await deps.schedules.list() },
    wanted: { policies, schedules },
    files,
  };
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
