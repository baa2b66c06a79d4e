import * as z from "zod";
import { kubernetesPlatform, versionAnnotation } from "../../consumers/kubernetes.ts";
import { getWorkload, type KubernetesReach, patchObject } from "../../consumers/kubernetes-api.ts";
import type { Seen } from "../../consumers/ports.ts";
import type { CopySeen, CopyText, CopyUse } from "../../core/copies/destination.ts";
import { CopyRefused, ProviderUnavailable } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { type Api, apiOf, wrongPlace } from "../api.ts";
import {
  type ConnectOptions,
  type DestinationCalls,
  type HttpReply,
  parseSettings,
  refusalOf,
  understood,
} from "../destination.ts";
import { kubernetesSecretSettings } from "./settings.ts";

type Settings = z.output<typeof kubernetesSecretSettings>;

const environmentLabel = "rekey/environment";
const Namespace = z.object({
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()).default({}) }),
});
const Kept = z.object({
  metadata: z.object({
    resourceVersion: z.string().max(64),
    managedFields: z
      .array(
        z.object({ manager: z.string().max(256), fieldsV1: z.record(z.string(), z.unknown()).default({}) }),
      )
      .default([]),
  }),
  immutable: z.boolean().default(false),
  data: z.record(z.string(), z.string()).default({}),
});
type Kept = z.output<typeof Kept>;
/** What people leave behind when they make a Secret by hand; no controller stands behind it. */
const byHand = /^kubectl/;

export function connect(options: ConnectOptions): DestinationCalls {
  const settings = parseSettings(kubernetesSecretSettings, options.settings);
  const { api: origin, namespace, secret } = settings;
  const api = apiOf(options, { origin, headersFor: (token) => ({ authorization: `Bearer ${token}` }) });
  const path = `/api/v1/namespaces/${namespace}/secrets/${secret}`;
  const kept = () => keptAt(path, api);

  return {
    whyNotHere: async () => {
      const what = `read the namespace ${namespace}`;
      const asked = await api.whyRefused({ method: "GET", path: `/api/v1/namespaces/${namespace}`, what });
      if ("refusal" in asked) return asked.refusal;
      const { metadata } = understood(Namespace, asked.reply.json);
      const label = metadata.labels[environmentLabel];
      if (metadata.name === namespace && label === options.environment) return undefined;
      return wrongPlace(
        `the label ${environmentLabel} of the namespace ${metadata.name} is ${label ?? "missing"}, not ${options.environment}`,
      );
    },

    look: async (name) => seenOf(await kept(), name),
    read: async (name) => fingerprintIn(await kept(), name),
    write: (copy) => write(copy, { api, path, settings }),
    activate: async ({ write: versionId }) => {
      for (const target of targetsOf(settings)) await restart(target, { versionId, options });
      return versionId;
    },
    use: ({ write: versionId, started }) => useOf({ versionId, started, settings, options }),
  };
}

async function keptAt(path: string, api: Api): Promise<Kept | undefined> {
  const reply = await api.call({ method: "GET", path, takes: [404], what: "read the Secret" });
  return reply.status === 404 ? undefined : understood(Kept, reply.json);
}

/** The mark is the value's own fingerprint: the Secret's version changes with every other entry too. */
function seenOf(kept: Kept | undefined, name: string): CopySeen {
  if (kept === undefined) return {};
  const { resourceVersion: guard } = kept.metadata;
  const mark = fingerprintIn(kept, name);
  const managedBy = managersOf(kept, name).find((each) => !byHand.test(each));
  return {
    guard,
    ...(mark !== undefined && { mark }),
    ...(managedBy !== undefined && { managedBy }),
    ...(kept.immutable && { conflict: "the Secret is immutable" }),
  };
}

function fingerprintIn(kept: Kept | undefined, name: string): string | undefined {
  const encoded = kept?.data[name];
  return encoded === undefined
    ? undefined
    : fingerprintOf(new Secret(Buffer.from(encoded, "base64").toString("utf8").trim()));
}

/** Everybody else who owns this entry by server-side apply. */
function managersOf({ metadata }: Kept, name: string): readonly string[] {
  return metadata.managedFields
    .filter(({ fieldsV1 }) => {
      const data = fieldsV1["f:data"];
      return typeof data === "object" && data !== null && `f:${name}` in data;
    })
    .map(({ manager }) => manager)
    .filter((manager) => manager !== managerFor(name));
}

/** One for each entry: what a manager does not name again is removed, and a Secret may hold several copies. */
function managerFor(name: string): string {
  return `rekey-${name}`;
}

interface Place {
  readonly api: Api;
  readonly path: string;
  readonly settings: Settings;
}

