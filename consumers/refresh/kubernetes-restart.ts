import { InputInvalid } from "../../core/errors.ts";
import { rolloutMarks, versionAnnotation } from "../kubernetes.ts";
import { getWorkload, type KubernetesReach, patchObject, targetOf } from "../kubernetes-api.ts";
import type { RefreshAnswer, Refresher } from "../ports.ts";
import { placeOf } from "./once.ts";

/**
 * Does what `kubectl rollout restart` does, and also writes the version's id, so that the same patch again
 * starts no rollout.
 */
export function kubernetesRestart(reach: KubernetesReach): Refresher {
  return {
    async refresh(order): Promise<RefreshAnswer> {
      const { consumer, versionId, nowMs, memory } = order;
      const target = consumer.refresh.target ?? "";
      if (targetOf(target).kind === "externalsecrets") {
        throw new InputInvalid("an ExternalSecret has no pods: refresh it with kubernetes-sync");
      }
      const now = await getWorkload(target, reach);
      if (now.spec.template.metadata.annotations[versionAnnotation] === versionId) {
        return { outcome: "nothingToDo", detail: "its pod template has this version's id" };
      }
      const stored = await memory.recall(placeOf(order));
      if (stored?.started !== undefined) {
        return { outcome: "nothingToDo", detail: "was restarted for this version, and changed since" };
      }
      const note = { before: rolloutMarks(now), firstSeenAtMs: nowMs, ...stored, started: versionId };
      const restartedAt = new Date(nowMs).toISOString();
      const annotations = {
        "kubectl.kubernetes.io/restartedAt": restartedAt,
        [versionAnnotation]: versionId,
      };
      await patchObject({ target, patch: { spec: { template: { metadata: { annotations } } } } }, reach);
      await memory.remember(placeOf(order), note);
      return { outcome: "started", detail: `restarted at ${restartedAt}` };
    },
  };
}
