import { together } from "../../../consumers/together.ts";
import type { Candidate } from "../../../core/campaign/order.ts";
import { isOver } from "../../../core/incident/status.ts";
import { isReporting, isRotated, type Policy } from "../../../core/policy.ts";
import type { Fingerprint, SecretArn } from "../../../core/ports.ts";
import { steadyCallsPerSecond } from "../../../core/provider-account.ts";
import type { AdminDeps } from "../../deps.ts";
import type { IndexedVersion } from "../../key-index/identify-key.ts";
import { ownCredential } from "../../key-index/own-credential.ts";
import { currentLeak } from "../compromise/target.ts";

const atOnceMax = 16;

interface Asked {
  readonly policies: readonly Policy[];
  /** Names or ARNs of secrets whose key a stranger uses. */
  readonly abused: readonly string[];
  /** Admin credentials that the person named, by their ARN. */
  readonly own: readonly SecretArn[];
}

/** Every key that the order covers, with the facts that decide when and how it is contained. Writes nothing. */
export async function candidatesFor(asked: Asked, deps: AdminDeps): Promise<readonly Candidate[]> {
  const seenInPublic = await publicSecrets(deps);
  const rotated = await together(asked.policies, {
    atOnceMax,
    work: (policy) => candidateOf(policy, { abused: asked.abused, seenInPublic }, deps),
  });
  const own = await Promise.all(asked.own.map((arn) => ownCandidates(arn, deps)));
  return [...rotated, ...own.flat()];
}

/** Secrets of whose key an alert said that it is public. */
async function publicSecrets({ ledger }: AdminDeps): Promise<ReadonlySet<SecretArn>> {
  const open = (await ledger.incidents.incidents()).filter(({ status }) => !isOver(status));
  const inPublic = open.filter(({ alerts }) => alerts.some(({ exposure }) => exposure === "public"));
  return new Set(
    inPublic.flatMap(({ keys, secrets }) => [...keys, ...secrets].flatMap((each) => each.secretArn ?? [])),
  );
}

async function candidateOf(
  policy: Policy,
  known: { readonly abused: readonly string[]; readonly seenInPublic: ReadonlySet<SecretArn> },
  deps: AdminDeps,
): Promise<Candidate> {
  const { secretArn, name, environment, provider, consumers, publishable } = policy;
  const [leak, evidence] = await Promise.all([currentLeak(policy, deps), deps.ledger.evidence(secretArn)]);
  const [fingerprint] = leak?.identity.kind === "fingerprint" ? leak.identity.values : [];
  const instances = evidence.filter((item) => isReporting(item.kind) && !("ended" in item && item.ended));
  const person = whyPerson({ policy, fingerprint }, deps);
  return {
    ...{ secretArn, name, environment, account: provider.account, provider: provider.kind },
    callsPerSecond: steadyCallsPerSecond(provider.budget),
    consumers: consumers === "none" ? [] : consumers.map((each) => `${each.environment}/${each.name}`),
    ...(fingerprint !== undefined && { fingerprint }),
    isPublic: publishable === true || known.seenInPublic.has(secretArn),
    isAbused: known.abused.includes(name) || known.abused.includes(secretArn),
    instances: instances.length,
    ...(person !== undefined && { person }),
  };
}

function whyPerson(
  { policy, fingerprint }: { readonly policy: Policy; readonly fingerprint: Fingerprint | undefined },
  deps: AdminDeps,
): string | undefined {
  const { name, mode } = policy;
  if (fingerprint === undefined)
    return "its current key is not indexed: run `rekey apply`, and report it then";
  if (!isRotated(policy)) return `Rekey changes nothing under mode: ${mode}: replace it by hand`;
  const { shape, revoke } = deps.provider(policy).capabilities;
  if (shape.kind === "assisted") return `make a key at ${policy.provider.account}: rekey supply ${name}`;
  return revoke ? undefined : `delete the key at ${policy.provider.account}: there is no call that does`;
}

/** Each indexed version of one of Rekey's own credentials. Its incident asks a person: Rekey revokes none of them. */
async function ownCandidates(secretArn: SecretArn, { ledger }: AdminDeps): Promise<readonly Candidate[]> {
  const versions = await ledger.documents.all<IndexedVersion>({ kind: "INDEX", id: secretArn });
  const policies = await ledger.policies();
  const served = policies.find(({ provider }) => provider.adminCredential === secretArn);
  if (served === undefined) return [];
  const { what = secretArn } = ownCredential({ role: "admin", secretArn }, policies);
  const { account, kind: provider } = served.provider;
  return versions.flatMap(({ sha256 }) =>
    sha256 === null
      ? []
      : [
          {
            ...{ secretArn, name: what, environment: served.environment, account, provider, consumers: [] },
            callsPerSecond: steadyCallsPerSecond(served.provider.budget),
            ...{ fingerprint: sha256, isPublic: false, isAbused: false, instances: 0 },
            person: `replace ${what}`,
          },
        ],
  );
}