async function write(copy: CopyText, place: Place): Promise<string> {
  const { name, text, seen } = copy;
  const first = await apply(copy, place, { force: false });
  // Without a guard, the Secret was not there at the look: whoever made it since made it for a purpose.
  const isForced = first.status === 409 && seen.guard !== undefined && isByHand(first);
  const reply = isForced ? await apply(copy, place, { force: true }) : first;
  if (reply.status === 409) throw conflictIn(reply, name);
  if (reply.status < 200 || reply.status > 299) throw refusalOf(reply, `write ${name}`);
  const written = fingerprintIn(await keptAt(place.path, place.api), name);
  if (written !== fingerprintOf(text)) throw new ProviderUnavailable(`${name} was written and is not there`);
  return written;
}

function apply(
  { name, text, seen }: CopyText,
  { api, path, settings }: Place,
  { force }: { readonly force: boolean },
): Promise<HttpReply> {
  const { namespace, secret } = settings;
  const data = { [name]: Buffer.from(text.reveal()).toString("base64") };
  return api.call({
    method: "PATCH",
    path: `${path}?fieldManager=${managerFor(name)}${force ? "&force=true" : ""}`,
    headers: { "content-type": "application/apply-patch+yaml" },
    body: {
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        ...{ name: secret, namespace },
        ...(seen.guard !== undefined && { resourceVersion: seen.guard }),
      },
      data,
    },
    takes: [409],
    what: `write ${name}`,
  });
}

const Status = z.object({ message: z.string().max(10_000).default("") });

/** The API server names each manager in its message; the message is not passed on, because it may quote a value. */
function managersIn({ json }: HttpReply): readonly string[] {
  const { message } = Status.safeParse(json).data ?? { message: "" };
  return [...message.matchAll(/conflicts? with "([\w./:-]{1,64})"/g)].map(([, manager = ""]) => manager);
}

function isByHand(reply: HttpReply): boolean {
  const managers = managersIn(reply);
  return managers.length > 0 && managers.every((manager) => byHand.test(manager));
}

function conflictIn(reply: HttpReply, name: string): Error {
  const [manager] = managersIn(reply).filter((each) => !byHand.test(each));
  if (manager === undefined) return new ProviderUnavailable("the Secret changed meanwhile");
  return new CopyRefused(`${name} is managed by ${manager}, which would overwrite it`);
}

// ---- restarts ------------------------------------------------------------------------------------------------

function targetsOf({ api, namespace, restart: restarts, token }: Settings): readonly string[] {
  return restarts.map((each) => `${api}/apis/apps/v1/namespaces/${namespace}/${each}#${token}`);
}

/** The same patch again starts no second rollout. */
async function restart(
  target: string,
  { versionId, options }: { readonly versionId: string; readonly options: ConnectOptions },
): Promise<void> {
  const reach = reachOf(target, options);
  const { annotations } = (await getWorkload(target, reach)).spec.template.metadata;
  if (annotations[versionAnnotation] === versionId) return;
  const patch = { spec: { template: { metadata: { annotations: { [versionAnnotation]: versionId } } } } };
  await patchObject({ target, patch }, reach);
}

function reachOf(target: string, { http, token }: ConnectOptions): KubernetesReach {
  return { http: http as KubernetesReach["http"], read: () => token(), allowed: [target] };
}

/** Adoption by a rollout is judged where every other rollout is. */
async function useOf(question: {
  readonly versionId: string;
  readonly started: string | undefined;
  readonly settings: Settings;
  readonly options: ConnectOptions;
}): Promise<CopyUse> {
  const { versionId, started, settings, options } = question;
  let instances = 0;
  for (const target of targetsOf(settings)) {
    const reach = reachOf(target, options);
    const workload = target.slice(0, target.indexOf("#")).split("/").slice(-2).join("/");
    const { annotations } = (await getWorkload(target, reach)).spec.template.metadata;
    if (annotations[versionAnnotation] !== versionId) {
      if (started === undefined) return { state: "idle", detail: `${workload} was not restarted yet` };
      return { state: "failed", detail: `${workload}: its rollout was undone` };
    }
    const note = { before: [], firstSeenAtMs: 0, started: versionId };
    const seen = await kubernetesPlatform(reach).look({ workload: target, versionId, note });
    if (seen.progress !== "replaced") return { state: stateOf(seen), detail: `${workload}: ${seen.detail}` };
    instances += seen.instances;
  }
  return { state: "active", detail: `${instances} pods started with it` };
}

function stateOf({ progress }: Seen): CopyUse["state"] {
  return progress === "failed" ? "failed" : "activating";
}
