import type { SecretArn, VersionId } from "../../core/ports.ts";
import type { Deps } from "../deps.ts";

interface Pinning {
  readonly secretArn: SecretArn;
  readonly versionId: VersionId;
  /** Throws if another run has the secret: a delayed call would remove that run's pin. */
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
  // Checked after reading which version has the label: a run that takes the secret later moves the pin, and
  // then this move fails.
  await assertMine();
  await store.pin({ secretArn, versionId, from: holder });
}
