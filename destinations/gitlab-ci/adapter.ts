import * as z from "zod";
import type { CopySeen, CopyUse, WrittenCopy } from "../../core/copies/destination.ts";
import { parseDuration } from "../../core/duration.ts";
import { ProviderUnavailable } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { type Api, apiOf, wrongPlace } from "../api.ts";
import { type ConnectOptions, type DestinationCalls, parseSettings, understood } from "../destination.ts";
import { environmentMark, markRefusal } from "../environment-mark.ts";
import { gitlabCiSettings } from "./settings.ts";

type Settings = z.output<typeof gitlabCiSettings>;

const Project = z.object({ id: z.int() });
const Variable = z.object({
  value: z.string().max(65_536).nullable(),
  hidden: z.boolean().default(false),
});
type Variable = z.output<typeof Variable>;
const Pipelines = z.array(z.object({ id: z.int() }));
const pageMax = 100;

export function connect(options: ConnectOptions): DestinationCalls {
  const settings = parseSettings(gitlabCiSettings, options.settings);
  const { project, scope, origin, masked, protected: isProtected } = settings;
  const api = apiOf(options, { origin, headersFor: (token) => ({ "private-token": token }) });
  const root = `/api/v4/projects/${project}`;
  const filter = `?filter[environment_scope]=${encodeURIComponent(scope)}`;

  async function variable(name: string): Promise<Variable | undefined> {
    const path = `${root}/variables/${name}${filter}`;
    const reply = await api.call({ method: "GET", path, takes: [404], what: `read ${name}` });
    return reply.status === 404 ? undefined : understood(Variable, reply.json);
  }

  const fingerprint = async (name: string) => fingerprintIn(await variable(name));

  return {
    async whyNotHere() {
      const asked = await api.whyRefused({ method: "GET", path: root, what: `read the project ${project}` });
      if ("refusal" in asked) return asked.refusal;
      const { id } = understood(Project, asked.reply.json);
      if (id !== project) return wrongPlace(`the token leads to the project ${id}, not to ${project}`);
      const mark = (await variable(environmentMark))?.value ?? undefined;
      return markRefusal(mark, { place: `${project}, scope ${scope}`, environment: options.environment });
    },

    async look(name): Promise<CopySeen> {
      const found = await variable(name);
      if (found === undefined) return {};
      if (found.hidden)
        return { mark: "hidden", conflict: "the variable is hidden, so nobody could see a change of it" };
      const mark = fingerprintIn(found);
      return mark === undefined ? {} : { mark };
    },

    read: fingerprint,

    async write({ name, text }) {
      const isKnown = (await variable(name)) !== undefined;
      const given = { value: text.reveal(), raw: true, environment_scope: scope };
      const what = `write ${name}`;
      if (isKnown)
        await api.call({ method: "PUT", path: `${root}/variables/${name}${filter}`, body: given, what });
      else {
        const body = { ...given, key: name, masked, protected: isProtected };
        await api.call({ method: "POST", path: `${root}/variables`, body, what });
      }
      const written = await fingerprint(name);
      if (written !== fingerprintOf(text))
        throw new ProviderUnavailable(`${name} was written and is not there`);
      return written;
    },

    /** Nothing to start: the newest pipeline there is now may be the last one with the former value. */
    async activate() {
      const path = `${root}/pipelines?per_page=1&order_by=id&sort=desc`;
      const { json } = await api.call({ method: "GET", path, what: "read the newest pipeline" });
      return String(understood(Pipelines, json)[0]?.id ?? 0);
    },

    use: (copy) => useOf(settings, { ...copy, root }, api),
  };
}

function fingerprintIn(found: Variable | undefined): string | undefined {
  if (found === undefined || found.value === null || found.value === "") return undefined;
  return fingerprintOf(new Secret(found.value.trim()));
}

/** Pipelines are numbered in their order, so no clock is needed to tell which was there before the write. */
async function useOf(
  { longestRun }: Settings,
  copy: WrittenCopy & { readonly nowMs: number; readonly root: string },
  api: Api,
): Promise<CopyUse> {
  const { root, started, seenAtMs, nowMs } = copy;
  const path = `${root}/pipelines?status=running&per_page=${pageMax}&order_by=id&sort=asc`;
  const { json } = await api.call({ method: "GET", path, what: "read the running pipelines" });
  const running = understood(Pipelines, json);
  const before = running.filter(({ id }) => started === undefined || id <= Number(started));
  if (before.length === 0) return { state: "active", detail: "no pipeline from before is running" };
  const remainingMs = Math.max(0, seenAtMs + (parseDuration(longestRun) ?? 0) - nowMs);
  if (remainingMs === 0)
    return { state: "active", detail: `no job runs longer than ${longestRun}, and that has passed` };
  return { state: "activating", detail: `${before.length} running pipelines may have the former value` };
}
