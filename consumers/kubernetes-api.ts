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

async function call(
  {
    target,
    ...request
  }: { readonly target: string; readonly method: "GET" | "PATCH"; readonly body?: unknown },
  { http, read, allowed }: KubernetesReach,
): Promise<unknown> {
  const { url, tokenArn } = targetOf(target);
  if (!allowed.includes(target)) throw new NeedsHuman(`${url} is not in the deployment's refreshAllowed`);
  const token = await read(tokenArn);
  const { status, json } = await http.send({
    ...request,
    url,
    headers: {
      authorization: `Bearer ${token.reveal()}`,
      ...(request.method === "PATCH" && { "content-type": "application/merge-patch+json" }),
    },
  });
  if (status < 200 || status > 299) throw new ProviderUnavailable(`the Kubernetes API answered ${status}`);
  return json;
}

const Annotations = z.record(z.string(), z.string()).default({});
const count = z.number().int().nonnegative().default(0);
const Conditions = z
  .array(z.object({ type: z.string(), status: z.string(), reason: z.string().default("") }))
  .default([]);

/** What an environment variable of a container is given, where it stands in the template itself. */
const Variable = z.looseObject({ name: z.string(), value: z.string().optional() });
const Container = z.looseObject({ env: z.array(Variable).optional() });

export const Workload = z.object({
  metadata: z.object({ generation: count, annotations: Annotations }),
  spec: z.object({
    replicas: z.number().int().nonnegative().default(1),
    paused: z.boolean().default(false),
    template: z.looseObject({
      metadata: z.looseObject({ annotations: Annotations }).default({ annotations: {} }),
      spec: z.looseObject({ containers: z.array(Container).optional() }).optional(),
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
