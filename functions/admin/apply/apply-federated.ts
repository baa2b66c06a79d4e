import { deploymentChain } from "../../../audit/chain.ts";
import { orderedText } from "../../../core/apply-plan.ts";
import { type Federated, keylessText, whyNotKeyless } from "../../../core/federated.ts";
import type { Policy } from "../../../core/policy.ts";
import { whatStaysAlive } from "../../../core/rotation/leave.ts";
import { currentKey } from "../../../core/rotation/secret-record.ts";
import { memberName } from "../../../events/policy-file/per-consumer.ts";
import type { AdminDeps } from "../../deps.ts";
import type { Caller } from "../command.ts";

export interface Wanted {
  readonly federated: readonly Federated[];
  /** The secrets with keys of the same files. */
  readonly policies: readonly Policy[];
  /** The names of the files that are applied or replaced. */
  readonly names: readonly string[];
  readonly prune: boolean;
}

/** What was done, or would be done, about consumers without a key. */
export interface AppliedFederated {
  readonly name: string;
  readonly outcome: "created" | "updated" | "unchanged" | "removed" | "left";
  readonly text: string;
}

/** Blocks of consumers whose former key still lives, and names that two files declare. */
export async function mistakesOfFederated(
  wanted: Wanted,
  { stored, ledger }: { readonly stored: readonly Policy[] } & Pick<AdminDeps, "ledger">,
): Promise<readonly string[]> {
  const { federated, policies, names } = wanted;
  const declared = await ledger.federated();
  if (federated.length + declared.length === 0) return [];
  const elsewhere = (name: string) => declared.find((one) => one.name === name && !names.includes(one.file));
  const clashing = [...federated, ...policies].flatMap(({ name }) => elsewhere(name) ?? []);
  if (clashing.length > 0)
    return clashing.map(
      ({ name, file }) =>
        `the file ${file} declares ${name} as having no key: apply both files together, or with --replaces ${file}`,
    );
  if (federated.length === 0) return [];
  const issued = await ledger.everyIssued();
  const why = federated.flatMap((each) => {
    const own = [each.name, ...each.consumers.map((consumer) => memberName(each.name, consumer.name))];
    const ending = issued.filter(({ name, state }) => state === "ending" && own.includes(name));
    return [
      ...stored
        .filter((policy) => hadKeyOf(each, policy, wanted))
        .map((policy) => whyManaged(policy, ledger)),
      ...ending.map(({ name }) => whyNotKeyless({ name }, { alive: [], isManaged: false, isEnding: true })),
    ];
  });
  return (await Promise.all(why)).filter((text) => text !== undefined);
}

async function whyManaged(policy: Policy, ledger: AdminDeps["ledger"]): Promise<string | undefined> {
  const record = await ledger.secret(policy.secretArn);
  const alive = [currentKey(record)?.keyId, ...whatStaysAlive(record)].filter((id) => id !== undefined);
  return whyNotKeyless(policy, { alive: [...new Set(alive)], isManaged: true, isEnding: false });
}

/** The secret was declared under the name of the block; with `keys: per-consumer`, under it and a consumer's. */
function hadKeyOf({ name }: Federated, policy: Policy, { policies, names }: Wanted): boolean {
  if (policy.name === name) return true;
  const { consumers, file, secretArn } = policy;
  const [consumer, other] = consumers === "none" ? [] : consumers;
  const isMember = other === undefined && consumer !== undefined;
  return (
    isMember &&
    policy.name === memberName(name, consumer.name) &&
    (file === undefined || names.includes(file)) &&
    !policies.some((each) => each.secretArn === secretArn)
  );
}

/** What differs from the ledger. Nothing of it is ever read from a store or asked of a provider. */
export async function planFederated(
  { federated, policies, names, prune }: Wanted,
  { ledger }: Pick<AdminDeps, "ledger">,
): Promise<readonly AppliedFederated[]> {
  const stored = await ledger.federated();
  const wanted = federated.map((each): AppliedFederated => {
    const before = stored.find(({ name }) => name === each.name);
    const isSame = orderedText(before) === orderedText(each);
    const outcome = before === undefined ? "created" : isSame ? "unchanged" : "updated";
    return { name: each.name, outcome, text: keylessText(each) };
  });
  const gone = stored.filter(
    ({ name, file }) => names.includes(file) && !federated.some((each) => each.name === name),
  );
  // One that has a key again is not both.
  const outcome = ({ name }: Federated): AppliedFederated["outcome"] =>
    prune || policies.some((policy) => policy.name === name) ? "removed" : "left";
  return [
    ...wanted,
    ...gone.map((each) => ({ name: each.name, outcome: outcome(each), text: keylessText(each) })),
  ];
}

/** Each change is in the deployment's log, with the secret that held the key before, where there was one. */
export async function applyFederated(
  wanted: Wanted & { readonly caller: Caller },
  deps: AdminDeps,
): Promise<readonly AppliedFederated[]> {
  const { federated, caller } = wanted;
  const plan = await planFederated(wanted, deps);
  const former = plan.length === 0 ? [] : await deps.ledger.formerSecrets();
  for (const { name, outcome } of plan) {
    if (outcome === "unchanged" || outcome === "left") continue;
    const declared = federated.find((each) => each.name === name);
    if (declared === undefined) await deps.ledger.removeFederated(name);
    else await deps.ledger.putFederated(declared);
    const from = former.find((each) => each.name === name)?.secretArn;
    await deps.audit.append(deploymentChain, {
      ...{ id: `${caller.requestId}/federated/${name}`, atMs: caller.atMs, actor: caller.principal },
      action: declared === undefined ? "FederatedRemoved" : "FederatedApplied",
      detail: {
        name,
        ...(declared !== undefined && {
          issuer: declared.issuer,
          identity: declared.identity,
          consumers: declared.consumers
            .map((each) => each.name)
            .join(" ")
            .slice(0, 500),
        }),
        ...(from !== undefined && { insteadOf: from }),
      },
    });
  }
  return plan;
}
