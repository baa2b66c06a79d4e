import { AdminCredentialRefused, KeyShared, RotationError } from "../../../core/errors.ts";
import { keyRole } from "../../../core/own-credential.ts";
import { isRotated, type Policy } from "../../../core/policy.ts";
import type { Fingerprint, KeyId, SecretArn, VersionId } from "../../../core/ports.ts";
import { currentKey, type SecretRecord } from "../../../core/rotation/secret-record.ts";
import { adoptByHand } from "../../../core/rotation/superseded.ts";
import type { Secret } from "../../../core/secret.ts";
import { aliasesOf } from "../../../events/fingerprint.ts";
import { reportKeyOf } from "../../../events/report-proof.ts";
import type { FingerprintEntry } from "../../../ledger/entries.ts";
import { assertMayBeKept } from "../../../providers/key-of.ts";
import { keyIn } from "../../../stores/value.ts";
import type { AdminDeps } from "../../deps.ts";
import { type FoundKey, findCurrentKey } from "../../secret/current-key.ts";
import { sharedWith } from "../../secret/shared-key.ts";

export interface Adoption {
  /** `known`: nothing changed; `busy`: a run holds the secret and knows its keys; `watched`: never rotated. */
  readonly how: "adopted" | "known" | "busy" | "watched";
  readonly keyId?: KeyId;
}

/** What adoption finds out about the secret before it writes anything. */
interface KeySeen {
  readonly how: Adoption["how"];
  readonly record: SecretRecord | undefined;
  readonly found: FoundKey | undefined;
}

/** Reads what has to be there to adopt the secret, and fails as `adopt` would. */
export async function lookAtKey(
  policy: Policy,
  deps: AdminDeps,
): Promise<{ readonly keyId?: KeyId; readonly fingerprint?: Fingerprint }> {
  const { found } = await seeKey(policy, deps);
  if (found !== undefined) {
    await refuseShared({ policy, found }, deps);
    return { keyId: found.keyId, fingerprint: found.fingerprint };
  }
  if (isRotated(policy)) return {};
  const { current } = await deps.store.versionsInUse(policy.secretArn);
  if (current === undefined) return {};
  const key = await keyOf({ policy, versionId: current, isCurrent: true }, deps);
  return key === undefined ? {} : { fingerprint: aliasesOf(key).sha256 };
}

async function seeKey(policy: Policy, deps: AdminDeps): Promise<KeySeen> {
  if (!isRotated(policy)) return { how: "watched", record: undefined, found: undefined };
  const record = await deps.ledger.secret(policy.secretArn);
  if (isUnderWay(record)) return { how: "busy", record, found: undefined };
  const found = await findCurrentKey({ policy, record }, lookingOnly(deps));
  const known = currentKey(record);
  const isKnown = known?.keyId === found.keyId && known.versionId === found.versionId;
  return { how: isKnown ? "known" : "adopted", record, found };
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
  const { how, record, found } = await seeKey(policy, deps);
  if (how === "watched") await fingerprintVersions({ policy, found: undefined }, deps);
  if (found === undefined || record === undefined) return { how };
  const { keyId, fingerprint } = found;
  if (how === "known") return { how, keyId };

  await fingerprintVersions({ policy, found }, deps);
  // Checked after the entries are written: if two secrets with one key are adopted at the same time, each
  // finds the other.
  await refuseShared({ policy, found }, deps);
  // A run that came and went since this looked at the current version knows better what it holds.
  const isLate = (now: SecretRecord) => isUnderWay(now) || now.fence !== record.fence;
  const next = await deps.ledger.changeSecret(secretArn, (now) =>
    isLate(now) ? now : adoptByHand(now, found),
  );
  if (isLate(next)) return { how: "busy" };
  await deps.ledger.putKey({ secretArn, name: keyId, keyId, fingerprint, state: "current", atMs });
  return { how: "adopted", keyId };
}

async function refuseShared(
  { policy, found }: { readonly policy: Policy; readonly found: FoundKey },
  deps: AdminDeps,
): Promise<void> {
  const { keyId, fingerprint } = found;
  const others = await sharedWith({ fingerprint, secretArn: policy.secretArn }, deps);
  if (others.length > 0) throw new KeyShared(`key ${keyId} is also held by ${others.join(", ")}`);
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
    const place = { secretArn, versionId, role: keyRole(policy) } as const;
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
    const key = keyIn((await deps.store.read(policy.secretArn, versionId)).text, policy.field);
    assertMayBeKept(policy.provider.kind, key);
    return key;
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
  const known = { ...place, ...(keyId !== undefined && { keyId }) };
  const reportKey = reportKeyOf(key);
  for (const fingerprint of Object.values(aliases)) {
    const isOurs = fingerprint === aliases.sha256;
    await ledger.putHolder({ ...known, fingerprint, ...(isOurs && { reportKey }) });
  }
}

/** An admin credential can leak like any other key. Its index entry says that no rotation can replace it. */
export async function fingerprintAdmin(secretArn: SecretArn, deps: AdminDeps): Promise<void> {
  const { versionId, key } = await readAdmin(secretArn, deps);
  await putHolders({ place: { secretArn, versionId, role: "admin" }, key }, deps);
}

export async function lookAtAdmin(secretArn: SecretArn, deps: AdminDeps): Promise<void> {
  await readAdmin(secretArn, deps);
}

async function readAdmin(
  secretArn: SecretArn,
  deps: AdminDeps,
): Promise<{ readonly versionId: VersionId; readonly key: Secret }> {
  try {
    const { versionId, text } = await deps.store.current(secretArn);
    return { versionId, key: keyIn(text) };
  } catch (error) {
    if (!(error instanceof RotationError) || error.retry === "later") throw error;
    throw new AdminCredentialRefused(`the admin credential ${secretArn} cannot be used: ${error.message}`, {
      cause: error,
    });
  }
}
