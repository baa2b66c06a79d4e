import type { SecretArn, VersionId } from "../core/ports.ts";
import { versionWith } from "./current-key.ts";
import type { Deps } from "./deps.ts";
import { retiringLabel } from "./stage-key.ts";

/** Once AWSCURRENT has left a version, only a label keeps it from being purged with the key that is in it. */
export async function pin(
  { secretArn, versionId }: { readonly secretArn: SecretArn; readonly versionId: VersionId },
  { store }: Pick<Deps, "store">,
): Promise<void> {
  const move = await store.moveLabel({ secretArn, label: retiringLabel, to: versionId });
  if (move === "moved") return;
  const holder = versionWith(await store.labels(secretArn), retiringLabel);
  if (holder === undefined || holder === versionId) return;
  await store.moveLabel({ secretArn, label: retiringLabel, from: holder, to: versionId });
}
