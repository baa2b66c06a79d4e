import { inTurns } from "../../consumers/in-turns.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyId, SecretArn, VersionId } from "../../core/ports.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import type { Deps } from "../deps.ts";

const secretsMax = 1_000;
const atOnceMax = 25;

export interface KeyOfRun {
  readonly policy: Policy;
  readonly secretArn: SecretArn;
  readonly versionId: VersionId;
}

/**
 * Where a run made this key, or found it current. A key that was seen dead leaves the secret's item, and until the
 * index has seen its version nothing but the run's own record says whose it was.
 */
export async function keyOfRuns(
  { policies, keyId }: { readonly policies: readonly Policy[]; readonly keyId: KeyId },
  deps: Pick<Deps, "ledger">,
): Promise<readonly KeyOfRun[]> {
  const found = await inTurns(policies.slice(0, secretsMax), {
    atOnceMax,
    work: async (policy) => placeIn(await deps.ledger.rotations(policy.secretArn), { policy, keyId }),
  });
  return found.flatMap((place) => place ?? []);
}

function placeIn(
  runs: readonly RotationRecord[],
  { policy, keyId }: { readonly policy: Policy; readonly keyId: KeyId },
): KeyOfRun | undefined {
  const { secretArn } = policy;
  const maker = runs.find((run) => run.incomingKeyId === keyId);
  const isKnown = maker !== undefined || runs.some((run) => run.retiringKeyId === keyId);
  return isKnown ? { policy, secretArn, versionId: maker?.incomingVersionId ?? "" } : undefined;
}
