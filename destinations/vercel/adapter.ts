import * as z from "zod";
import type { CopySeen, CopyText, CopyUse, WrittenCopy } from "../../core/copies/destination.ts";
import { CopyRefused } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { type Api, apiOf, clockOf, wrongPlace } from "../api.ts";
import { type ConnectOptions, type DestinationCalls, parseSettings, understood } from "../destination.ts";
import { vercelSettings } from "./settings.ts";

type Settings = z.output<typeof vercelSettings>;

const text = z.string().max(256);
const Deployed = z.object({
  id: text.optional(),
  uid: text.optional(),
  createdAt: z.number().optional(),
  created: z.number().optional(),
  readyState: text.optional(),
  state: text.optional(),
  meta: z.record(z.string(), z.unknown()).default({}),
});
type Deployed = z.output<typeof Deployed>;
const Project = z.object({
  id: text,
  name: text,
  accountId: text,
  link: z
    .object({
      type: text,
      repoId: z.union([text, z.number()]).optional(),
      productionBranch: text.optional(),
    })
    .optional(),
  targets: z.record(z.string(), Deployed.nullable()).default({}),
});
const Variable = z.object({
  id: text,
  key: text,
  type: text,
  target: z.union([text.transform((one) => [one]), z.array(text)]).default([]),
  gitBranch: text.nullish(),
  customEnvironmentIds: z.array(text).default([]),
  updatedAt: z.number(),
});
type Variable = z.output<typeof Variable>;
const Value = z.object({ value: z.string().max(65_536) });
const Variables = z.object({ envs: z.array(Variable) });
const Deployments = z.object({ deployments: z.array(Deployed) });
const deploymentsMax = 20;
/** Written into each deployment that Rekey starts, so that a repeat finds it. */
const versionMeta = "rekeyVersionId";

export function connect(options: ConnectOptions): DestinationCalls {
  const settings = parseSettings(vercelSettings, options.settings);
  const { project, team, target, origin } = settings;
  const api = apiOf(options, { origin, headersFor: (token) => ({ authorization: `Bearer ${token}` }) });
  const place = { settings, api };

  return {
    whyNotHere: async () => {
      const path = `/v9/projects/${project}?teamId=${team}`;
      const asked = await api.whyRefused({ method: "GET", path, what: `read the project ${project}` });
      if ("refusal" in asked) return asked.refusal;
      const { id, accountId } = understood(Project, asked.reply.json);
      if (id === project && accountId === team) return undefined;
      return wrongPlace(`the token leads to project ${id} of ${accountId}, not to ${project} of ${team}`);
    },

    look: async (name): Promise<CopySeen> => {
      const { records, clock } = await variablesNamed(name, place);
      return { ...seenOf(records, settings), ...clock };
    },

    read: async (name) => {
      const [found] = (await variablesNamed(name, place)).records;
      if (found === undefined || found.type === "sensitive") return undefined;
      const path = `/v1/projects/${project}/env/${found.id}?teamId=${team}`;
      const { json } = await api.call({ method: "GET", path, what: `read ${name}` });
      const { value } = understood(Value, json);
      return fingerprintOf(new Secret(value.trim()));
    },

    write: (copy) => write(copy, place),
    activate: (copy) => activate(copy, place),
    use: async (copy) =>
      useOf(copy, { target, project: await projectOf(place), ...(await startedOf(copy, place)) }),
  };
}

interface Place {
  readonly settings: Settings;
  readonly api: Api;
}

/** The records that a deployment of the target is given; those of one branch are its own. */
async function variablesNamed(name: string, { settings, api }: Place) {
  const { project, team, target } = settings;
  const path = `/v10/projects/${project}/env?teamId=${team}`;
  const reply = await api.call({ method: "GET", path, what: "list the variables" });
  const records = understood(Variables, reply.json).envs.filter(
    ({ key, target: targets, gitBranch }) =>
      key === name && targets.includes(target) && (gitBranch ?? "") === "",
  );
  return { records, clock: clockOf(reply) };
}

function seenOf([found, ...others]: readonly Variable[], { target, split }: Settings): CopySeen {
  if (found === undefined) return {};
  const mark = `${found.id} at ${new Date(found.updatedAt).toISOString()}`;
  const seen = { mark, changedAtMs: found.updatedAt };
  if (others.length > 0)
    return { ...seen, conflict: `there are ${others.length + 1} variables of this name` };
  const also = alsoFor(found, target);
  if (also.length === 0 || split) return seen;
  const conflict = `the variable is also that of ${also.join(", ")}, which would keep the retiring key: split it there, or say \`split: true\``;
  return { ...seen, conflict };
}

function alsoFor({ target: targets, customEnvironmentIds }: Variable, target: string): readonly string[] {
  return [...targets.filter((each) => each !== target), ...customEnvironmentIds];
}

