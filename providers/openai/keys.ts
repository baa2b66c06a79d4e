import { ProviderGarbled } from "../../core/errors.ts";
import type { KeyId, ListedKey } from "../../core/ports.ts";
import { type AdminApi, isOk } from "../admin-api.ts";
import type { HttpReply } from "../http.ts";
import { KeyPage, OneKey, pathId } from "./replies.ts";

const PAGE_LENGTH = 100;
const LIST_PAGES_MAX = 50;

/** The keys of one project, people's and service accounts' alike. */
export interface ProjectKeys {
  readonly path: string;
  all(): Promise<readonly ListedKey[]>;
  find(keyId: KeyId): Promise<FoundKey | undefined>;
  /** Asks the project itself whether a 404 means that the key is gone. Throws WrongProject if not. */
  confirmGone(): Promise<void>;
}

export interface FoundKey {
  readonly key: ListedKey;
  readonly dateMs: number | undefined;
}

export function projectKeys(api: AdminApi, project: string): ProjectKeys {
  const path = `/organization/projects/${pathId(project)}/api_keys`;

  async function confirmGone(): Promise<void> {
    await api.read(`${path}?limit=1&owner_project_access=any`);
  }

  return {
    path,
    confirmGone,
    all: () => everyPage(api, path),
    async find(keyId) {
      const reply = await api.send({ method: "GET", path: `${path}/${pathId(keyId)}` });
      if (reply.status === 404) {
        await confirmGone();
        return undefined;
      }
      if (!isOk(reply)) throw api.failureOf(reply);
      return { key: keyOf(reply, keyId), dateMs: reply.dateMs };
    },
  };
}

function keyOf({ json }: HttpReply, keyId: KeyId): ListedKey {
  const parsed = OneKey.safeParse(json);
  if (!parsed.success) throw new ProviderGarbled("openai answered a key that is not its protocol");
  if (parsed.data.keyId !== keyId)
    throw new ProviderGarbled("openai answered another key than was asked for");
  return parsed.data;
}

/** A list that is cut short could hide a key that still works, so any doubt about its end is an error. */
async function everyPage(api: AdminApi, path: string): Promise<readonly ListedKey[]> {
  const found = new Map<KeyId, ListedKey>();
  const parameters = new URLSearchParams({ limit: String(PAGE_LENGTH), owner_project_access: "any" });
  for (let page = 0; page < LIST_PAGES_MAX; page++) {
    const parsed = KeyPage.safeParse((await api.read(`${path}?${parameters}`)).json);
    if (!parsed.success) throw new ProviderGarbled("openai answered a list of keys that is not its protocol");
    const { data, has_more, last_id } = parsed.data;
    const before = found.size;
    for (const key of data) found.set(key.keyId, key);
    if (!has_more) return [...found.values()];

    const after = last_id ?? data.at(-1)?.keyId;
    if (after === undefined || found.size === before)
      throw new ProviderGarbled("openai's list of keys does not end");
    parameters.set("after", after);
  }
  throw new ProviderGarbled(`openai's list of keys has more than ${LIST_PAGES_MAX} pages`);
}
