import * as z from "zod";
import { together } from "../../consumers/together.ts";
import { type Declared, type PlanStep, planOf } from "../../core/apply-plan.ts";
import { PolicyInvalid, RotationError } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import { keysLeftBehind } from "../../core/rotation/left-behind.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import { hashLimit, type Schedule, scheduleFor } from "../../core/schedule.ts";
import { type PolicyFile, policiesIn } from "../../events/policy-file.ts";
import { declaredKinds } from "../../providers/declared-kinds.ts";
import { stores } from "../../stores/index.ts";
import type { AdminDeps } from "../deps.ts";
import { holdsIssuedKey } from "../key-index/without-keys.ts";
import { wakeIfDecided } from "../secret/wake-run.ts";
import { adopt, fingerprintAdmin } from "./adopt.ts";
import { cachedListing } from "./cached-listing.ts";
import { adminCommand, type Caller, refused } from "./command.ts";
import { secretText } from "./inputs.ts";

const secretsMax = 5_000;
const atOnceMax = 8;
/** Well below the function's time-out. Secrets that were not reached are named, and the next request handles them. */
const applyMsMax = 15_000;

export interface Applied {
  readonly name: string;
  readonly secretArn: string;
  readonly outcome: "created" | "updated" | "unchanged" | "removed" | "kept" | "failed" | "notReached";
  /** Of the key that the secret holds now. */
  readonly keyId?: string;
  readonly changed?: readonly string[];
  readonly error?: string;
  readonly reason?: string;
}

const keyInFile = refused({
  reason: "PolicyInvalid",
  detail: "the policy file holds what looks like a key",
  hint: "keys belong in the secret store: take it out of the file, and report it if others could read it",
});

/**
 * Brings the policies and schedules of one environment in line with `rekey.yml`, and adopts the keys as they
 * are. Each secret is handled on its own: if one fails it keeps what it had, and the others go on.
 */
export const apply = adminCommand({
  input: z.strictObject({
    command: z.literal("apply"),
    /** `rekey.yml` as plain data: the CLI parses the YAML. */
    file: z.record(z.string(), z.unknown()),
    dryRun: z.boolean().default(false),
    /** Secrets that an earlier request for the same file has handled. */
    reached: z.array(secretText).max(secretsMax).default([]),
  }),
  findsKeys: true,
  run: async ({ input, caller }, deps) => {
    if (holdsIssuedKey(input.file)) return keyInFile;
    const file = policiesIn({ value: input.file }, { kinds: declaredKinds, stores });
    if ("mistakes" in file) {
      const detail = `the policy file has ${file.mistakes.length} mistakes`;
      return {
        ...refused({ reason: "PolicyInvalid", detail }),
        mistakes: file.mistakes.map(({ message }) => message),
      };
    }
    const mistakes = mistakesOfProviders(file, deps);
    if (mistakes.length > 0) {
      return { ...refused({ reason: "PolicyInvalid", detail: mistakes.join("; ") }), mistakes };
    }
    const view = await whatIsAndShallBe({ file, nowMs: caller.atMs }, deps);
    const plan = planOf(view.current, view.wanted);
    if (input.dryRun) return { outcome: "planned", environment: file.environment, plan };

    const started = deps.clock.nowMs();
    const work = workOn({ view, plan, caller, adminSeen: new Map() }, cachedListing(deps));
    const reached = new Set(input.reached);
    const left = secretsIn(plan).filter(({ secretArn }) => !reached.has(secretArn));
    const secrets = await together(left, {
      atOnceMax,
      work: async (each): Promise<Applied> =>
        deps.clock.nowMs() - started < applyMsMax ? work(each) : { ...each, outcome: "notReached" },
    });
    await removeOrphans(view, deps);
    return { outcome: outcomeOf(secrets), environment: file.environment, secrets };
  },
});

/** An account whose credentials may not be sent where its settings say is refused with everything else in the file. */
function mistakesOfProviders({ policies }: PolicyFile, deps: AdminDeps): readonly string[] {
  const accounts = new Map(policies.map((policy) => [policy.provider.account, policy]));
  return [...accounts.values()].flatMap((policy) => {
    try {
      deps.provider(policy);
      return [];
    } catch (error) {
      if (error instanceof PolicyInvalid) return [error.message];
      throw error;
    }
  });
}

function outcomeOf(secrets: readonly Applied[]): "applied" | "partly" | "notFinished" {
  if (secrets.some(({ outcome }) => outcome === "notReached")) return "notFinished";
  return secrets.some(({ outcome }) => outcome === "failed") ? "partly" : "applied";
}

interface View {
  readonly current: Declared;
  readonly wanted: Declared;
  /** Secrets of the file that another environment's policy covers already. */
  readonly elsewhere: ReadonlyMap<string, Policy>;
}

