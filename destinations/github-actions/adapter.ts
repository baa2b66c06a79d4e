import sealedBox from "tweetnacl-sealedbox-js";
import * as z from "zod";
import type { CopySeen, CopyUse, PlaceRefusal, WrittenCopy } from "../../core/copies/destination.ts";
import { parseDuration } from "../../core/duration.ts";
import { CopyRefused } from "../../core/errors.ts";
import type { Secret } from "../../core/secret.ts";
import { type Api, apiOf, changedAt, clockOf, wrongPlace } from "../api.ts";
import { type ConnectOptions, type DestinationCalls, parseSettings, understood } from "../destination.ts";
import { githubActionsSettings } from "./settings.ts";

type Settings = z.output<typeof githubActionsSettings>;

/** A repository by its full name, or an organization. */
const Named = z.object({ full_name: z.string().optional(), login: z.string().optional() });
const PublicKey = z.object({ key_id: z.string().max(100), key: z.string().max(100) });
const Stored = z.object({
  updated_at: z.string().max(40),
  visibility: z.enum(["all", "private", "selected"]).optional(),
});
const Shared = z.object({ total_count: z.int(), repositories: z.array(z.object({ id: z.int() })) });
const Runs = z.object({
  total_count: z.int(),
  workflow_runs: z.array(
    z.object({ id: z.int(), run_started_at: z.string().max(40).optional(), created_at: z.string().max(40) }),
  ),
});
const pageMax = 100;
const sharedPagesMax = 10;
const publicKeyBytes = 32;

export function connect(options: ConnectOptions): DestinationCalls {
  const settings = parseSettings(githubActionsSettings, options.settings);
  const base = baseOf(settings);
  const api = apiOf(options, {
    origin: settings.origin,
    headersFor: (token) => ({
      authorization: `Bearer ${token}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
      "user-agent": "rekey",
    }),
  });
  const stored = async (name: string) => (await storedAs(`${base}/${name}`, api)).found;

  return {
    whyNotHere: () => whyNotHere(settings, api),

    look: async (name): Promise<CopySeen> => {
      const { found, clock } = await storedAs(`${base}/${name}`, api);
      return found === undefined
        ? clock
        : { mark: found.updated_at, ...changedAt(found.updated_at), ...clock };
    },

    read: async () => undefined,

    write: async ({ name, text }) => {
      const sharing = settings.organization === undefined ? {} : await sharingOf(`${base}/${name}`, api);
      const { key_id, key } = understood(
        PublicKey,
        (await api.call({ method: "GET", path: `${base}/public-key`, what: "the public key" })).json,
      );
      const body = { encrypted_value: sealed(text, key), key_id, ...sharing };
      await api.call({ method: "PUT", path: `${base}/${name}`, body, what: `write ${name}` });
      const written = await stored(name);
      if (written === undefined) throw new CopyRefused(`${name} was written and is not there`);
      return written.updated_at;
    },

    activate: async () => undefined,
    use: async (copy) => useOf(settings, copy, api),
  };
}

function baseOf({ repository, environment, organization }: Settings): string {
  if (organization !== undefined) return `/orgs/${organization}/actions/secrets`;
  const repo = `/repos/${repository}`;
  return environment === undefined
    ? `${repo}/actions/secrets`
    : `${repo}/environments/${environment}/secrets`;
}

async function whyNotHere(
  { repository, environment, organization }: Settings,
  api: Api,
): Promise<PlaceRefusal | undefined> {
  const path = organization === undefined ? `/repos/${repository}` : `/orgs/${organization}`;
  const asked = await api.whyRefused({ method: "GET", path, what: `read ${path}` });
  if ("refusal" in asked) return asked.refusal;
  const { full_name: fullName, login } = understood(Named, asked.reply.json);
  const found = organization === undefined ? fullName : login;
  const wanted = organization ?? repository ?? "";
  if (found?.toLowerCase() !== wanted.toLowerCase())
    return wrongPlace(`the token leads to ${found ?? "nothing"}, not to ${wanted}`);
  if (environment === undefined) return undefined;
  const room = await api.whyRefused({
    method: "GET",
    path: `/repos/${repository}/environments/${environment}`,
    what: `read the environment ${environment} of ${repository}`,
  });
  return "refusal" in room ? room.refusal : undefined;
}

async function storedAs(path: string, api: Api) {
  const reply = await api.call({ method: "GET", path, takes: [404], what: `read ${path}` });
  const clock = clockOf(reply);
  return reply.status === 404 ? { clock } : { clock, found: understood(Stored, reply.json) };
}

/** The write would reset who may use an organization's secret: what is there is read and sent again. */
async function sharingOf(path: string, api: Api) {
  const { found } = await storedAs(path, api);
  const visibility = found?.visibility ?? "private";
  if (visibility !== "selected") return { visibility };
  const ids: number[] = [];
  for (let page = 1; page <= sharedPagesMax; page++) {
    const { json } = await api.call({
      method: "GET",
      path: `${path}/repositories?per_page=${pageMax}&page=${page}`,
      what: `read who shares ${path}`,
    });
    const { total_count: total, repositories } = understood(Shared, json);
    ids.push(...repositories.map(({ id }) => id));
    if (ids.length >= total || repositories.length === 0) return { visibility, selected_repository_ids: ids };
  }
  throw new CopyRefused(
    `more than ${pageMax * sharedPagesMax} repositories share ${path}: share it with all or private ones`,
  );
}

function sealed(text: Secret, publicKey: string): string {
  const key = Buffer.from(publicKey, "base64");
  if (key.length !== publicKeyBytes) throw new CopyRefused("GitHub's public key is not one of 32 bytes");
  return Buffer.from(sealedBox.seal(Buffer.from(text.reveal()), key)).toString("base64");
}

/** Both times are GitHub's own, so no other clock can hide a run. */
async function useOf(
  settings: Settings,
  copy: WrittenCopy & { readonly nowMs: number },
  api: Api,
): Promise<CopyUse> {
  const running = await runsBefore(settings, copy.mark, api);
  if (running === 0)
    return { state: "active", detail: "no run that began before it was written is in progress" };
  const longestMs = parseDuration(settings.longestRun) ?? 0;
  const remainingMs = Math.max(0, copy.seenAtMs + longestMs - copy.nowMs);
  if (remainingMs === 0)
    return {
      state: "active",
      detail: `no run lasts longer than ${settings.longestRun}, and that has passed`,
    };
  const detail =
    running === undefined
      ? `a run that began before may last ${settings.longestRun}`
      : `${running} of the runs in progress began before it was written`;
  return { state: "activating", detail, ...(running === undefined && { remainingMs }) };
}

/** Undefined if they cannot all be seen. */
async function runsBefore(
  { repository }: Settings,
  writtenAt: string,
  api: Api,
): Promise<number | undefined> {
  if (repository === undefined) return undefined;
  const reply = await api.call({
    method: "GET",
    path: `/repos/${repository}/actions/runs?status=in_progress&per_page=${pageMax}`,
    takes: [403, 404],
    what: "read the runs in progress",
  });
  if (reply.status >= 400) return undefined;
  const { total_count: total, workflow_runs: runs } = understood(Runs, reply.json);
  if (total > runs.length) return undefined;
  const writtenMs = Date.parse(writtenAt);
  const beganMs = (run: (typeof runs)[number]) => Date.parse(run.run_started_at ?? run.created_at);
  return runs.filter((run) => !(beganMs(run) > writtenMs)).length;
}
