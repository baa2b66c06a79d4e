import { AdminCredentialRefused, KeyShared, RotationError } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyId, SecretArn, VersionId } from "../../core/ports.ts";
import { adoptByHand } from "../../core/rotation/left-behind.ts";
import { currentKey, type SecretRecord } from "../../core/rotation/secret-record.ts";
import type { Secret } from "../../core/secret.ts";
import { aliasesOf } from "../../events/fingerprint.ts";
import type { FingerprintEntry } from "../../ledger/entries.ts";
import { keyIn } from "../../stores/value.ts";
import type { AdminDeps } from "../deps.ts";
import { type FoundKey, findCurrentKey, sharedWith } from "../secret/current-key.ts";

export interface Adoption {
  /** `known`: nothing changed; `busy`: a run holds the secret and knows its keys; `watched`: mode index. */
  readonly how: "adopted" | "known" | "busy" | "watched";
  readonly keyId?: KeyId;
}

/**
 * Starts to manage the secret as it is: records which key is current, and the fingerprint of every readable
 * version, so that a leak of any of them is recognised. Nothing is minted, moved or revoked.
 */
export async function adopt(
  { policy, atMs }: { readonly policy: Policy; readonly atMs: number },
  deps: AdminDeps,
): Promise<Adoption> {
  const { secretArn } = policy;
  if (policy.mode === "index") {
    await fingerprintVersions({ policy, found: undefined }, deps);
    return { how: "watched" };
  }
  const record = await deps.ledger.secret(secretArn);
  if (isUnderWay(record)) return { how: "busy" };
  const found = await findCurrentKey({ policy, record }, lookingOnly(deps));
  const { keyId, fingerprint, versionId } = found;
  const known = currentKey(record);
  if (known?.keyId === keyId && known.versionId === versionId) return { how: "known", keyId };

  await fingerprintVersions({ policy, found }, deps);
  // Checked after the entries are written: if two secrets with one key are adopted at the same time, each
  // finds the other.
  const others = await sharedWith({ fingerprint, secretArn }, deps);
  if (others.length > 0) throw new KeyShared(`key ${keyId} is also held by ${others.join(", ")}`);
  // A run that came and went since this looked at the current version knows better what it holds.
  const isLate = (now: SecretRecord) => isUnderWay(now) || now.fence !== record.fence;
  const next = await deps.ledger.changeSecret(secretArn, (now) =>
    isLate(now) ? now : adoptByHand(now, found),
  );
  if (isLate(next)) return { how: "busy" };
  await deps.ledger.putKey({ secretArn, name: keyId, keyId, fingerprint, state: "current", atMs });
  return { how: "adopted", keyId };
}

function isUnderWay({ lease, run }: SecretRecord): boolean {
  return lease !== undefined || run !== undefined;
}

/** Finding the current key also clears what an ended run left pending, which is for the run that is about to start. */
function lookingOnly(deps: AdminDeps): AdminDeps {
  return { ...deps, store: { ...deps.store, clearPending: async () => {} } };
}

interface Indexing {
  readonly policy: Policy;
  readonly found: FoundKey | undefined;
}

async function fingerprintVersions({ policy, found }: Indexing, deps: AdminDeps): Promise<void> {
  const { secretArn } = policy;
  const { all, current } = await deps.store.versionsInUse(secretArn);
  for (const versionId of all) {
    const isCurrent = versionId === current;
    const key = await keyOf({ policy, versionId, isCurrent }, deps);
    if (key === undefined) continue;
    const place = { secretArn, versionId, role: policy.mode === "index" ? "index" : "rotated" } as const;
    await putHolders({ place, key, found }, deps);
  }
}

/** An older version may be empty or lack the field: only the current one has to be readable. */
async function keyOf(
  place: { readonly policy: Policy; readonly versionId: VersionId; readonly isCurrent: boolean },
  deps: AdminDeps,
): Promise<Secret | undefined> {
  const { policy, versionId, isCurrent } = place;
  try {
    return keyIn((await deps.store.read(policy.secretArn, versionId)).text, policy.field);
  } catch (error) {
    if (isCurrent || !(error instanceof RotationError) || error.retry === "later") throw error;
    return undefined;
  }
}

/** Alert sources know a leaked key by other hashes than ours, so every alias is indexed. */
async function putHolders(
  holding: {
    readonly place: Pick<FingerprintEntry, "secretArn" | "versionId" | "role">;
    readonly key: Secret;
    readonly found?: FoundKey | undefined;
  },
  { ledger }: Pick<AdminDeps, "ledger">,
): Promise<void> {
  const { place, key, found } = holding;
  const aliases = aliasesOf(key);
  const keyId = found?.fingerprint === aliases.sha256 ? found.keyId : undefined;
  for (const fingerprint of Object.values(aliases)) {
    await ledger.putHolder({ ...place, fingerprint, ...(keyId !== undefined && { keyId }) });
  }
}

/** An admin credential can leak like any other key. Its index entry says that no rotation can replace it. */
export async function fingerprintAdmin(secretArn: SecretArn, deps: AdminDeps): Promise<void> {
  try {
    const { versionId, text } = await deps.store.current(secretArn);
    await putHolders({ place: { secretArn, versionId, role: "admin" }, key: keyIn(text) }, deps);
  } catch (error) {
    if (!(error instanceof RotationError) || error.retry === "later") throw error;
    throw new AdminCredentialRefused(`the admin credential ${secretArn} cannot be used: ${error.message}`, {
      cause: error,
    });
  }
}
