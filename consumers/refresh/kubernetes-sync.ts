import { InputInvalid } from "../../core/errors.ts";
import { forceSync, syncMarks } from "../kubernetes.ts";
import { getExternalSecret, type KubernetesReach, patchObject, targetOf } from "../kubernetes-api.ts";
import type { RefreshAnswer, Refresher } from "../ports.ts";
import { placeOf } from "./once.ts";

/** Makes External Secrets read the new version now, rather than at the end of its interval. */
export function kubernetesSync(reach: KubernetesReach): Refresher {
  return {
    async refresh(order): Promise<RefreshAnswer> {
      const { consumer, versionId, nowMs, memory } = order;
      const target = consumer.refresh.target ?? "";
      if (targetOf(target).kind !== "externalsecrets") {
        throw new InputInvalid("only an ExternalSecret can be synced: refresh this with kubernetes-restart");
      }
      const now = await getExternalSecret(target, reach);
      if (now.metadata.annotations[forceSync] === versionId) {
        return { outcome: "nothingToDo", detail: "it has this version's annotation" };
      }
      const place = placeOf(order);
      const stored = await memory.recall(place);
      // Saved before the call: the source compares with what was synced until now.
      await memory.remember(place, {
        before: syncMarks(now),
        firstSeenAtMs: nowMs,
        ...stored,
        started: versionId,
      });
      await patchObject({ target, patch: { metadata: { annotations: { [forceSync]: versionId } } } }, reach);
      return { outcome: "started", detail: "asked External Secrets to sync" };
    },
  };
}
