import * as z from "zod";
import { ProviderGarbled } from "../../core/errors.ts";
import type { KeyId } from "../../core/ports.ts";
import { type AdminApi, isOk } from "../admin-api.ts";
import type { HttpReply } from "../http.ts";
import { type FoundItem, type Item, type KeyListing, keyListing, pathId } from "../key-listing.ts";
import { printable } from "../reply-text.ts";
import type { AnthropicSettings } from "./settings.ts";

const pageLength = 1000;
export const keysPath = "/v1/organizations/api_keys";

const id = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);
const time = z.iso.datetime({ offset: true }).nullish().catch(undefined);

const Key = z.object({
  id,
  name: z.string().max(4096),
  status: z.enum(["active", "inactive", "archived", "expired"]),
  partial_key_hint: z.string().max(256).nullish(),
  created_at: time,
  expires_at: time,
  workspace_id: z.string().max(128).nullish(),
});
export type AnthropicKey = z.output<typeof Key>;

const KeyPage = z.object({
  data: z.array(Key).max(pageLength),
  has_more: z.boolean(),
  last_id: id.nullish(),
});

export interface AnthropicKeys extends KeyListing<AnthropicKey> {
  /** The key as Anthropic keeps it, archived and expired ones too; undefined when it is not of this workspace. */
  look(keyId: KeyId): Promise<FoundItem<AnthropicKey> | undefined>;
}

/** Archived and expired keys are past use for ever: to everybody else they are gone. */
const isThere = ({ raw }: Item<AnthropicKey>): boolean =>
  raw.status === "active" || raw.status === "inactive";

export function anthropicKeys(api: AdminApi, { workspace }: AnthropicSettings): AnthropicKeys {
  const filter = workspace === undefined ? {} : { workspace_id: workspace };
  const listing = keyListing(api.kind, async (after) => {
    const query = new URLSearchParams({ limit: String(pageLength), ...filter });
    if (after !== undefined) query.set("after_id", after);
    const { json, dateMs } = await api.read(`${keysPath}?${query}`);
    const parsed = KeyPage.safeParse(json);
    if (!parsed.success) throw new ProviderGarbled("anthropic answered a list that is not its protocol");
    const { data, has_more, last_id } = parsed.data;
    const next = has_more ? (last_id ?? data.at(-1)?.id) : undefined;
    if (has_more && next === undefined) throw new ProviderGarbled("anthropic's list of keys does not end");
    return { items: data.map(itemOf), next, dateMs };
  });

  async function look(keyId: KeyId): Promise<FoundItem<AnthropicKey> | undefined> {
    const reply = await api.send({ method: "GET", path: `${keysPath}/${pathId(keyId)}` });
    if (reply.status === 404) {
      await api.read(`${keysPath}?limit=1`);
      return undefined;
    }
    if (!isOk(reply)) throw api.failureOf(reply);
    const item = keyIn(reply, keyId);
    const isElsewhere = workspace !== undefined && item.raw.workspace_id !== workspace;
    return isElsewhere ? undefined : { ...item, dateMs: reply.dateMs };
  }

  const items = async () => (await listing.items()).filter(isThere);
  return {
    look,
    items,
    all: async () => (await items()).map(({ key }) => key),
    async find(keyId) {
      const found = await look(keyId);
      return found !== undefined && isThere(found) ? found : undefined;
    },
  };
}

/** Throws when the reply is not about this key. */
export function keyIn({ json }: HttpReply, keyId: KeyId): Item<AnthropicKey> {
  const parsed = Key.safeParse(json);
  if (parsed.success && parsed.data.id === keyId) return itemOf(parsed.data);
  throw new ProviderGarbled("anthropic answered something else than the key that was asked for");
}

function itemOf(raw: AnthropicKey): Item<AnthropicKey> {
  const { id: keyId, name, status, partial_key_hint, workspace_id, created_at, expires_at } = raw;
  const key = {
    ...{ keyId, name: printable(name) },
    status: status === "active" ? ("active" as const) : ("disabled" as const),
    ...(partial_key_hint && { hint: printable(partial_key_hint) }),
    ...(workspace_id && { owner: printable(workspace_id) }),
    ...(created_at && { createdAtMs: Date.parse(created_at) }),
    ...(expires_at && { expiresAtMs: Date.parse(expires_at) }),
  };
  return { key, raw };
}
