import { type ConsumerEvidence, type Evidence, isConsumers } from "./adoption/evidence.ts";
import { isOf } from "./adoption/view.ts";
import { type ConsumerPolicy, isReporting, type Policy } from "./policy.ts";
import type { SecretArn } from "./ports.ts";

/** A difference between what was seen and what is declared. */
export interface Finding {
  readonly reason:
    | "UndeclaredReader"
    | "UndeclaredReporter"
    | "DeclaredElsewhere"
    | "NeverSeen"
    | "LongSilent"
    | "RoleOfTwoConsumers"
    | "KeyAcrossEnvironments";
  readonly secretArn: SecretArn;
  /** The secret's name in `rekey.yml`. */
  readonly secret: string;
  readonly consumer?: string;
  readonly environment?: string;
  /** The role or user, where an access record names one. */
  readonly principal?: string;
  readonly lastSeenAgoMs?: number;
  readonly detail: string;
  /** What to do next. */
  readonly hint: string;
}

export interface DoctorView {
  readonly policies: readonly Policy[];
  /** All evidence that the ledger has of each secret: reports, access records, restarts, attestations. */
  readonly evidence: ReadonlyMap<SecretArn, readonly Evidence[]>;
  readonly nowMs: number;
}

const dayMs = 24 * 3_600_000;
/** Clients report every hour even when nothing happens. */
const silenceMaxMs = 2 * dayMs;
const runsMissedMax = 2;

/** All findings, secret by secret in the policies' order. They inform people and change no decision of the gate. */
export function findings({ policies, evidence, nowMs }: DoctorView): readonly Finding[] {
  return policies
    .filter(({ mode }) => mode !== "index")
    .flatMap((policy) => {
      const seen = (evidence.get(policy.secretArn) ?? []).filter(isConsumers);
      const patient: Patient = { policy, consumers: consumersOf(policy), seen, nowMs };
      return [
        ...undeclared(patient),
        ...notSeen(patient),
        ...sharedRoles(patient),
        ...acrossEnvironments(patient),
      ];
    });
}

interface Patient {
  readonly policy: Policy;
  readonly consumers: readonly ConsumerPolicy[];
  readonly seen: readonly ConsumerEvidence[];
  readonly nowMs: number;
}

function consumersOf({ consumers }: Policy): readonly ConsumerPolicy[] {
  return consumers === "none" ? [] : consumers;
}

// ---- seen, and not declared ------------------------------------------------------------------------------

/** One finding for each program, from its latest evidence, however many instances or versions it has. */
function undeclared(patient: Patient): readonly Finding[] {
  const latest = new Map<string, ConsumerEvidence>();
  for (const item of patient.seen) {
    if (patient.consumers.some((consumer) => isOf(item, consumer))) continue;
    const who = item.kind === "kms" ? item.principal : item.consumer;
    const id = `${item.environment}/${item.account}/${who}`;
    const known = latest.get(id);
    if (known === undefined || known.observedAtMs < item.observedAtMs) latest.set(id, item);
  }
  return [...latest.values()].map((item) => undeclaredFinding(item, patient));
}

function undeclaredFinding(item: ConsumerEvidence, patient: Patient): Finding {
  const { environment, account, consumer } = item;
  const about = { ...aboutSecret(patient), environment, lastSeenAgoMs: agoMs(item, patient) };
  if (item.kind === "kms") {
    const { principal } = item;
    const detail = `${principal} reads the secret, and no consumer has this role`;
    const hint = "give the role to a consumer in rekey.yml, or remove its access";
    return { reason: "UndeclaredReader", ...about, consumer, principal, detail, hint };
  }
  const namesakes = patient.consumers.filter(({ name }) => name === consumer);
  if (namesakes.length > 0) {
    const places = namesakes.map((one) => `${one.environment} of ${one.account}`).join(" and ");
    const detail = `${consumer} reports from ${environment} of ${account}, and is declared in ${places}`;
    const hint = "give it the secret of its own environment, or declare it there as well";
    return { reason: "DeclaredElsewhere", ...about, consumer, detail, hint };
  }
  const detail = `${consumer} reports that it uses the secret, and no policy declares it`;
  return {
    reason: "UndeclaredReporter",
    ...about,
    consumer,
    detail,
    hint: "declare it in rekey.yml, or stop it",
  };
}

// ---- declared, and not seen ------------------------------------------------------------------------------

function notSeen(patient: Patient): readonly Finding[] {
  return patient.consumers.flatMap((consumer) => whyUnseen(consumer, patient));
}

/** If attestation is the only evidence, a consumer is seen only when a rotation asks for it. */
function whyUnseen(consumer: ConsumerPolicy, patient: Patient): readonly Finding[] {
  const { name, environment, evidence, cadenceMs = 0 } = consumer;
  if (evidence.every((kind) => kind === "attestation")) return [];
  const about = { ...aboutSecret(patient), consumer: name, environment };
  const ages = patient.seen.filter((item) => isOf(item, consumer)).map((item) => agoMs(item, patient));
  if (ages.length === 0) {
    const detail = `${name} is declared, and no ${evidence.join(" or ")} evidence of it was ever seen`;
    const hint = "check that it reports to this environment, or take it out of rekey.yml";
    return [{ reason: "NeverSeen", ...about, detail, hint }];
  }
  const lastSeenAgoMs = Math.min(...ages);
  const speaksByItself = evidence.some(isReporting);
  if (!speaksByItself || lastSeenAgoMs <= Math.max(silenceMaxMs, cadenceMs * runsMissedMax)) return [];
  const detail = `${name} has not reported for ${Math.floor(lastSeenAgoMs / dayMs)} days`;
  const hint = "the next rotation would wait for it: start it, or take it out of rekey.yml";
  return [{ reason: "LongSilent", ...about, lastSeenAgoMs, detail, hint }];
}

/** A read with a shared role is evidence for each consumer that has the role, no matter which one read. */
function sharedRoles(patient: Patient): readonly Finding[] {
  const roles = new Set(patient.consumers.flatMap((consumer) => consumer.roles ?? []));
  return [...roles].flatMap((principal) => {
    const names = patient.consumers.filter((one) => one.roles?.includes(principal)).map(({ name }) => name);
    if (names.length < 2) return [];
    const detail = `${names.join(" and ")} share the role ${principal}: a read by one counts for all`;
    const hint = "give each consumer a role of its own";
    return [{ reason: "RoleOfTwoConsumers", ...aboutSecret(patient), principal, detail, hint }];
  });
}

/** Who may test with a key in one environment can use it in the other, and a leak in one is a leak in both. */
function acrossEnvironments(patient: Patient): readonly Finding[] {
  const { policy, consumers } = patient;
  const others = consumers.filter(({ environment }) => environment !== policy.environment);
  if (others.length === 0) return [];
  const where = others.map(({ name, environment }) => `${name} in ${environment}`).join(" and ");
  const detail = `its key is of ${policy.environment}, and is used across environments: by ${where}`;
  const hint = "give each environment a secret with a key of its own";
  return [{ reason: "KeyAcrossEnvironments", ...aboutSecret(patient), detail, hint }];
}

function aboutSecret({ policy }: Patient) {
  return { secretArn: policy.secretArn, secret: policy.name };
}

function agoMs({ observedAtMs }: ConsumerEvidence, { nowMs }: Patient): number {
  return Math.max(0, nowMs - observedAtMs);
}
