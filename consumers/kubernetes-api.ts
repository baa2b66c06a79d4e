import * as z from "zod";
import { InputInvalid, NeedsHuman, ProviderUnavailable } from "../core/errors.ts";
import type { SecretArn } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { Http } from "./ports.ts";

export interface KubernetesReach {
  readonly http: Http;
  /** Reads a bearer token from a secret of its own. */
  read(secretArn: SecretArn): Promise<Secret>;
  /** The targets that the deployment lists: a token is sent nowhere else. */
  readonly allowed: readonly string[];
}

export type ObjectKind = "deployments" | "statefulsets" | "externalsecrets";

interface Target {
  readonly url: string;
  readonly kind: ObjectKind;
  readonly tokenArn: SecretArn;
}

const pathForm =
  /\/apis\/(?:apps\/v1\/namespaces\/[\w.-]+\/(deployments|statefulsets)|external-secrets\.io\/v1(?:beta1)?\/namespaces\/[\w.-]+\/(externalsecrets))\/[\w.-]+$/;

/** Splits `<address of the object in the Kubernetes API>#<ARN of the secret with the token for it>`. */
export function targetOf(target: string): Target {
  const [url = "", tokenArn = ""] = target.split("#");
  const path = URL.canParse(url) ? new URL(url).pathname : "";
  const [, workload, external] = pathForm.exec(path) ?? [];
  const kind = workload ?? external;
  if (kind === undefined || !tokenArn.startsWith("arn:")) {
    throw new InputInvalid(
      "a Kubernetes target is the object's API address, # and the ARN of its token's secret",
    );
  }
  return { url, kind: kind as ObjectKind, tokenArn };
}

export function getObject(target: string, reach: KubernetesReach): Promise<unknown> {
  return call({ target, method: "GET" }, reach);
}

/** Sends a JSON merge patch. Repeating the same patch changes nothing. */
export function patchObject(
  change: { readonly target: string; readonly patch: unknown },
  reach: KubernetesReach,
): Promise<unknown> {
  return call({ target: change.target, method: "PATCH", body: change.patch }, reach);
}

interface Call {
  readonly target: string;
  readonly method: "GET" | "PATCH";
  readonly body?: unknown;
  /** Of another object behind the same API and token. */
  readonly path?: string;
}

interface Answer {
  readonly status: number;
  readonly json: unknown;
}

async function call(asked: Call, reach: KubernetesReach): Promise<unknown> {
  return jsonOf(await answerOf(asked, reach));
}

function jsonOf({ status, json }: Answer): unknown {
  if (status < 200 || status > 299) throw new ProviderUnavailable(`the Kubernetes API answered ${status}`);
  return json;
}

async function answerOf(
  { target, path, ...request }: Call,
  { http, read, allowed }: KubernetesReach,
): Promise<Answer> {
  const { url, tokenArn } = targetOf(target);
  if (!allowed.includes(target)) throw new NeedsHuman(`${url} is not in the deployment's refreshAllowed`);
  const token = await read(tokenArn);
  return http.send({
    ...request,
    url: path === undefined ? url : new URL(path, url).href,
    headers: {
      authorization: `Bearer ${token.reveal()}`,
      ...(request.method === "PATCH" && { "content-type": "application/merge-patch+json" }),
    },
  });
}

const Annotations = z.record(z.string(), z.string()).default({});
const count = z.number().int().nonnegative().default(0);
const Conditions = z
  .array(z.object({ type: z.string(), status: z.string(), reason: z.string().default("") }))
  .default([]);

/** What an environment variable of a container is given, where it stands in the template itself. */
const Variable = z.looseObject({ name: z.string(), value: z.string().optional() });
const Container = z.looseObject({ env: z.array(Variable).optional() });
/** A volume of the Secrets Store CSI driver says by its class what is mounted. */
const Volume = z.looseObject({
  csi: z
    .looseObject({
      driver: z.string(),
      volumeAttributes: z.record(z.string(), z.string()).default({}),
    })
    .optional(),
});

export const Workload = z.object({
  metadata: z.object({ generation: count, annotations: Annotations }),
  spec: z.object({
    replicas: z.number().int().nonnegative().default(1),
    paused: z.boolean().default(false),
    template: z.looseObject({
      metadata: z.looseObject({ annotations: Annotations }).default({ annotations: {} }),
      spec: z
        .looseObject({ containers: z.array(Container).optional(), volumes: z.array(Volume).optional() })
        .optional(),
    }),
  }),
  status: z.object({
    observedGeneration: count,
    replicas: count,
    updatedReplicas: count,
    availableReplicas: count,
    updateRevision: z.string().optional(),
    currentRevision: z.string().optional(),
    conditions: Conditions,
  }),
});
export type Workload = z.output<typeof Workload>;

const Remote = z.object({ key: z.string(), version: z.string().optional() });

export const ExternalSecret = z.object({
  metadata: z.object({ annotations: Annotations }),
  spec: z
    .object({
      data: z.array(z.object({ secretKey: z.string().default("a value"), remoteRef: Remote })).default([]),
      dataFrom: z.array(z.object({ extract: Remote.optional() })).default([]),
    })
    .default({ data: [], dataFrom: [] }),
  status: z
    .object({
      refreshTime: z.string().default(""),
      syncedResourceVersion: z.string().default(""),
      conditions: Conditions,
    })
    .default({ refreshTime: "", syncedResourceVersion: "", conditions: [] }),
});
export type ExternalSecret = z.output<typeof ExternalSecret>;

/** What Secrets Store CSI mounts. `objects` is YAML, as AWS's provider reads it. */
export const SecretProviderClass = z.object({
  spec: z.object({
    provider: z.string().default(""),
    parameters: z.looseObject({ objects: z.string().default("") }).default({ objects: "" }),
  }),
});
export type SecretProviderClass = z.output<typeof SecretProviderClass>;

/** The class stands beside the workload that mounts it. Undefined if the token may not read it, or it is gone. */
export async function getProviderClass(
  { workload, name }: { readonly workload: string; readonly name: string },
  reach: KubernetesReach,
): Promise<SecretProviderClass | undefined> {
  const answer = await answerOf({ target: workload, method: "GET", path: classPath(workload, name) }, reach);
  if (answer.status === 403 || answer.status === 404) return undefined;
  return understood(SecretProviderClass, jsonOf(answer));
}

function classPath(workload: string, name: string): string {
  const [, namespace = ""] = /\/namespaces\/([\w.-]+)\//.exec(new URL(targetOf(workload).url).pathname) ?? [];
  const group = "/apis/secrets-store.csi.x-k8s.io/v1";
  return `${group}/namespaces/${namespace}/secretproviderclasses/${encodeURIComponent(name)}`;
}

export async function getWorkload(target: string, reach: KubernetesReach): Promise<Workload> {
  return understood(Workload, await getObject(target, reach));
}

export async function getExternalSecret(target: string, reach: KubernetesReach): Promise<ExternalSecret> {
  return understood(ExternalSecret, await getObject(target, reach));
}

function understood<Schema extends z.ZodType>(schema: Schema, json: unknown): z.output<Schema> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ProviderUnavailable("the Kubernetes API answered something else than this object");
}
