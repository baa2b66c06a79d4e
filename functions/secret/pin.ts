import type { SecretArn, VersionId } from "../../core/ports.ts";
import type { Deps } from "../deps.ts";
import { versionWith } from "./current-key.ts";
import { retiringLabel } from "./stage-key.ts";

interface Pinning {
  readonly secretArn: SecretArn;
  readonly versionId: VersionId;
  /** Throws when another run has the secret: a call that thaws late would take that run's pin off. */
  assertMine(): Promise<unknown>;
}

/** Once AWSCURRENT has left a version, only a label keeps it from being purged with the key that is in it. */
export async function pin(
  { secretArn, versionId, assertMine }: Pinning,
  { store }: Pick<Deps, "store">,
): Promise<void> {
  const move = await store.moveLabel({ secretArn, label: retiringLabel, to: versionId });
  if (move === "moved") return;
  const holder = versionWith(await store.labels(secretArn), retiringLabel);
  if (holder === undefined || holder === versionId) return;
  // After the look at the holder: whoever takes the secret later than this moves the pin, and the move fails.
  await assertMine();
  await store.moveLabel({ secretArn, label: retiringLabel, from: holder, to: versionId });
}
