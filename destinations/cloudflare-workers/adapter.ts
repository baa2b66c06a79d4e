import * as z from "zod";
import type { CopySeen, CopyUse } from "../../core/copies/destination.ts";
import { CopyRefused } from "../../core/errors.ts";
import { type Api, apiOf, changedAt, clockOf } from "../api.ts";
import { type ConnectOptions, type DestinationCalls, parseSettings, understood } from "../destination.ts";
import { environmentMark, markRefusal } from "../environment-mark.ts";
import { cloudflareWorkersSettings } from "./settings.ts";

const text = z.string().max(256);
const Settings = z.object({
  result: z.object({
    bindings: z.array(z.object({ type: text, name: text, text: text.optional() })).default([]),
  }),
});
const Secrets = z.object({ result: z.array(z.object({ name: text })) });
const Version = z.object({
  ...{ id: text, number: z.int() },
  metadata: z.object({ created_on: z.string().max(40).default("") }).default({ created_on: "" }),
  annotations: z.record(z.string(), z.string()).default({}),
});
type Version = z.output<typeof Version>;
const Versions = z.object({ result: z.object({ items: z.array(Version) }) });
const perPage = 100;
const pagesMax = 5;
const Deployments = z.object({
  result: z.object({
    deployments: z.array(
      z.object({ versions: z.array(z.object({ version_id: text, percentage: z.number() })) }),
    ),
  }),
});
/** How Cloudflare marks a version that a change of a secret made. */
const triggeredBy = "workers/triggered_by";

export function connect(options: ConnectOptions): DestinationCalls {
  const { account, script, origin } = parseSettings(cloudflareWorkersSettings, options.settings);
  const api = apiOf(options, { origin, headersFor: (token) => ({ authorization: `Bearer ${token}` }) });
  const root = `/client/v4/accounts/${account}/workers/scripts/${script}`;
  const place: Place = { api, root };

  return {
    async whyNotHere() {
      const path = `${root}/settings`;
      const asked = await api.whyRefused({ method: "GET", path, what: `read the settings of ${script}` });
      if ("refusal" in asked) return asked.refusal;
      const { bindings } = understood(Settings, asked.reply.json).result;
      const mark = bindings.find(({ type, name }) => type === "plain_text" && name === environmentMark)?.text;
      return markRefusal(mark, { place: script, environment: options.environment });
    },

    look: (name) => look(name, place),
    read: async () => undefined,

    async write({ name, text: value }) {
      const body = { name, text: value.reveal(), type: "secret_text" };
      await api.call({ method: "PUT", path: `${root}/secrets`, body, what: `write ${name}` });
      const { mark } = await look(name, place);
      if (mark === undefined) throw new CopyRefused(`${name} was written and is not there`);
      return mark;
    },

    activate: async () => undefined,
    use: ({ mark }) => useOf(mark, place),
  };
}

interface Place {
  readonly api: Api;
  readonly root: string;
}

async function get<Schema extends z.ZodType>(
  { api, root }: Place,
  { path, what, schema }: { readonly path: string; readonly what: string; readonly schema: Schema },
): Promise<z.output<Schema>> {
  const { json } = await api.call({ method: "GET", path: `${root}${path}`, what });
  return understood(schema, json);
}

/** The newest first. Older ones than these are as if they were not there. */
async function versions(place: Place): Promise<readonly Version[]> {
  const found: Version[] = [];
  for (let page = 1; page <= pagesMax; page++) {
    const path = `/versions?page=${page}&per_page=${perPage}`;
    const { items } = (await get(place, { path, what: "list the versions", schema: Versions })).result;
    found.push(...items);
    if (items.length < perPage) break;
  }
  return found.sort((one, other) => other.number - one.number);
}

async function deployed(place: Place): Promise<readonly string[]> {
  const question = { path: "/deployments", what: "list the deployments", schema: Deployments };
  const [newest] = (await get(place, question)).result.deployments;
  const serving = (newest?.versions ?? []).filter(({ percentage }) => percentage > 0);
  return serving.map(({ version_id: id }) => id);
}

async function look(name: string, place: Place): Promise<CopySeen> {
  const path = `${place.root}/secrets`;
  const reply = await place.api.call({ method: "GET", path, what: "list the secrets" });
  const all = await versions(place);
  const seen = { ...heldBack(all[0], await deployed(place)), ...clockOf(reply) };
  if (!understood(Secrets, reply.json).result.some((each) => each.name === name)) return seen;
  const changed = all.find(({ annotations }) => annotations[triggeredBy] === "secret");
  if (changed === undefined) return { ...seen, mark: "before any version" };
  return { ...seen, mark: `version ${changed.number}`, ...changedAt(changed.metadata.created_on) };
}

/** Cloudflare refuses the write then (its error 10215), and that would come after the key was made. */
function heldBack(newest: Version | undefined, serving: readonly string[]): Pick<CopySeen, "conflict"> {
  if (newest === undefined || (serving.length === 1 && serving[0] === newest.id)) return {};
  return { conflict: `version ${newest.number} of the script is not the deployed one` };
}

async function useOf(mark: string, place: Place): Promise<CopyUse> {
  const written = Number(mark.replace(/^version /, "")) || 0;
  const serving = await deployed(place);
  const numbers = new Map((await versions(place)).map(({ id, number }) => [id, number]));
  const older = serving.filter((id) => (numbers.get(id) ?? 0) < written);
  if (serving.length > 0 && older.length === 0)
    return { state: "active", detail: `every deployed version is version ${written} or a newer one` };
  const oldest = numbers.get(older[0] ?? "") ?? "unknown";
  const detail = `version ${oldest} is deployed, which is older than the write`;
  return { state: older.length < serving.length ? "activating" : "failed", detail };
}
