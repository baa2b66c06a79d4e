import { deploymentChain } from "../../../audit/chain.ts";
import { orderedText } from "../../../core/apply-plan.ts";
import { type Federated, keylessText, whyNotKeyless } from "../../../core/federated.ts";
import type { Policy } from "../../../core/policy.ts";
import { whatStaysAlive } from "../../../core/rotation/leave.ts";
import { currentKey } from "../../../core/rotation/secret-record.ts";
import type { AdminDeps } from "../../deps.ts";
import type { Caller } from "../command.ts";

export interface Wanted {
  readonly federated: readonly Federated[];
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
  { federated, names }: Wanted,
  { stored, ledger }: { readonly stored: readonly Policy[] } & Pick<AdminDeps, "ledger">,
): Promise<readonly string[]> {
  if (federated.length === 0) return [];
  const [declared, issued] = await Promise.all([ledger.federated(), ledger.everyIssued()]);
  const why = await Promise.all(
    federated.map(async (each) => {
      const { name } = each;
      const other = declared.find((one) => one.name === name && !names.includes(one.file));
      if (other !== undefined)
        return `the file ${other.file} declares ${name}: apply both files together, or with --replaces ${other.file}`;
      const policy = stored.find((one) => one.name === name);
      const record = policy && (await ledger.secret(policy.secretArn));
      const alive = record === undefined ? [] : [currentKey(record)?.keyId, ...whatStaysAlive(record)];
      return whyNotKeyless(each, {
        alive: [...new Set(alive.filter((keyId) => keyId !== undefined))],
        isManaged: policy !== undefined,
        isEnding: issued.some((one) => one.name === name && one.state === "ending"),
      });
    }),
  );
  return why.filter((text) => text !== undefined);
}

/** What differs from the ledger. Nothing of it is ever read from a store or asked of a provider. */
export async function planFederated(
  { federated, names, prune }: Wanted,
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
  const outcome = prune ? "removed" : "left";
  return [
    ...wanted,
    ...gone.map((each): AppliedFederated => ({ name: each.name, outcome, text: keylessText(each) })),
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
