import { createHash } from "node:crypto";
import * as z from "zod";
import {
  type ExternalSecret,
  getExternalSecret,
  getProviderClass,
  getWorkload,
  type KubernetesReach,
  type SecretProviderClass,
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
      if (targetOf(target).kind === "externalsecrets")
        return wiringOf(remotesIn(await getExternalSecret(target, reach)), question);
      const workload = await getWorkload(target, reach);
      return wiringOf([...variablesIn(workload), ...(await mountsIn(workload, { target, reach }))], question);
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

const csiDriver = "secrets-store.csi.k8s.io";
/** More classes in one pod template are a mistake, and each is a call. */
const classesMax = 10;

/** What the volumes of the Secrets Store CSI driver mount. A class that the token may not read says nothing. */
async function mountsIn(
  { spec }: Workload,
  { target, reach }: { readonly target: string; readonly reach: KubernetesReach },
): Promise<readonly Given[]> {
  const csi = (spec.template.spec?.volumes ?? []).flatMap((volume) => volume.csi ?? []);
  const names = csi.flatMap(({ driver, volumeAttributes }) =>
    driver === csiDriver ? (volumeAttributes["secretProviderClass"] ?? []) : [],
  );
  const classes = [...new Set(names)].slice(0, classesMax).map(async (name) => {
    const found = await getProviderClass({ workload: target, name }, reach);
    return found === undefined ? [] : objectsIn(found, name);
  });
  return (await Promise.all(classes)).flat();
}

const Objects = z.array(
  z.looseObject({
    objectName: z.string(),
    objectVersion: z.string().optional(),
    objectVersionLabel: z.string().optional(),
  }),
);

/** AWS's provider takes the version's id, else its label, else the current one. */
async function objectsIn({ spec }: SecretProviderClass, className: string): Promise<readonly Given[]> {
  const { provider, parameters } = spec;
  if (provider !== "aws") return [];
  // Few deployments mount a class: only they load the parser.
  const { parse } = await import("yaml");
  const parsed = Objects.safeParse(parsedOrNothing(parse, parameters.objects));
  return (parsed.data ?? []).map(({ objectName, objectVersion, objectVersionLabel }) => ({
    ...{ name: `the object ${objectName} of ${className}`, text: objectName },
    ...(objectVersionLabel !== undefined && { version: objectVersionLabel }),
    ...(objectVersion !== undefined && { version: `uuid/${objectVersion}` }),
  }));
}

function parsedOrNothing(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text.slice(0, objectsMaxLength));
  } catch {
    return undefined;
  }
}

/** Kubernetes keeps no larger objects than 1.5 MB; a list of secrets takes a few lines. */
const objectsMaxLength = 100_000;

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
