import type { SecretArn, VersionId } from "../../core/ports.ts";
import type { Deps } from "../deps.ts";

interface Pinning {
  readonly secretArn: SecretArn;
  readonly versionId: VersionId;
  /** Throws when another run has the secret: a call that thaws late would take that run's pin off. */
  assertMine(): Promise<unknown>;
}

/** Once a version is not current any more, only its pin keeps the store from deleting it, and the key with it. */
export async function pin(
  { secretArn, versionId, assertMine }: Pinning,
  { store }: Pick<Deps, "store">,
): Promise<void> {
  if ((await store.pin({ secretArn, versionId })) === "pinned") return;
  const { pinned: holder } = await store.versionsInUse(secretArn);
  if (holder === undefined || holder === versionId) return;
  // After the look at the holder: whoever takes the secret later than this moves the pin, and the move fails.
  await assertMine();
  await store.pin({ secretArn, versionId, from: holder });
}
