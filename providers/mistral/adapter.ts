import * as z from "zod";
import { MintOutcomeUnknown, ProviderGarbled } from "../../core/errors.ts";
import type { MintedKey, MintRequest } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { type AdminApi, adminApi } from "../admin-api.ts";
import { deleteKey, type Item, type KeyListing, keyListing, keyNameText, pathId } from "../key-listing.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { lastUseOf, providerCalls } from "../provider-calls.ts";
import { printable } from "../reply-text.ts";
import { expiryMs } from "../settings.ts";
import { verifyBy } from "../verify-table.ts";
import { MistralSettings } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

const pageLength = 100;
const time = z.iso.datetime({ offset: true, local: true }).nullish().catch(undefined);

const Key = z.object({
  key_id: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  name: z.string().max(4096).nullish(),
  hidden_key: z.string().max(256).nullish(),
  workspace_id: z.string().max(128).nullish(),
  ...{ created_at: time, expiration_date: time, last_used: time },
});
type Key = z.output<typeof Key>;

const KeyPage = z.object({ keys: z.array(Key).max(1000) });
const MintReply = Key.extend({ key: z.string().regex(/^[\x21-\x7e]{16,256}$/) });

export function connect({ settings: block, admin, http }: ConnectOptions): ProviderCalls {
  const settings = parseSettings(MistralSettings, block);
  const { adminHeader, adminUrl, apiUrl } = settings;
  const scheme = adminHeader === "authorization" ? "Bearer " : "";
  const api = adminApi(
    {
      ...{ kind: "mistral", baseUrl: adminUrl, codeAt: ["/code", "/type"], codes: [] },
      headers: (key) => ({ [adminHeader]: `${scheme}${key}` }),
    },
    { admin, http },
  );
  const keys = workspaceKeys(api, settings);

  return providerCalls(keys, {
    mint: (request) => mint(request, { api, settings }),
    verify: (secret) =>
      verifyBy(secret, {
        ...{ http, table: verifyTable },
        request: (text) => ({
          ...{ method: "GET", url: `${apiUrl}/v1/models` },
          headers: { authorization: `Bearer ${text}` },
        }),
      }),
    use: async ({ keyId }) => lastUseOf(await keys.find(keyId)),
    async revoke(keyId) {
      const path = `/api-keys/${pathId(keyId)}`;
      // A key of another workspace is not Rekey's to delete.
      if (!(await keys.isOurs(keyId))) return "alreadyGone";
      return deleteKey({ api, listing: keys }, { keyId, call: { method: "DELETE", path } });
    },
  });
}

interface WorkspaceKeys extends KeyListing<Key> {
  isOurs(keyId: string): Promise<boolean>;
}

/** The API lists the whole organisation, so keys of other workspaces are left out here. */
function workspaceKeys(api: AdminApi, { workspace }: MistralSettings): WorkspaceKeys {
  const every = keyListing(api.kind, async (offset = "0") => {
    const { json, dateMs } = await api.read(`/api-keys?limit=${pageLength}&offset=${offset}`);
    const parsed = KeyPage.safeParse(json);
    if (!parsed.success) throw new ProviderGarbled("mistral answered a list that is not its protocol");
    const { keys } = parsed.data;
    const next = keys.length === 0 ? undefined : String(Number(offset) + keys.length);
    return { items: keys.map(itemOf), next, dateMs };
  });
  const items = async () => (await every.items()).filter(({ raw }) => raw.workspace_id === workspace);
  const find: WorkspaceKeys["find"] = async (keyId) => {
    pathId(keyId);
    return (await items()).find(({ key }) => key.keyId === keyId);
  };
  return {
    ...{ items, find },
    all: async () => (await items()).map(({ key }) => key),
    isOurs: async (keyId) => (await find(keyId)) !== undefined,
  };
}

async function mint(
  request: MintRequest,
  { api, settings }: { readonly api: AdminApi; readonly settings: MistralSettings },
): Promise<MintedKey> {
  const name = keyNameText(request.name);
  const lifeMs = expiryMs(request, settings);
  const body = {
    ...{ workspace_uuid: settings.workspace, user_id: settings.user, name },
    ...(lifeMs !== undefined && { expiration: new Date(Date.now() + lifeMs).toISOString() }),
  };
  const reply = await api.mint({ method: "POST", path: "/api-keys", body });
  const parsed = MintReply.safeParse(reply.json);
  if (!parsed.success || (parsed.data.name ?? name) !== name) {
    throw new MintOutcomeUnknown("mistral answered the mint with something else than the key asked for");
  }
  const { key } = itemOf(parsed.data);
  const { expiresAtMs } = key;
  return {
    ...{ keyId: key.keyId, secret: new Secret(parsed.data.key) },
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

function itemOf(raw: Key): Item<Key> {
  const { key_id, name, hidden_key, created_at, expiration_date, last_used } = raw;
  const key = {
    ...{ keyId: key_id, name: printable(name ?? ""), status: "active" as const },
    ...(hidden_key && { hint: printable(hidden_key) }),
    ...(created_at && { createdAtMs: Date.parse(created_at) }),
    ...(expiration_date && { expiresAtMs: Date.parse(expiration_date) }),
    ...(last_used && { lastUsedAtMs: Date.parse(last_used) }),
  };
  return { key, raw };
}
