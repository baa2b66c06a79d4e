import { PendingHeld, Superseded } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyId, VersionId } from "../../core/ports.ts";
import { markStaged } from "../../core/rotation/incoming.ts";
import type { PlacedKey, Ticket } from "../../core/rotation/secret-record.ts";
import type { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { keyIn, withKey } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";

/** Attached by the put itself: PutSecretValue would silently steal AWSPENDING, but nobody else uses this one. */
export const incomingLabel = "REKEY_INCOMING";
export const pendingLabel = "AWSPENDING";
export const retiringLabel = "REKEY_RETIRING";

interface Staging {
  readonly ticket: Ticket;
  readonly policy: Policy;
  readonly attempt: number;
  readonly keyId: KeyId;
  readonly secret: Secret;
}

/** Puts a key into the store as the pending version, without taking anybody's pending version away. */
export async function stageKey(staging: Staging, deps: Deps): Promise<PlacedKey> {
  const { ticket, policy, attempt, keyId, secret } = staging;
  const { secretArn } = ticket;
  const versionId = versionIdFor({ ...ticket, attempt, part: "mint" }, deps);
  const fingerprint = fingerprintOf(secret);
  const current = await deps.store.read(secretArn);
  const text = withKey(current.text, policy.field, secret);
  await deps.store.put({ secretArn, versionId, text, labels: [incomingLabel] });
  await takePending({ secretArn, versionId }, deps);

  const incoming = { keyId, versionId, fingerprint };
  const copiedFrom = {
    versionId: current.versionId,
    fingerprint: fingerprintOf(keyIn(current.text, policy.field)),
  };
  try {
    await deps.ledger.putHolder({ fingerprint, secretArn, versionId, keyId, role: "rotated" });
    await deps.ledger.changeSecret(secretArn, (record) =>
      markStaged(record, ticket, { attempt, incoming, copiedFrom }),
    );
  } catch (error) {
    if (error instanceof Superseded) await stripOwnLabels({ secretArn, versionId }, deps);
    throw error;
  }
  return incoming;
}

/** Without `from` the move fails if any other version holds the label: that version is somebody's rotation. */
export async function takePending(
  { secretArn, versionId }: { readonly secretArn: string; readonly versionId: VersionId },
  deps: Deps,
): Promise<void> {
  const move = await deps.store.moveLabel({ secretArn, label: pendingLabel, to: versionId });
  if (move === "moved") return;
  await stripOwnLabels({ secretArn, versionId }, deps);
  throw new PendingHeld("AWSPENDING is on another version: somebody else's rotation is unfinished");
}

/** Takes both labels off this version, and only off this one. */
export async function stripOwnLabels(
  { secretArn, versionId }: { readonly secretArn: string; readonly versionId: VersionId },
  deps: Deps,
): Promise<void> {
  const labels = (await deps.store.labels(secretArn))[versionId] ?? [];
  for (const label of [pendingLabel, incomingLabel]) {
    if (labels.includes(label)) await deps.store.moveLabel({ secretArn, label, from: versionId });
  }
}

/** Deterministic, so that a repeat of the same attempt writes the same version and not another one. */
export function versionIdFor(
  place: {
    readonly secretArn: string;
    readonly rotationId: string;
    readonly attempt: number;
    readonly part: string;
  },
  { digest }: Pick<Deps, "digest">,
): VersionId {
  const hex = digest.sha256Hex(`${place.secretArn}\n${place.rotationId}\n${place.attempt}\n${place.part}`);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
