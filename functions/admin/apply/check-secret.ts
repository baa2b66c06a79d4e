import type { PlanStep } from "../../../core/apply-plan.ts";
import type { Policy } from "../../../core/policy.ts";
import type { Fingerprint, SecretArn } from "../../../core/ports.ts";
import type { AdminDeps } from "../../deps.ts";
import { lookAtAdmin, lookAtKey } from "./adopt.ts";
import {
  type Applied,
  declaredOutcome,
  eachBy,
  once,
  pausedReason,
  type Work,
  whatWasObserved,
  whyKept,
} from "./one-secret.ts";
import type { Named } from "./view.ts";

export interface Checks {
  work(secret: Named): Promise<Applied>;
  /** Secrets that are declared together and hold one key: neither is in the ledger's index yet. */
  withoutShared(secrets: readonly Applied[]): readonly Applied[];
  /** The secret that was seen first to hold each key. */
  held(): Readonly<Record<Fingerprint, SecretArn>>;
}

/** A dry run: everything that `apply` would check about each secret, with reads alone. */
export function checksOf(
  work: Work & { readonly held: Readonly<Record<Fingerprint, SecretArn>> },
  deps: AdminDeps,
): Checks {
  const held = new Map<Fingerprint, SecretArn>(Object.entries(work.held));
  const shared = new Map<SecretArn, SecretArn>();
  return {
    work: eachBy(work, {
      declare: async ({ policy, step }) => {
        const { adminCredential, account } = policy.provider;
        if (adminCredential !== undefined)
          await once(work.adminSeen, account, () => lookAtAdmin(adminCredential, deps));
        const { keyId, fingerprint } = await lookAtKey(policy, readingOnly(deps));
        const { secretArn, name } = policy;
        const holder = fingerprint === undefined ? undefined : held.get(fingerprint);
        if (fingerprint !== undefined && holder === undefined) held.set(fingerprint, secretArn);
        if (holder !== undefined && holder !== secretArn && policy.mode === "rotate")
          shared.set(secretArn, holder);
        return {
          name,
          secretArn,
          ...plannedOf({ policy, step }, work),
          ...(keyId !== undefined && { keyId }),
          ...(await whatWasObserved(policy, work.view, deps)),
        };
      },
      remove: async (secret) => {
        const open = await whyKept(secret.secretArn, deps);
        return open === undefined
          ? { ...secret, outcome: "removed" }
          : { ...secret, outcome: "kept", reason: open };
      },
    }),
    withoutShared: (secrets) =>
      secrets.map((secret) => {
        const holder = shared.get(secret.secretArn);
        if (holder === undefined) return secret;
        const reason = `its key is also held by ${holder}`;
        return {
          name: secret.name,
          secretArn: secret.secretArn,
          outcome: "failed",
          error: "KeyShared",
          reason,
        };
      }),
    held: () => Object.fromEntries(held),
  };
}

function plannedOf(
  { policy, step }: { readonly policy: Policy; readonly step: PlanStep },
  { plan, view }: Work,
): Pick<Applied, "outcome" | "changed" | "reason"> {
  const schedules = plan.filter(
    ({ kind, secretArn }) => kind === "schedule" && secretArn === policy.secretArn,
  );
  const isChanged = [step, ...schedules].some(({ action }) => action !== "unchanged");
  const changed = step.changes.map(({ field }) => field);
  return { ...pausedReason(view, policy.secretArn), outcome: declaredOutcome(step, isChanged), changed };
}

/** A key that may not be current freezes its secret and pages when somebody applies, and not in a dry run. */
function readingOnly(deps: AdminDeps): AdminDeps {
  return {
    ...deps,
    // The answer is what the change would have made of the item; nothing of it is kept.
    ledger: { ...deps.ledger, changeSecret: async (arn, change) => change(await deps.ledger.secret(arn)) },
    bus: { publish: async () => {} },
    audit: { ...deps.audit, append: async () => {} },
  };
}
