import { createHash } from "node:crypto";
import * as z from "zod";
import { MintOutcomeUnknown, NeedsHuman, ProviderGarbled } from "../../core/errors.ts";
import type { KeyId, ListedKey, MintedKey, MintRequest } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { type AdminApi, adminApi, isOk } from "../admin-api.ts";
import { deleteKey, type Item, type KeyListing, keyListing, keyNameText, pathId } from "../key-listing.ts";
import { limitsSource } from "../limits.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { providerCalls } from "../provider-calls.ts";
import { mayBe, printable } from "../reply-text.ts";
import { expiryMs } from "../settings.ts";
import { verifyBy } from "../verify-table.ts";
import { OpenRouterSettings } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

const time = z.iso.datetime({ offset: true, local: true }).nullish().catch(undefined);

const Key = z.object({
  hash: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  name: z.string().max(4096),
  label: z.string().max(256).nullish(),
  disabled: z.boolean(),
  limit: z.number().nullish(),
  limit_reset: z.string().max(32).nullish(),
  include_byok_in_limit: z.boolean().nullish(),
  workspace_id: z.string().max(128).nullish(),
  created_at: time,
  expires_at: time,
});
type Key = z.output<typeof Key>;
type Keys = KeyListing<Key>;

const KeyPage = z.object({ data: z.array(Key).max(1000) });
const OneKey = z.object({ data: Key });
const MintReply = z.object({ data: Key, key: z.string().regex(/^sk-or-[A-Za-z0-9_-]{16,256}$/) });
const Deleted = z.object({ deleted: z.literal(true) });

export function connect({ settings: block, admin, http }: ConnectOptions): ProviderCalls {
  const settings = parseSettings(OpenRouterSettings, block);
  const { baseUrl, workspace } = settings;
  const api = adminApi(
    {
      ...{ kind: "openrouter", baseUrl },
      headers: (key) => ({ authorization: `Bearer ${key}` }),
      codeAt: ["/error/code"],
      codes: [400, 401, 402, 403, 404, 408, 409, 429, 500, 502, 503],
    },
    { admin, http },
  );
  const keys = keyListing(api.kind, async (offset = "0") => {
    const query = new URLSearchParams({ offset, include_disabled: "true" });
    if (workspace !== undefined) query.set("workspace_id", workspace);
    const { json, dateMs } = await api.read(`/keys?${query}`);
    const parsed = KeyPage.safeParse(json);
    if (!parsed.success) throw new ProviderGarbled("openrouter answered a list that is not its protocol");
    const { data } = parsed.data;
    // Nothing says which page is the last one: an empty one is.
    const next = data.length === 0 ? undefined : String(Number(offset) + data.length);
    return { items: data.map(itemOf), next, dateMs };
  });
  const update = (keyId: KeyId, disabled: boolean) => setDisabled({ keyId, disabled }, { api, keys });

  return providerCalls(keys, {
    mint: (request) => mint(request, { api, keys, settings }),
    verify: (secret) =>
      verifyBy(secret, {
        ...{ http, table: verifyTable },
        request: (text) => ({
          ...{ method: "GET", url: `${baseUrl}/key` },
          headers: { authorization: `Bearer ${text}` },
        }),
      }),
    quarantine: async ({ keyId }) => ((await update(keyId, true)) ? "quarantined" : "cannot"),
    restore: async ({ keyId }) => void (await update(keyId, false)),
    revoke: async (keyId) =>
      deleteKey(
        { api, listing: keys },
        {
          ...{ keyId, call: { method: "DELETE", path: `/keys/${pathId(keyId)}` } },
          isConfirmed: (json) => Deleted.safeParse(json).success,
        },
      ),
    candidates: async (secret, listed = keys.all) => candidates(secret, await listed()),
  });
}

async function mint(
  request: MintRequest,
  {
    api,
    keys,
    settings,
  }: { readonly api: AdminApi; readonly keys: Keys; readonly settings: OpenRouterSettings },
): Promise<MintedKey> {
  const { limit, limitReset, workspace } = settings;
  const name = keyNameText(request.name);
  const isNamed = limit !== undefined;
  const former = await limitsSource(request, { kind: api.kind, listing: keys, isNamed });
  const lifeMs = expiryMs(request, settings);
  const body = {
    name,
    limit: limit === undefined ? (former?.limit ?? null) : limit,
    limit_reset: limitReset === undefined ? (former?.limit_reset ?? null) : limitReset,
    ...(former?.include_byok_in_limit != null && { include_byok_in_limit: former.include_byok_in_limit }),
    ...((workspace ?? former?.workspace_id) != null && { workspace_id: workspace ?? former?.workspace_id }),
    ...(lifeMs !== undefined && { expires_at: new Date(Date.now() + lifeMs).toISOString() }),
  };
  const reply = await api.mint({ method: "POST", path: "/keys", body });
  const parsed = MintReply.safeParse(reply.json);
  if (!parsed.success || parsed.data.data.name !== name) {
    throw new MintOutcomeUnknown("openrouter answered the mint with something else than the key asked for");
  }
  const { key } = itemOf(parsed.data.data);
  const { expiresAtMs } = key;
  return {
    ...{ keyId: key.keyId, secret: new Secret(parsed.data.key) },
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

/** False when the key is gone. */
async function setDisabled(
  { keyId, disabled }: { readonly keyId: KeyId; readonly disabled: boolean },
  { api, keys }: { readonly api: AdminApi; readonly keys: Keys },
): Promise<boolean> {
  const reply = await api.send({ method: "PATCH", path: `/keys/${pathId(keyId)}`, body: { disabled } });
  if (reply.status === 404 || reply.status === 400) {
    if ((await keys.find(keyId)) === undefined) return false;
    throw new NeedsHuman(`openrouter did not change key ${keyId}: ${api.outcomeOf(reply)}`);
  }
  if (!isOk(reply)) throw api.failureOf(reply);
  const parsed = OneKey.safeParse(reply.json);
  if (parsed.success && parsed.data.data.hash === keyId && parsed.data.data.disabled === disabled)
    return true;
  throw new ProviderGarbled("openrouter answered the change with something else than the changed key");
}

/** The id is the key's SHA-256, which is exact; where it should be something else, the label is a hint. */
function candidates(secret: Secret, listed: readonly ListedKey[]): readonly ListedKey[] {
  const hash = createHash("sha256").update(secret.reveal()).digest("hex");
  const exact = listed.filter(({ keyId }) => keyId === hash);
  return exact.length > 0 ? exact : listed.filter(({ hint }) => mayBe(hint, secret.reveal()));
}

function itemOf(raw: Key): Item<Key> {
  const { hash, name, label, disabled, workspace_id, created_at, expires_at } = raw;
  const key = {
    ...{ keyId: hash, name: printable(name) },
    status: disabled ? ("disabled" as const) : ("active" as const),
    ...(label && { hint: printable(label) }),
    ...(workspace_id && { owner: printable(workspace_id) }),
    ...(created_at && { createdAtMs: Date.parse(created_at) }),
    ...(expires_at && { expiresAtMs: Date.parse(expires_at) }),
  };
  return { key, raw };
}
