import * as z from "zod";
import { MintOutcomeUnknown, NeedsHuman, ProviderGarbled, ProviderUnavailable } from "../../core/errors.ts";
import type { KeyId, ListedKey, MintedKey, MintRequest } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { type AdminApi, adminApi, isOk } from "../admin-api.ts";
import type { HttpRequest } from "../http.ts";
import { deleteKey, type Item, type KeyListing, keyListing, keyNameText, pathId } from "../key-listing.ts";
import { limitsSource } from "../limits.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { lastUseOf, providerCalls } from "../provider-calls.ts";
import { printable } from "../reply-text.ts";
import { expiryMs } from "../settings.ts";
import { verifyBy } from "../verify-table.ts";
import { AccessPolicy, CloudflareSettings, Condition } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

const pageLength = 50;
const id = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);
const time = z.iso.datetime({ offset: true }).nullish().catch(undefined);
const statuses = z.enum(["active", "disabled", "expired"]);

const Token = z.object({
  id,
  name: z.string().max(4096),
  status: statuses,
  ...{ issued_on: time, expires_on: time, last_used_on: time },
});
type Token = z.output<typeof Token>;

const TokenPage = z.object({
  success: z.literal(true),
  result: z.array(Token).max(1000),
  result_info: z
    .object({ per_page: z.int().min(1), total_count: z.int().min(0) })
    .nullish()
    .catch(undefined),
});

/** What a PUT has to repeat, or it would be lost. */
const kept = {
  name: z.string().max(4096),
  policies: z.array(AccessPolicy).max(1000),
  condition: Condition.nullish(),
  not_before: z.string().max(64).nullish(),
  expires_on: z.string().max(64).nullish(),
};
const Details = z.object({ success: z.literal(true), result: z.object({ id, status: statuses, ...kept }) });
type Details = z.output<typeof Details>["result"];

const Changed = z.object({ success: z.literal(true), result: z.object({ id, status: statuses }) });
const MintReply = z.object({
  success: z.literal(true),
  result: Token.extend({ value: z.string().regex(/^[A-Za-z0-9_-]{16,256}$/) }),
});
const Deleted = z.object({ success: z.literal(true), result: z.object({ id }) });
const Verified = z.object({ success: z.literal(true), result: z.object({ id }) });

interface World {
  readonly api: AdminApi;
  readonly keys: KeyListing<Token>;
  readonly settings: CloudflareSettings;
  /** The address of the account's tokens, behind the base URL. */
  readonly tokens: string;
}

export function connect({ settings: block, admin, http }: ConnectOptions): ProviderCalls {
  const settings = parseSettings(CloudflareSettings, block);
  const { account, baseUrl } = settings;
  const tokens = `/accounts/${account}/tokens`;
  const api = adminApi(
    {
      ...{ kind: "cloudflare", baseUrl },
      headers: (key) => ({ authorization: `Bearer ${key}` }),
      codeAt: ["/errors/0/code"],
      codes: [1000, 1001, 1003, 6003, 6111, 7000, 7003, 9103, 9106, 9109, 10000, 10001],
    },
    { admin, http },
  );
  const keys = tokensOf(api, tokens);
  const world: World = { api, keys, settings, tokens };
  const asKey = (text: string): HttpRequest => ({
    ...{ method: "GET", url: `${baseUrl}${tokens}/verify` },
    headers: { authorization: `Bearer ${text}` },
  });

  return providerCalls(keys, {
    mint: (request) => mint(request, world),
    verify: async (secret) =>
      isOfUser(secret) ? "inconclusive" : verifyBy(secret, { http, table: verifyTable, request: asKey }),
    use: async ({ keyId }) => lastUseOf(await keys.find(keyId)),
    quarantine: async ({ keyId }) =>
      (await setStatus({ keyId, from: ["active", "expired"], to: "disabled" }, world))
        ? "quarantined"
        : "cannot",
    restore: async ({ keyId }) => void (await setStatus({ keyId, from: ["disabled"], to: "active" }, world)),
    revoke: async (keyId) =>
      deleteKey(
        { api, listing: keys },
        {
          ...{ keyId, call: { method: "DELETE", path: `${tokens}/${pathId(keyId)}` } },
          isConfirmed: (json) => Deleted.safeParse(json).data?.result.id === keyId,
        },
      ),
    candidates: (secret, listed = keys.all) => candidates(secret, { http, asKey, listed }),
  });
}

/** Tokens of a person have another address; this one would call a living one invalid. */
function isOfUser(secret: Secret): boolean {
  return secret.reveal().startsWith("cfut_");
}

/** The list shows no part of a token, and a token tells its own id. */
async function candidates(
  secret: Secret,
  {
    http,
    asKey,
    listed,
  }: {
    readonly http: ConnectOptions["http"];
    asKey(text: string): HttpRequest;
    listed(): Promise<readonly ListedKey[]>;
  },
): Promise<readonly ListedKey[]> {
  const text = secret.reveal();
  if (isOfUser(secret) || !/^[A-Za-z0-9_-]{16,256}$/.test(text)) return [];
  const verified = Verified.safeParse((await http.send(asKey(text))).json);
  if (!verified.success) return [];
  return (await listed()).filter(({ keyId }) => keyId === verified.data.result.id);
}

