import * as z from "zod";
import type { CopySeen, CopyUse, WrittenCopy } from "../../core/copies/destination.ts";
import { CopyRefused } from "../../core/errors.ts";
import { apiOf, changedAt, clockOf, wrongPlace } from "../api.ts";
import { type ConnectOptions, type DestinationCalls, parseSettings, understood } from "../destination.ts";
import { environmentMark, markRefusal } from "../environment-mark.ts";
import { flySettings } from "./settings.ts";

const App = z.object({ name: z.string(), organization: z.object({ slug: z.string() }) });
const Secrets = z.object({
  secrets: z
    .array(z.object({ name: z.string(), digest: z.string().max(256), updated_at: z.string().max(40) }))
    .default([]),
});
const Machines = z.array(
  z.object({
    id: z.string().max(64),
    state: z.string().max(32),
    config: z.object({ env: z.record(z.string(), z.string()).default({}) }).default({ env: {} }),
    events: z.array(z.object({ type: z.string().max(64), timestamp: z.number() })).default([]),
  }),
);
type Machine = z.output<typeof Machines>[number];
const machinesMax = 100;

export function connect(options: ConnectOptions): DestinationCalls {
  const { app, organization, origin } = parseSettings(flySettings, options.settings);
  const api = apiOf(options, { origin, headersFor: (token) => ({ authorization: `Bearer ${token}` }) });
  const base = `/v1/apps/${app}`;

  async function machines(): Promise<readonly Machine[]> {
    const path = `${base}/machines`;
    const found = understood(
      Machines,
      (await api.call({ method: "GET", path, what: "list the machines" })).json,
    );
    if (found.length > machinesMax) throw new CopyRefused(`${app} has more than ${machinesMax} machines`);
    return found;
  }

  async function look(name: string): Promise<CopySeen> {
    const reply = await api.call({ method: "GET", path: `${base}/secrets`, what: "list the secrets" });
    const found = understood(Secrets, reply.json).secrets.find((each) => each.name === name);
    if (found === undefined) return clockOf(reply);
    const mark = `${found.digest} at ${found.updated_at}`;
    return { mark, ...changedAt(found.updated_at), ...clockOf(reply) };
  }

  return {
    async whyNotHere() {
      const asked = await api.whyRefused({ method: "GET", path: base, what: `read the app ${app}` });
      if ("refusal" in asked) return asked.refusal;
      const { name, organization: owner } = understood(App, asked.reply.json);
      if (name !== app || owner.slug !== organization)
        return wrongPlace(`the token leads to ${name} of ${owner.slug}, not of ${organization}`);
      const marks = (await machines()).map(({ config }) => config.env[environmentMark]);
      const isRight = (mark: string | undefined) => mark === options.environment;
      const found = marks.every(isRight) ? marks[0] : marks.find((mark) => !isRight(mark));
      return markRefusal(found, { place: app, environment: options.environment });
    },

    look,
    read: async () => undefined,

    async write({ name, text }) {
      const body = { value: text.reveal() };
      await api.call({ method: "POST", path: `${base}/secrets/${name}`, body, what: `write ${name}` });
      const { mark } = await look(name);
      if (mark === undefined) throw new CopyRefused(`${name} was written and is not there`);
      return mark;
    },

    /** Those that have started since, or are starting, stay as they are: a repeat restarts none twice. */
    async activate({ mark, write }) {
      const behind = (await machines()).filter((each) => isBehind(each, mark) && each.state === "started");
      for (const { id } of behind)
        await api.call({ method: "POST", path: `${base}/machines/${id}/restart`, what: `restart ${id}` });
      return write;
    },

    use: async (copy) => useOf(copy, await machines()),
  };
}

/** Both times are Fly's own. */
function isBehind({ state, events }: Machine, mark: string): boolean {
  if (state === "stopped" || state === "destroyed" || state === "suspended") return false;
  const writtenAtMs = Date.parse(mark.slice(mark.lastIndexOf(" at ") + " at ".length));
  const starts = events.filter(({ type }) => type === "start").map(({ timestamp }) => timestamp);
  return !(Math.max(...starts, 0) > writtenAtMs) || state !== "started";
}

function useOf({ mark, started }: WrittenCopy, machines: readonly Machine[]): CopyUse {
  const behind = machines.filter((each) => isBehind(each, mark));
  if (machines.length === 0) return { state: "idle", detail: "the app has no machine" };
  if (behind.length === 0)
    return { state: "active", detail: `every machine of ${machines.length} has started since` };
  const failed = behind.find(({ state }) => state === "failed");
  if (failed !== undefined) return { state: "failed", detail: `machine ${failed.id} failed to start` };
  if (started === undefined)
    return { state: "idle", detail: `${behind.length} machines were not restarted yet` };
  return {
    state: "activating",
    detail: `${behind.length} of ${machines.length} machines have not started since`,
  };
}
