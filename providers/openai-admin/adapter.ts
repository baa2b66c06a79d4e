import * as z from "zod";
import { MintOutcomeUnknown, ProviderGarbled } from "../../core/errors.ts";
import type { MintedKey, MintRequest } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { type AdminApi, adminApi } from "../admin-api.ts";
import { deleteKey, type KeyListing, keyListing, keyNameText, pathId } from "../key-listing.ts";
import { CODES, Deleted, KeyPage, MintReply, milliseconds } from "../openai/replies.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { lastUseOf, providerCalls } from "../provider-calls.ts";
import { expiryMs } from "../settings.ts";
import { verifyBy } from "../verify-table.ts";
import { OpenAiAdminSettings } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

const path = "/organization/admin_api_keys";
const pageLength = 100;
const expirySecondsMax = 365 * 24 * 60 * 60;

const Cursor = z.object({ last_id: z.string().max(128).nullish() });

export function connect({ settings: block, admin, http }: ConnectOptions): ProviderCalls {
  const settings = parseSettings(OpenAiAdminSettings, block);
  const { baseUrl } = settings;
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  const api = adminApi(
    {
      ...{ kind: "openai-admin", baseUrl, shows: "the organisation's admin keys" },
      ...{ headers: bearer, codeAt: ["/error/code", "/error/type"], codes: CODES },
      quotaCodes: ["api_key_limit_reached", "key_limit_reached", "max_api_keys_reached", "quota_exceeded"],
    },
    { admin, http },
  );
  const keys = adminKeys(api);
  return providerCalls(keys, {
    mint: (request) => mint(request, { api, settings }),
    verify: (secret) =>
      verifyBy(secret, {
        ...{ http, table: verifyTable },
        request: (text) => ({ method: "GET", url: `${baseUrl}${path}?limit=1`, headers: bearer(text) }),
      }),
    use: async ({ keyId }) => lastUseOf(await keys.find(keyId)),
    revoke: async (keyId) =>
      deleteKey(
        { api, listing: keys },
        {
          ...{ keyId, call: { method: "DELETE", path: `${path}/${pathId(keyId)}` } },
          isConfirmed: (json) => Deleted.safeParse(json).data?.id === keyId,
        },
      ),
  });
}

function adminKeys(api: AdminApi): KeyListing<undefined> {
  return keyListing(api.kind, async (after) => {
    const query = new URLSearchParams({ limit: String(pageLength), ...(after !== undefined && { after }) });
    const { json, dateMs } = await api.read(`${path}?${query}`);
    const parsed = KeyPage.safeParse(json);
    if (!parsed.success)
      throw new ProviderGarbled("openai answered a list of admin keys that is not its protocol");
    const { data, has_more } = parsed.data;
    const next = Cursor.safeParse(json).data?.last_id ?? data.at(-1)?.keyId;
    if (has_more && next === undefined) throw new ProviderGarbled("openai's list of admin keys does not end");
    return { items: data.map((key) => ({ key, raw: undefined })), next: has_more ? next : undefined, dateMs };
  });
}

async function mint(
  request: MintRequest,
  { api, settings }: { readonly api: AdminApi; readonly settings: OpenAiAdminSettings },
): Promise<MintedKey> {
  const name = keyNameText(request.name);
  const lifeMs = expiryMs(request, settings);
  const body = {
    name,
    ...(lifeMs !== undefined && {
      expires_in_seconds: Math.min(Math.max(Math.ceil(lifeMs / 1000), 1), expirySecondsMax),
    }),
  };
  const parsed = MintReply.safeParse((await api.mint({ method: "POST", path, body })).json);
  if (!parsed.success || (parsed.data.name ?? name) !== name)
    throw new MintOutcomeUnknown("openai answered the mint with something else than the admin key asked for");
  const { id, value, expires_at } = parsed.data;
  return { keyId: id, secret: new Secret(value), ...milliseconds("expiresAtMs", expires_at) };
}