function tokensOf(api: AdminApi, tokens: string): KeyListing<Token> {
  return keyListing(api.kind, async (page = "1") => {
    const { json, dateMs } = await api.read(`${tokens}?page=${page}&per_page=${pageLength}`);
    const parsed = TokenPage.safeParse(json);
    if (!parsed.success) throw new ProviderGarbled("cloudflare answered a list that is not its protocol");
    const { result, result_info: info } = parsed.data;
    // Without a count, an empty page is the last one.
    const isLast = result.length === 0 || (info && Number(page) * info.per_page >= info.total_count);
    return { items: result.map(itemOf), next: isLast ? undefined : String(Number(page) + 1), dateMs };
  });
}

async function mint(request: MintRequest, world: World): Promise<MintedKey> {
  const { api, settings, tokens } = world;
  const name = keyNameText(request.name);
  const former = await formerOf(request, world);
  const policies = settings.policies ?? former?.policies.map(({ id: _, ...policy }) => policy);
  if (policies === undefined) {
    throw new NeedsHuman("no token is replaced whose policies could be copied: name them in the policy");
  }
  const condition = settings.condition === undefined ? former?.condition : settings.condition;
  const lifeMs = expiryMs(request, settings);
  const body = {
    ...{ name, policies },
    ...(condition != null && { condition }),
    ...(lifeMs !== undefined && { expires_on: secondText(Date.now() + lifeMs) }),
  };
  const reply = await api.mint({ method: "POST", path: tokens, body });
  const parsed = MintReply.safeParse(reply.json);
  if (!parsed.success || parsed.data.result.name !== name) {
    throw new MintOutcomeUnknown("cloudflare answered the mint with something else than the token asked for");
  }
  const { key } = itemOf(parsed.data.result);
  const { expiresAtMs } = key;
  return {
    ...{ keyId: key.keyId, secret: new Secret(parsed.data.result.value) },
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

/** The token that is replaced, for what the policy does not name itself. */
async function formerOf(request: MintRequest, world: World): Promise<Details | undefined> {
  const { api, keys, settings } = world;
  const isNamed = settings.policies !== undefined && settings.condition !== undefined;
  const former = await limitsSource(request, { kind: api.kind, listing: keys, isNamed });
  return former === undefined
    ? undefined
    : detailsIn(await api.read(`${world.tokens}/${former.id}`), former.id);
}

function detailsIn({ json }: { readonly json: unknown }, keyId: KeyId): Details {
  const parsed = Details.safeParse(json);
  if (parsed.success && parsed.data.result.id === keyId) return parsed.data.result;
  throw new ProviderGarbled("cloudflare answered something else than the token asked for");
}

/** Cloudflare writes whole seconds. */
function secondText(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d{3}Z$/, "Z");
}

interface Change {
  readonly keyId: KeyId;
  /** In any other status the token stays as it is. */
  readonly from: readonly Details["status"][];
  readonly to: "active" | "disabled";
}

/** False when the token is gone. A PUT replaces all of a token, so what it has is read and sent back. */
async function setStatus({ keyId, from, to }: Change, { api, keys, tokens }: World): Promise<boolean> {
  const path = `${tokens}/${pathId(keyId)}`;
  const found = await api.send({ method: "GET", path });
  if (found.status === 404) {
    if ((await keys.find(keyId)) === undefined) return false;
    throw new ProviderUnavailable(`cloudflare lists token ${keyId} and does not show it`);
  }
  if (!isOk(found)) throw api.failureOf(found);
  const { id: _, status, ...rest } = detailsIn(found, keyId);
  if (!from.includes(status)) return true;
  const present = Object.fromEntries(Object.entries(rest).filter(([, value]) => value != null));
  const reply = await api.send({ method: "PUT", path, body: { ...present, status: to } });
  if (!isOk(reply)) throw api.failureOf(reply);
  const { success, data } = Changed.safeParse(reply.json);
  if (success && data.result.id === keyId && data.result.status === to) return true;
  throw new ProviderGarbled("cloudflare answered the change with something else than the changed token");
}

function itemOf(raw: Token): Item<Token> {
  const { name, status, issued_on, expires_on, last_used_on } = raw;
  const key = {
    ...{ keyId: raw.id, name: printable(name) },
    status: status === "active" ? ("active" as const) : ("disabled" as const),
    ...(issued_on && { createdAtMs: Date.parse(issued_on) }),
    ...(expires_on && { expiresAtMs: Date.parse(expires_on) }),
    ...(last_used_on && { lastUsedAtMs: Date.parse(last_used_on) }),
  };
  return { key, raw };
}
