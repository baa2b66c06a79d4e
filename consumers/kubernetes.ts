import { createHash } from "node:crypto";
import {
  type ExternalSecret,
  getExternalSecret,
  getWorkload,
  type KubernetesReach,
  targetOf,
  type Workload,
} from "./kubernetes-api.ts";
import type { Looking, Platform, Seen } from "./ports.ts";
import { type Given, wiringOf } from "./wiring.ts";

/** Rekey writes this onto the pod template, so that pods of this version can be recognised. */
export const versionAnnotation = "rekey/version-id";
export const forceSync = "force-sync";
const revisionAnnotation = "deployment.kubernetes.io/revision";

/** Rollouts of deployments and stateful sets, and syncs of External Secrets. */
export function kubernetesPlatform(reach: KubernetesReach): Platform {
  return {
    kind: "kubernetes",

    async marks(target) {
      return targetOf(target).kind === "externalsecrets"
        ? syncMarks(await getExternalSecret(target, reach))
        : rolloutMarks(await getWorkload(target, reach));
    },

    async look(looking) {
      const { workload: target } = looking;
      return targetOf(target).kind === "externalsecrets"
        ? lookAtSync(await getExternalSecret(target, reach), looking)
        : lookAtRollout(await getWorkload(target, reach), looking);
    },

    async wiring({ workload: target, ...question }) {
      const given =
        targetOf(target).kind === "externalsecrets"
          ? remotesIn(await getExternalSecret(target, reach))
          : variablesIn(await getWorkload(target, reach));
      return wiringOf(given, question);
    },
  };
}

// ---- rollouts --------------------------------------------------------------------------------------------

/**
 * A revision alone is not enough: undoing an unfinished rollout makes a new revision of pods that never
 * stopped. The template alone is not enough either: a newer API server may print the same template
 * differently.
 */
export function rolloutMarks({ metadata, spec, status }: Workload): readonly string[] {
  const revision = status.updateRevision ?? metadata.annotations[revisionAnnotation] ?? "unknown";
  const template = createHash("sha256").update(JSON.stringify(spec.template)).digest("hex");
  return [`revision ${revision}`, `template ${template}`];
}

function lookAtRollout(workload: Workload, { note, versionId }: Looking): Seen {
  const { spec, status } = workload;
  const instances = status.availableReplicas;
  const isOurs = spec.template.metadata.annotations[versionAnnotation] === versionId;
  const isTouched = isOurs || !rolloutMarks(workload).some((mark) => note.before.includes(mark));
  if (!isTouched) {
    return note.started === undefined
      ? { progress: "untouched", instances, detail: "was not rolled out since the promotion" }
      : { progress: "failed", instances, detail: "its rollout was undone" };
  }
  const counts = `${status.updatedReplicas} of ${spec.replicas} pods updated, ${instances} available`;
  if (!isObserved(workload)) return { progress: "replacing", instances, detail: "the rollout has not begun" };
  if (hasMissedDeadline(workload)) {
    return { progress: "failed", instances, detail: `its rollout missed its progress deadline: ${counts}` };
  }
  return { progress: isComplete(workload) ? "replaced" : "replacing", instances, detail: counts };
}

/** Until the controller has observed the latest change, its counts are about the previous one. */
function isObserved({ metadata, status }: Workload): boolean {
  return status.observedGeneration >= metadata.generation;
}

function hasMissedDeadline({ status }: Workload): boolean {
  return status.conditions.some(
    ({ type, status: isTrue, reason }) =>
      type === "Progressing" && isTrue === "False" && reason === "ProgressDeadlineExceeded",
  );
}

function isComplete({ spec, status }: Workload): boolean {
  const { replicas, updatedReplicas, availableReplicas, currentRevision, updateRevision } = status;
  const isOneRevision = updateRevision === undefined || currentRevision === updateRevision;
  return (
    !spec.paused &&
    isOneRevision &&
    updatedReplicas === spec.replicas &&
    replicas === updatedReplicas &&
    availableReplicas === updatedReplicas
  );
}

// ---- External Secrets ------------------------------------------------------------------------------------

export function syncMarks({ status }: ExternalSecret): readonly string[] {
  return [`synced ${status.syncedResourceVersion}`];
}

/**
 * The synced version is a hash of the object as the operator read it, so a sync that began before the
 * annotation was set does not count. After the sync the new key is in the Kubernetes secret, and in mounted
 * files within `maxStale`.
 */
function lookAtSync(external: ExternalSecret, { note, versionId }: Looking): Seen {
  const { metadata, status } = external;
  const ready = status.conditions.find(({ type }) => type === "Ready");
  const instances = 1;
  if (metadata.annotations[forceSync] !== versionId) {
    const detail = `was not asked to sync: annotate it with ${forceSync}=${versionId}`;
    return { progress: "untouched", instances, detail };
  }
  if (ready?.status === "False") {
    return { progress: "failed", instances, detail: `its sync fails: ${ready.reason}` };
  }
  const isSynced =
    ready?.status === "True" && !syncMarks(external).some((mark) => note.before.includes(mark));
  const detail = isSynced ? `synced at ${status.refreshTime}` : "has not synced yet";
  return { progress: isSynced ? "replaced" : "replacing", instances, detail };
}

// ---- what a start is given -----------------------------------------------------------------------------------

function variablesIn({ spec }: Workload): readonly Given[] {
  const variables = (spec.template.spec?.containers ?? []).flatMap(({ env = [] }) => env);
  return variables.flatMap(({ name, value }) =>
    value === undefined ? [] : { name: `the variable ${name}`, text: value },
  );
}

function remotesIn({ spec }: ExternalSecret): readonly Given[] {
  const named = spec.data.map(({ secretKey, remoteRef }) => ({ name: secretKey, ...remoteRef }));
  const extracted = spec.dataFrom.flatMap(({ extract }) =>
    extract === undefined ? [] : { name: "dataFrom.extract", ...extract },
  );
  return [...named, ...extracted].map(({ name, key, version }) => ({
    ...{ name: `the remoteRef of ${name}`, text: key },
    ...(version !== undefined && { version }),
  }));
}
