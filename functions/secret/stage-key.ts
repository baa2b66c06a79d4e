import { PendingHeld, Superseded } from "../../core/errors.ts";
import { keyRole } from "../../core/own-credential.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyId, VersionId, VersionPlace } from "../../core/ports.ts";
import { isToPromote, markStaged } from "../../core/rotation/incoming.ts";
import { nativeTokenOf } from "../../core/rotation/native.ts";
import type { PlacedKey, Ticket } from "../../core/rotation/secret-record.ts";
import type { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { reportKeyOf } from "../../events/report-proof.ts";
import { keyIn, withKey } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";

interface Staging {
  readonly ticket: Ticket;
  readonly policy: Policy;
  readonly attempt: number;
  readonly keyId: KeyId;
  readonly secret: Secret;
}

/** Puts a key into the store as the pending version, while no other version is pending. */
export async function stageKey(staging: Staging, deps: Deps): Promise<PlacedKey> {
  const { ticket, policy, attempt, keyId, secret } = staging;
  const { secretArn } = ticket;
  const versionId = versionIdFor({ ...ticket, attempt, part: "mint" }, deps);
  const fingerprint = fingerprintOf(secret);
  const current = await deps.store.current(secretArn);
  const text = withKey(current.text, policy.field, secret);
  await deps.store.write({ secretArn, versionId, text });
  await takePending({ secretArn, versionId }, deps);

  const incoming = { keyId, versionId, fingerprint };
  const copiedFrom = {
    versionId: current.versionId,
    fingerprint: fingerprintOf(keyIn(current.text, policy.field)),
  };
  try {
    const reportKey = reportKeyOf(secret);
    await deps.ledger.putHolder({
      fingerprint,
      secretArn,
      versionId,
      keyId,
      role: keyRole(policy),
      reportKey,
    });
    await deps.ledger.changeSecret(secretArn, (record) =>
      markStaged(record, ticket, { attempt, incoming, copiedFrom }),
    );
  } catch (error) {
    const isOver =
      error instanceof Superseded && !isToPromote(await deps.ledger.secret(secretArn), versionId);
    if (isOver) await deps.store.discard({ secretArn, versionId });
    throw error;
  }
  return incoming;
}

/** Another version that is pending is somebody's unfinished rotation: ours steps back, and theirs stays. */
export async function takePending(place: VersionPlace, { store }: Pick<Deps, "store">): Promise<void> {
  if ((await store.markPending(place)) === "marked") return;
  await store.discard(place);
  throw new PendingHeld("another version is pending: somebody else's rotation is unfinished");
}

/** Always the same for one attempt, so that a repeat writes the same version. A native run has one, its token. */
export function versionIdFor(
  place: {
    readonly secretArn: string;
    readonly rotationId: string;
    readonly attempt: number;
    readonly part: string;
  },
  { digest }: Pick<Deps, "digest">,
): VersionId {
  const token = nativeTokenOf(place.rotationId);
  if (token !== undefined && place.part === "mint") return token;
  const hex = digest.sha256Hex(`${place.secretArn}\n${place.rotationId}\n${place.attempt}\n${place.part}`);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
