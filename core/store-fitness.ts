import type { StoreCapabilities } from "./ports.ts";

/**
 * The retiring and the incoming version, and one for each edit that a promotion merges: as long as a rotation lasts the
 * store must not delete the first of them.
 */
const versionsNeeded = 6;

/**
 * Why no secret of this store may be rotated: each would break a promise that the rotation makes to consumers. Asked
 * by `rekey apply` and again when a run opens. A secret that is only watched needs none of it.
 */
export function whyNotRotateIn(store: StoreCapabilities): readonly string[] {
  const reasons: string[] = [];
  if (store.compareAndSwap === "none")
    reasons.push("its store cannot promote by compare-and-swap: a change made outside Rekey could be lost");
  if (store.consumersSeePending)
    reasons.push("its store shows pending versions to consumers: they could get a key before it is proven");
  if (!store.pinKeeps && store.versionsKept < versionsNeeded)
    reasons.push(
      `its store keeps ${store.versionsKept} versions, and a rotation needs ${versionsNeeded}: ` +
        "the retiring key's version could be deleted before the key is proven dead",
    );
  return reasons;
}
