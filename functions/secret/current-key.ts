import { CurrentKeyUnknown, LedgerContended, PendingHeld, SecretUnusable } from "../../core/errors.ts";
import type { LedgerKey } from "../../core/keys.ts";
import type { Policy } from "../../core/policy.ts";
import type { VersionId, VersionsInUse } from "../../core/ports.ts";
import { currentKey, type PlacedKey, type SecretRecord } from "../../core/rotation/secret-record.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { assertKeyOf } from "../../providers/key-of.ts";
import { keyIn } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";
import { freezeSpentKey, spentKey, whyFrozen } from "./freeze.ts";
import { whichAtProvider } from "./key-at-provider.ts";

export type FoundKey = LedgerKey & PlacedKey;

interface Question {
  readonly policy: Policy;
  readonly record: SecretRecord;
  /** The version that Secrets Manager made for the rotation that asks: it is pending, and still empty. */
  readonly reserved?: VersionId | undefined;
}

/**
 * The key that the current version holds, with its id at the provider: the ledger's where its version is the
 * ledger's, else found again by fingerprint, else the only one at the provider that it can be.
 */
export async function findCurrentKey({ policy, record, reserved }: Question, deps: Deps): Promise<FoundKey> {
  const versions = await deps.store.versionsInUse(policy.secretArn);
  const versionId = versions.current;
  if (versionId === undefined) throw new SecretUnusable(`${policy.secretArn} has no value yet`);
  await clearPending({ policy, record, versions, reserved }, deps);

  const known = placed(currentKey(record));
  if (known !== undefined && known.versionId === versionId) return known;

  const { text } = await deps.store.read(policy.secretArn, versionId);
  const secret = keyIn(text, policy.field);
  assertKeyOf(policy.provider.kind, secret);
  const fingerprint = fingerprintOf(secret);
  await refuseSpentKey({ record, fingerprint, versionId }, deps);

  const same = placed(record.keys.find((key) => key.fingerprint === fingerprint));
  if (same !== undefined) return { ...same, versionId };

  const listed = await whichAtProvider({ policy, secret }, deps.provider(policy));
  return { name: listed.name, state: "current", keyId: listed.keyId, versionId, fingerprint };
}

function placed(key: LedgerKey | undefined): FoundKey | undefined {
  if (key?.keyId === undefined || key.versionId === undefined || key.fingerprint === undefined)
    return undefined;
  return { ...key, keyId: key.keyId, versionId: key.versionId, fingerprint: key.fingerprint };
}

/**
 * A pending version that an ended run of ours left is cleared; somebody else's is their unfinished rotation.
 */
async function clearPending(
  { policy, record, versions, reserved }: Question & { readonly versions: VersionsInUse },
  deps: Deps,
): Promise<void> {
  const { pending } = versions;
  if (pending === undefined || pending.versionId === reserved) return;
  const { versionId } = pending;
  // The store's mark tells our version even where the ledger never heard of its write.
  const isOurs = pending.byRekey || record.keys.some((key) => key.versionId === versionId);
  if (!isOurs && versionId !== versions.current) {
    throw new PendingHeld(
      `version ${versionId} is pending, and Rekey did not write it: another rotation is unfinished`,
    );
  }
  await deps.store.clearPending({ secretArn: policy.secretArn, versionId });
}

/**
 * The current version again holds a key that is retiring, revoked, dead or compromised: freeze the secret
 * and page.
 */
async function refuseSpentKey(
  view: { readonly record: SecretRecord; readonly fingerprint: string; readonly versionId: VersionId },
  deps: Deps,
): Promise<void> {
  const spent = await spentKey(view, deps);
  if (spent === undefined) return;
  const found = { ...view, spent };
  if ((await freezeSpentKey(found, deps)) === "overtaken")
    throw new LedgerContended("another run replaced the current version while it was looked at");
  throw new CurrentKeyUnknown(`${whyFrozen(found)}: somebody else moved it`);
}