async function write({ name, text: value }: CopyText, place: Place): Promise<string> {
  const { settings, api } = place;
  const { project, team, target } = settings;
  const [found] = (await variablesNamed(name, place)).records;
  const base = `/v9/projects/${project}/env`;
  if (found !== undefined && alsoFor(found, target).length === 0) {
    // Vercel refuses the key of a sensitive variable here, even an unchanged one.
    const body = { value: value.reveal() };
    const path = `${base}/${found.id}?teamId=${team}`;
    await api.call({ method: "PATCH", path, body, what: `write ${name}` });
  } else {
    if (found !== undefined) await leaveToOthers(found, place);
    const body = { key: name, value: value.reveal(), type: "sensitive", target: [target] };
    const path = `/v10/projects/${project}/env?teamId=${team}`;
    await api.call({ method: "POST", path, body, what: `make ${name}` });
  }
  const written = seenOf((await variablesNamed(name, place)).records, settings);
  if (written.mark === undefined) throw new CopyRefused(`${name} was written and is not there`);
  return written.mark;
}

async function leaveToOthers(found: Variable, { settings, api }: Place): Promise<void> {
  const { project, team, target } = settings;
  const body = { target: found.target.filter((each) => each !== target) };
  const path = `/v9/projects/${project}/env/${found.id}?teamId=${team}`;
  await api.call({ method: "PATCH", path, body, what: `split ${found.key}` });
}

// ---- deployments -------------------------------------------------------------------------------------------

async function projectOf({ settings, api }: Place): Promise<z.output<typeof Project>> {
  const { project, team } = settings;
  const path = `/v9/projects/${project}?teamId=${team}`;
  return understood(Project, (await api.call({ method: "GET", path, what: "read the project" })).json);
}

/** A fresh build: to redeploy an earlier one may use the variables that it was built with. */
async function activate({ write: made }: WrittenCopy, place: Place): Promise<string | undefined> {
  const { settings, api } = place;
  const { team, target } = settings;
  const known = (await deployments(place)).find(({ meta }) => meta[versionMeta] === made);
  if (known !== undefined) return idOf(known);
  const { name, link } = await projectOf(place);
  if (link?.repoId === undefined) return undefined;
  const ref = target === "production" ? (link.productionBranch ?? "main") : undefined;
  if (ref === undefined) return undefined;
  const body = {
    name,
    project: settings.project,
    target,
    gitSource: { type: link.type, repoId: link.repoId, ref },
    meta: { [versionMeta]: made },
  };
  const path = `/v13/deployments?teamId=${team}&forceNew=1`;
  const { json } = await api.call({ method: "POST", path, body, what: "start a deployment" });
  return idOf(understood(Deployed, json));
}

async function deployments({ settings, api }: Place): Promise<readonly Deployed[]> {
  const { project, team, target } = settings;
  const query = `projectId=${project}&teamId=${team}&target=${target}&limit=${deploymentsMax}`;
  const { json } = await api.call({
    method: "GET",
    path: `/v6/deployments?${query}`,
    what: "list the deployments",
  });
  return understood(Deployments, json).deployments;
}

function idOf({ id, uid }: Deployed): string | undefined {
  return id ?? uid;
}

async function startedOf(
  { started }: WrittenCopy,
  { settings, api }: Place,
): Promise<{ readonly deployment?: Deployed }> {
  if (started === undefined) return {};
  const path = `/v13/deployments/${encodeURIComponent(started)}?teamId=${settings.team}`;
  const { json } = await api.call({ method: "GET", path, what: "read the deployment" });
  return { deployment: understood(Deployed, json) };
}

/** Vercel stamps both the variable and the deployment, so no other clock can make an old deployment look new. */
function useOf(
  { mark }: WrittenCopy,
  found: {
    readonly target: string;
    readonly project: z.output<typeof Project>;
    readonly deployment?: Deployed;
  },
): CopyUse {
  const { target, project, deployment } = found;
  const writtenAtMs = Date.parse(mark.slice(mark.indexOf(" at ") + " at ".length));
  const serving = project.targets[target] ?? undefined;
  const isFresh = (serving?.createdAt ?? serving?.created ?? 0) > writtenAtMs;
  if (serving !== undefined && isFresh && stateOf(serving) === "READY")
    return { state: "active", detail: `${target} is served by ${idOf(serving)}, which was built after it` };
  if (deployment === undefined)
    return { state: "idle", detail: `no deployment of ${target} was built since: deploy the project` };
  const id = idOf(deployment);
  switch (stateOf(deployment)) {
    case "CANCELED":
      return {
        state: "failed",
        detail: `the build ${id} was cancelled: an Ignored Build Step skips builds of the same commit`,
      };
    case "ERROR":
      return { state: "failed", detail: `the build ${id} failed` };
    case "READY":
      return {
        state: "failed",
        detail: `${target} is served by an older deployment than ${id}: it was rolled back, or never promoted`,
      };
    default:
      return { state: "activating", detail: `the build ${id} is ${stateOf(deployment).toLowerCase()}` };
  }
}

function stateOf({ readyState, state }: Deployed): string {
  return readyState ?? state ?? "QUEUED";
}