/** Only this environment's policies are compared: other environments have files of their own. */
async function whatIsAndShallBe(
  { file, nowMs }: { readonly file: PolicyFile; readonly nowMs: number },
  deps: AdminDeps,
): Promise<View> {
  const stored = await deps.ledger.policies();
  const elsewhere = new Map(
    stored
      .filter(({ environment }) => environment !== file.environment)
      .map((policy) => [policy.secretArn, policy]),
  );
  const schedules = file.policies.flatMap((policy) => {
    const hash = Number.parseInt(deps.digest.sha256Hex(policy.secretArn).slice(0, 12), 16) % hashLimit;
    return scheduleFor(policy, { nowMs, hash, target: deps.schedules.target }) ?? [];
  });
  return {
    current: {
      policies: stored.filter(({ environment }) => environment === file.environment),
      schedules: (await deps.schedules.list()).filter(({ secretArn }) => !elsewhere.has(secretArn)),
    },
    wanted: { policies: file.policies, schedules },
    elsewhere,
  };
}

interface Named {
  readonly name: string;
  readonly secretArn: string;
}

/** Every secret that a policy step is about, in the plan's order. */
function secretsIn(plan: readonly PlanStep[]): readonly Named[] {
  return plan.filter(({ kind }) => kind === "policy").map(({ name, secretArn }) => ({ name, secretArn }));
}

interface Work {
  readonly view: View;
  readonly plan: readonly PlanStep[];
  readonly caller: Caller;
  /** Each admin credential is checked once, however many secrets use it. */
  readonly adminSeen: Map<string, Promise<void>>;
}

function workOn(all: Work, deps: AdminDeps): (secret: Named) => Promise<Applied> {
  const { view, plan } = all;
  return async (secret) => {
    const { secretArn } = secret;
    const step = plan.find((each) => each.kind === "policy" && each.secretArn === secretArn);
    const policy = view.wanted.policies.find((each) => each.secretArn === secretArn);
    try {
      if (policy === undefined || step === undefined) return await remove(secret, all, deps);
      return await applyOne({ ...all, policy, step }, deps);
    } catch (error) {
      if (!(error instanceof RotationError)) throw error;
      return { ...secret, outcome: "failed", error: error.name, reason: error.message };
    }
  };
}

async function applyOne(
  work: Work & { readonly policy: Policy; readonly step: PlanStep },
  deps: AdminDeps,
): Promise<Applied> {
  const { policy, step, view, caller } = work;
  const { secretArn, name } = policy;
  const other = view.elsewhere.get(secretArn);
  if (other !== undefined) {
    const reason = `${other.environment} has this secret already, as ${other.name}`;
    return { name, secretArn, outcome: "failed", error: "PolicyInvalid", reason };
  }
  const { adminCredential } = policy.provider;
  if (adminCredential !== undefined) await seeAdmin(adminCredential, work, deps);
  const { how, keyId } = await adopt({ policy, atMs: caller.atMs }, deps);
  if (step.action !== "unchanged") await deps.ledger.putPolicy(policy);
  const schedule = await applySchedule({ ...work, policy }, deps);
  const isChanged = step.action !== "unchanged" || schedule !== "unchanged" || how === "adopted";
  if (isChanged) {
    const changed = step.changed.join(" ").slice(0, 500);
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
        changed,
        ...(keyId !== undefined && { keyId }),
      },
    });
    await wakeIfDecided({ secretArn, nowMs: caller.atMs }, deps);
  }
  const outcome = step.action === "create" ? "created" : isChanged ? "updated" : "unchanged";
  return { name, secretArn, outcome, changed: step.changed, ...(keyId !== undefined && { keyId }) };
}

async function seeAdmin(secretArn: string, { adminSeen }: Work, deps: AdminDeps): Promise<void> {
  const seen = adminSeen.get(secretArn) ?? fingerprintAdmin(secretArn, deps);
  adminSeen.set(secretArn, seen);
  await seen;
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
 * Handles a secret that was removed from the file. While a run or a debt is open its policy stays, because
 * the run that finishes needs it.
 */
async function remove(secret: Named, work: Work, deps: AdminDeps): Promise<Applied> {
  const { name, secretArn } = secret;
  const { caller, view } = work;
  await removeSchedules(
    view.current.schedules.filter((schedule) => schedule.secretArn === secretArn),
    deps,
  );
  const open = whatIsOpen(await deps.ledger.secret(secretArn));
  if (open !== undefined)
    return { name, secretArn, outcome: "kept", reason: `${open}: apply again when it is` };
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

function whatIsOpen(record: SecretRecord): string | undefined {
  const { run } = record;
  if (run !== undefined) return run.owed?.reason ?? `rotation ${run.rotationId} is not over`;
  const [left] = keysLeftBehind(record);
  return left && `the superseded key ${left.keyId} is not revoked yet (rekey rotate)`;
}

/** Removes schedules of secrets without a policy: they would start rotations that refuse to open. */
async function removeOrphans({ current, wanted }: View, deps: AdminDeps): Promise<void> {
  const known = new Set([...current.policies, ...wanted.policies].map(({ secretArn }) => secretArn));
  await removeSchedules(
    current.schedules.filter(({ secretArn }) => !known.has(secretArn)),
    deps,
  );
}

async function removeSchedules(schedules: readonly Schedule[], deps: AdminDeps): Promise<void> {
  for (const { name } of schedules) await deps.schedules.remove(name);
}
