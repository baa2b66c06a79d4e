import { sayStanding } from "../adoption/standing.ts";
import type { IncidentRecord, KeyInScope, SecretInScope } from "../incident/record.ts";
import type { ConsumerPolicy, Policy } from "../policy.ts";
import type { SecretArn } from "../ports.ts";

export interface FollowUp {
  readonly what: string;
  readonly owner: string;
  readonly why: string;
}

interface Followed {
  readonly incident: IncidentRecord;
  readonly policies: readonly Policy[];
}

const securityOwner = "the security team";

/** What people still have to do after an incident, and who: what Rekey saw and cannot do itself. */
export function followUpsOf({ incident, policies }: Followed): readonly FollowUp[] {
  return [
    ...incident.keys.flatMap(openKey),
    ...incident.secrets.flatMap((secret) => openSecret(secret, policies)),
    ...placesToClean(incident, policies),
    ...findingsToFollow(incident, policies),
  ];
}

function openKey(key: KeyInScope): readonly FollowUp[] {
  if (key.state === "dead") return [];
  const why = key.blocked?.why ?? key.waiver?.reason ?? `it is ${key.state}`;
  return [{ what: `Make sure that ${nameOf(key)} is dead`, owner: key.waiver?.by ?? securityOwner, why }];
}

function openSecret(secret: SecretInScope, policies: readonly Policy[]): readonly FollowUp[] {
  const { name, replacement, failure, behind } = secret;
  const failed =
    replacement === "failed"
      ? [
          {
            what: `Replace the key of ${name} by hand`,
            owner: ownersOf(secret, policies),
            why: failure ?? "it failed",
          },
        ]
      : [];
  const late = replacement === "adopted" ? [] : behind;
  return [
    ...failed,
    ...late.map((consumer) => ({
      what: `Move ${consumer} to the incoming key of ${name}`,
      owner: ownerOf(consumer, { secret, policies }),
      why: howItStood(consumer, secret),
    })),
  ];
}

/** What was observed of it last: failing, cut off, silent and gone are four different things, and so is each of its places. */
function howItStood(consumer: string, { standings = [], copiesBehind = [] }: SecretInScope): string {
  const known = standings.find((each) => each.consumer === consumer);
  const places = copiesBehind.filter((each) => each.consumer === consumer).map(({ why }) => why);
  const said = [...(known === undefined ? [] : [sayStanding(known)]), ...places];
  return said.length === 0 ? "it was behind when it was last asked" : said.join("; ");
}

interface Owned {
  readonly secretArn: SecretArn;
  readonly name: string;
}

function ownerOf(
  consumer: string,
  { secret, policies }: { readonly secret: Owned; readonly policies: readonly Policy[] },
): string {
  const declared = consumersOf(secret, policies).find(({ name }) => consumer.includes(name));
  return declared?.refresh.owner ?? policyOf(secret, policies)?.owner ?? nobodyNamed(consumer);
}

/** The secret's owner, or else those whom its policy names for its consumers: they know who made the secret. */
export function ownersOf(secret: Owned, policies: readonly Policy[]): string {
  const owner = policyOf(secret, policies)?.owner;
  if (owner !== undefined) return owner;
  const owners = new Set(consumersOf(secret, policies).flatMap(({ refresh }) => refresh.owner ?? []));
  return owners.size === 0 ? nobodyNamed(secret.name) : [...owners].join(", ");
}

function policyOf({ secretArn }: Owned, policies: readonly Policy[]): Policy | undefined {
  return policies.find((policy) => policy.secretArn === secretArn);
}

function consumersOf(secret: Owned, policies: readonly Policy[]): readonly ConsumerPolicy[] {
  const consumers = policyOf(secret, policies)?.consumers ?? "none";
  return consumers === "none" ? [] : consumers;
}

function nobodyNamed(what: string): string {
  return `the owner of ${what}, whom no policy names`;
}

function placesToClean(
  { alerts, secrets }: IncidentRecord,
  policies: readonly Policy[],
): readonly FollowUp[] {
  const places = [...new Set(alerts.flatMap(({ where }) => where))];
  if (places.length === 0) return [];
  const lay = places.length === 1 ? "the place" : `the ${places.length} places`;
  const [secret] = secrets;
  return [
    {
      what: `Remove the key from ${lay} where it was found`,
      owner: secret === undefined ? securityOwner : ownersOf(secret, policies),
      why: `even a dead key in ${places[0]} shows attackers how keys are stored there`,
    },
  ];
}

function findingsToFollow({ scope }: IncidentRecord, policies: readonly Policy[]): readonly FollowUp[] {
  if (scope === undefined) return [];
  const named = (secretArn: SecretArn): Owned => ({
    secretArn,
    name: policies.find((policy) => policy.secretArn === secretArn)?.name ?? secretArn,
  });
  const strangers = new Set(scope.readers.filter(({ known }) => !known).map(({ principal }) => principal));
  return [
    ...[...strangers].map((principal) => ({
      what: `Find out why ${principal} read the secret`,
      owner: securityOwner,
      why: "no consumer of the policy has this role",
    })),
    ...scope.newKeys.map(({ keyId }) => ({
      what: `Find out who made key ${keyId}, and delete it if nobody did`,
      owner: securityOwner,
      why: "it was made after the exposure and the ledger does not know it",
    })),
    ...scope.siblings.map(({ secretArn, why }) => ({
      what: `Decide whether ${named(secretArn).name} has to be replaced too`,
      owner: ownersOf(named(secretArn), policies),
      why,
    })),
  ];
}

export function nameOf({ keyId, fingerprint }: Pick<KeyInScope, "keyId" | "fingerprint">): string {
  if (keyId !== undefined) return `key ${keyId}`;
  return fingerprint === undefined
    ? "the reported key"
    : `the key with fingerprint ${fingerprint.slice(0, 19)}…`;
}
