import type { Federated } from "../../../core/federated.ts";
import { cooldownMs } from "../../../core/incident/plan.ts";
import type { IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";
import { isOver } from "../../../core/incident/status.ts";
import type { LedgerKey } from "../../../core/keys.ts";
import { nearest } from "../../../core/nearest.ts";
import type { Policy } from "../../../core/policy.ts";
import type { KeyId, SecretArn } from "../../../core/ports.ts";
import { currentKey } from "../../../core/rotation/secret-record.ts";
import type { AlertIdentity } from "../../../events/alert.ts";
import type { AdminDeps } from "../../deps.ts";
import { type IndexedVersion, indexedVersionAt } from "../../key-index/identify-key.ts";
import { type RefusedAnswer, refused } from "../command.ts";
import { hasNoKey, whichSecret } from "../which-secret.ts";
import { isPlaceIn, policiesOfRepository, repositoriesIn } from "./repository.ts";

/** One key that a person reports as leaked. */
export interface Leak {
  readonly identity: AlertIdentity;
  /** Set if the person named a secret, or something that uses one. */
  readonly policy?: Policy;
}

export interface Target {
  readonly secret?: string | undefined;
  readonly fingerprints?: readonly string[] | undefined;
  readonly repository?: string | undefined;
  readonly consumer?: string | undefined;
  readonly account?: string | undefined;
  /** Which key of the secret. */
  readonly keyId?: string | undefined;
}

export type Leaks =
  | { readonly of: "one" | "many"; readonly title: string; readonly leaks: readonly Leak[] }
  | { readonly refusal: RefusedAnswer };

/** The keys that a person means. A target that matches nothing is probably a typing mistake, and is refused. */
export async function whichLeaks(target: Target, deps: AdminDeps): Promise<Leaks> {
  const { secret, fingerprints, repository, consumer, account } = target;
  const given = [secret, fingerprints, repository, consumer, account].filter((one) => one !== undefined);
  if (given.length !== 1 || (target.keyId !== undefined && secret === undefined)) {
    const detail =
      "say what leaked: a secret (and --key-id), --key-stdin, --fingerprint, --repo, --consumer or --provider-account";
    return { refusal: refused({ reason: "TargetUnclear", detail }) };
  }
  if (fingerprints !== undefined) {
    const identity = { kind: "fingerprint" as const, values: fingerprints };
    return { of: "one", title: `fingerprint ${fingerprints[0]?.slice(0, 20)}`, leaks: [{ identity }] };
  }
  if (secret !== undefined) return ofSecret(target, deps);
  const policies = await deps.ledger.policies();
  if (account !== undefined) {
    const covered = policies.filter(({ provider }) => provider.account === account);
    const names = policies.map(({ provider }) => provider.account);
    return many({ word: "provider account", name: account, covered, names }, deps);
  }
  if (consumer !== undefined) {
    const covered = policies.filter((policy) => consumersIn(policy).includes(consumer));
    const keyless = covered.length > 0 ? undefined : await keylessOf(consumer, deps);
    if (keyless !== undefined) return { refusal: hasNoKey(keyless) };
    return many({ word: "consumer", name: consumer, covered, names: policies.flatMap(consumersIn) }, deps);
  }
  return ofRepository(repository ?? "", policies, deps);
}

const consumersIn = ({ consumers }: Policy): readonly string[] =>
  consumers === "none" ? [] : consumers.map(({ name }) => name);

async function keylessOf(consumer: string, { ledger }: AdminDeps): Promise<Federated | undefined> {
  const all = await ledger.federated();
  return all.find(({ consumers }) => consumers.some(({ name }) => name === consumer));
}

async function ofSecret({ secret = "", keyId }: Target, deps: AdminDeps): Promise<Leaks> {
  const found = await whichSecret(secret, deps);
  if ("refusal" in found) return found;
  const { policy } = found;
  const meant = keyId === undefined ? await meantKey(policy, deps) : await namedKey(policy, keyId, deps);
  if (meant === undefined) return { refusal: notIndexed([policy.name]) };
  if ("refusal" in meant) return meant;
  return { of: "one", title: policy.name, leaks: [meant] };
}

type Meant = Leak | { readonly refusal: RefusedAnswer } | undefined;

/** A key by its id, also one that is replaced already. */
async function namedKey(policy: Policy, keyId: KeyId, deps: AdminDeps): Promise<Meant> {
  const { secretArn, name, provider } = policy;
  const [{ keys }, past] = await Promise.all([deps.ledger.secret(secretArn), deps.ledger.keys(secretArn)]);
  const known = [...new Set([...keys, ...past].flatMap((key) => key.keyId ?? []))];
  if (known.includes(keyId)) return { identity: { kind: "keyId", provider: provider.kind, keyId }, policy };
  const meant = nearest(keyId, known);
  const detail = `${name} never held a key ${keyId} that Rekey knows`;
  const hint = meant === undefined ? "name the key itself with --key-stdin" : `did you mean ${meant}?`;
  return { refusal: refused({ reason: "UnknownKey", detail, hint }) };
}

/**
 * Without an id: the key of the incident that is open, else the current key. Two people report one leak within
 * minutes; by the second report the current key can be the healthy replacement, which nobody meant.
 */
async function meantKey(policy: Policy, deps: AdminDeps): Promise<Meant> {
  const { secretArn, name } = policy;
  const about = (await deps.ledger.incidents.incidents()).filter((incident) => isAbout(incident, secretArn));
  const open = about.find(({ status }) => !isOver(status));
  const [leaked] = open?.keys ?? [];
  if (leaked !== undefined) return leakOfIncident(policy, leaked) ?? currentLeak(policy, deps);
  const current = currentKey(await deps.ledger.secret(secretArn));
  const younger = about.find((incident) => isYounger(current, incident, deps.clock.nowMs()));
  if (younger === undefined || current?.keyId === undefined) return currentLeak(policy, deps);
  const detail = `the current key of ${name} is younger than its last incident, ${younger.incidentId}: which key leaked?`;
  const hint = `if it is the new one: rekey compromise ${name} --key-id ${current.keyId}`;
  return { refusal: refused({ reason: "KeyUnclear", detail, hint }) };
}

function isAbout({ keys, secrets, test }: IncidentRecord, arn: SecretArn): boolean {
  return !test && [...keys, ...secrets].some(({ secretArn }) => secretArn === arn);
}

function leakOfIncident(policy: Policy, { keyId, fingerprint }: KeyInScope): Leak | undefined {
  if (fingerprint !== undefined) return { identity: { kind: "fingerprint", values: [fingerprint] }, policy };
  if (keyId === undefined) return undefined;
  return { identity: { kind: "keyId", provider: policy.provider.kind, keyId }, policy };
}

/** Promoted by or after an incident that is not long over: a report may well mean the key before it. */
function isYounger(current: LedgerKey | undefined, incident: IncidentRecord, nowMs: number): boolean {
  const { receivedAtMs, closedAtMs = nowMs, secrets } = incident;
  if (current === undefined || nowMs >= closedAtMs + cooldownMs) return false;
  const isReplacement = secrets.some(({ incomingKeyId }) => incomingKeyId === current.keyId);
  return isReplacement || (current.promotedAtMs ?? 0) >= receivedAtMs;
}

/** The key that the current version holds, as the index has it. */
export async function currentLeak(policy: Policy, deps: AdminDeps): Promise<Leak | undefined> {
  const { secretArn } = policy;
  const known = currentKey(await deps.ledger.secret(secretArn))?.fingerprint;
  const fingerprint = known ?? (await indexedCurrent(policy, deps));
  return fingerprint === undefined
    ? undefined
    : { identity: { kind: "fingerprint", values: [fingerprint] }, policy };
}

/** A secret that is only watched has no keys in the ledger, but its versions are in the index. */
async function indexedCurrent({ secretArn }: Policy, deps: AdminDeps): Promise<string | undefined> {
  const { current } = await deps.store.versionsInUse(secretArn);
  if (current === undefined) return undefined;
  const indexed = await deps.ledger.documents.read<IndexedVersion>(indexedVersionAt(secretArn, current));
  return indexed?.sha256 ?? undefined;
}

/** Of keys in one checklist, whose item would otherwise be larger than DynamoDB takes. */
export const checklistMax = 500;

interface Many {
  readonly word: string;
  readonly name: string;
  readonly covered: readonly Policy[];
  readonly names: readonly string[];
  /** What to do if nothing matches. */
  readonly hint?: string;
}

async function many(
  { word, name, covered, names, hint: otherwise = "see what there is with `rekey status`" }: Many,
  deps: AdminDeps,
): Promise<Leaks> {
  if (covered.length === 0) {
    const meant = nearest(name, names);
    const detail = `no policy has the ${word} ${JSON.stringify(name)}`;
    const hint = meant === undefined ? otherwise : `did you mean ${meant}?`;
    return { refusal: refused({ reason: "UnknownTarget", detail, hint }) };
  }
  if (covered.length > checklistMax) {
    const detail = `the ${word} ${JSON.stringify(name)} has ${covered.length} keys; one checklist holds ${checklistMax}`;
    const narrower = "report them by consumer or repository, the most exposed first";
    return { refusal: refused({ reason: "TooManyKeys", detail, hint: narrower }) };
  }
  const leaks: Leak[] = [];
  const missing: string[] = [];
  for (const policy of covered) {
    const leak = await currentLeak(policy, deps);
    if (leak === undefined) missing.push(policy.name);
    else leaks.push(leak);
  }
  // An incomplete checklist would look like a complete one.
  if (missing.length > 0) return { refusal: notIndexed(missing) };
  return { of: "many", title: `${word} ${name}`, leaks };
}

function notIndexed(names: readonly string[]): RefusedAnswer {
  const detail = `the current key of ${names.join(", ")} is not indexed yet`;
  return refused({ reason: "NotIndexed", detail, hint: "index it with `rekey apply`, then try again" });
}

/** Keys that a policy connects with the repository, and keys that any alert found in it. */
async function ofRepository(
  repository: string,
  policies: readonly Policy[],
  deps: AdminDeps,
): Promise<Leaks> {
  const seen = new Set(
    (await deps.ledger.incidents.incidents())
      .filter(({ alerts }) =>
        alerts.some(({ where, sourceId }) =>
          [...where, sourceId].some((place) => isPlaceIn(place, repository)),
        ),
      )
      .flatMap(({ secrets }) => secrets.map(({ secretArn }) => secretArn)),
  );
  const named = policiesOfRepository(policies, repository);
  const covered = policies.filter((policy) => seen.has(policy.secretArn) || named.includes(policy));
  const names = repositoriesIn(policies);
  const hint = "name it in rekey.yml, in `repositories` of a secret or a consumer";
  return many({ word: "repository", name: repository, covered, names, hint }, deps);
}
