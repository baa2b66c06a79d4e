import { setTimeout as realPause } from "node:timers/promises";
import * as z from "zod";
import {
  MintOutcomeUnknown,
  NeedsHuman,
  ProviderGarbled,
  ProviderThrottled,
  ProviderUnavailable,
  WrongProject,
} from "../../core/errors.ts";
import type { KeyId, MintedKey, MintRequest } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { type AdminApi, adminApi, isOk } from "../admin-api.ts";
import { deleteKey, type Item, type KeyListing, keyListing, keyNameText, pathId } from "../key-listing.ts";
import { limitsSource } from "../limits.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { providerCalls } from "../provider-calls.ts";
import { printable } from "../reply-text.ts";
import { verifyBy } from "../verify-table.ts";
import { XaiSettings } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

const everything = ["api-key:model:*", "api-key:endpoint:*"];
const propagationPollsMax = 5;
const propagationPollMs = 1_000;

/** xAI was seen to write booleans as texts. */
const flag = z.union([z.boolean(), z.enum(["true", "false"])]).transform((value) => String(value) === "true");
const time = z.iso.datetime({ offset: true }).nullish().catch(undefined);
const rate = z.union([z.string().max(32), z.number()]).nullish();

const Key = z.object({
  apiKeyId: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  name: z.string().max(4096),
  redactedApiKey: z.string().max(256).nullish(),
  disabled: flag.nullish(),
  aclStrings: z.array(z.string().max(256)).max(256).nullish(),
  ...{ qps: rate, qpm: rate, tpm: rate, createTime: time, expireTime: time },
});
type Key = z.output<typeof Key>;

const KeyPage = z.object({
  apiKeys: z.array(Key).max(1000),
  paginationToken: z.string().max(4096).nullish(),
});
const MintReply = Key.extend({ apiKey: z.string().regex(/^xai-[A-Za-z0-9_-]{16,256}$/) });

interface World {
  readonly api: AdminApi;
  readonly keys: KeyListing<Key>;
  readonly settings: XaiSettings;
  pause(ms: number): Promise<unknown>;
}

export function connect({ settings: block, admin, http, pause = realPause }: ConnectOptions): ProviderCalls {
  const settings = parseSettings(XaiSettings, block);
  const { managementUrl, apiUrl, team } = settings;
  const api = adminApi(
    {
      ...{ kind: "xai", baseUrl: managementUrl },
      headers: (key) => ({ authorization: `Bearer ${key}` }),
      codeAt: ["/code"],
      codes: [3, 5, 7, 8, 13, 14, 16],
      quotaCodes: [8],
    },
    { admin, http },
  );
  const keys = keyListing(api.kind, async (token) => {
    const query = new URLSearchParams({ pageSize: "100" });
    if (token !== undefined) query.set("paginationToken", token);
    const { json, dateMs } = await api.read(`/auth/teams/${team}/api-keys?${query}`);
    const parsed = KeyPage.safeParse(json);
    if (!parsed.success) throw new ProviderGarbled("xai answered a list that is not its protocol");
    const { apiKeys, paginationToken } = parsed.data;
    return { items: apiKeys.map(itemOf), next: paginationToken || undefined, dateMs };
  });
  const world: World = { api, keys, settings, pause };

  return providerCalls(keys, {
    mint: (request) => mint(request, world),
    verify: (secret) =>
      verifyBy(secret, {
        ...{ http, table: verifyTable },
        request: (text) => ({
          ...{ method: "GET", url: `${apiUrl}/v1/api-key` },
          headers: { authorization: `Bearer ${text}` },
        }),
      }),
    quarantine: async ({ keyId }) =>
      (await setDisabled({ keyId, disabled: true }, world)) ? "quarantined" : "cannot",
    restore: async ({ keyId }) => void (await setDisabled({ keyId, disabled: false }, world)),
    revoke: async (keyId) =>
      deleteKey(
        { api, listing: keys },
        { keyId, call: { method: "DELETE", path: `/auth/api-keys/${pathId(keyId)}` } },
      ),
  });
}

async function mint(request: MintRequest, world: World): Promise<MintedKey> {
  const { api, keys, settings } = world;
  const name = keyNameText(request.name);
  const isNamed = settings.acls !== undefined;
  const former = await limitsSource(request, { kind: api.kind, listing: keys, isNamed });
  const rates = { qps: former?.qps, qpm: former?.qpm, tpm: former?.tpm };
  const body = {
    ...{ name, acls: settings.acls ?? former?.aclStrings ?? everything },
    ...Object.fromEntries(Object.entries(rates).filter(([, value]) => value != null)),
  };
  const reply = await api.mint({ method: "POST", path: `/auth/teams/${settings.team}/api-keys`, body });
  const parsed = MintReply.safeParse(reply.json);
  if (!parsed.success || parsed.data.name !== name) {
    throw new MintOutcomeUnknown("xai answered the mint with something else than the key asked for");
  }
  const { apiKeyId, apiKey } = parsed.data;
  await propagated(apiKeyId, world);
  return { keyId: apiKeyId, secret: new Secret(apiKey) };
}

/**
 * Waits a little until every cluster knows the key. The name of the reply's field is not documented, so any flags in
 * it count, and a doubt ends the waiting: whether the key works is proven by the next step anyway.
 */
async function propagated(keyId: KeyId, { api, pause }: World): Promise<void> {
  for (let poll = 0; poll < propagationPollsMax; poll++) {
    const reply = await api
      .send({ method: "GET", path: `/auth/api-keys/${keyId}/propagation` })
      .catch(passed);
    const flags = reply !== undefined && isOk(reply) ? flagsIn(reply.json, 3) : [];
    if (!flags.includes(false)) return;
    await pause(propagationPollMs);
  }
}

function passed(error: unknown): undefined {
  const isPassing =
    error instanceof ProviderUnavailable ||
    error instanceof ProviderGarbled ||
    error instanceof ProviderThrottled ||
    error instanceof WrongProject;
  if (!isPassing) throw error;
  return undefined;
}

function flagsIn(json: unknown, depth: number): readonly boolean[] {
  if (json === true || json === "true") return [true];
  if (json === false || json === "false") return [false];
  if (typeof json !== "object" || json === null || depth === 0) return [];
  return Object.values(json).flatMap((value) => flagsIn(value, depth - 1));
}

/** False when the key is gone. */
async function setDisabled(
  { keyId, disabled }: { readonly keyId: KeyId; readonly disabled: boolean },
  { api, keys }: World,
): Promise<boolean> {
  const body = { apiKey: { disabled }, fieldMask: "disabled" };
  const reply = await api.send({ method: "PUT", path: `/auth/api-keys/${pathId(keyId)}`, body });
  if (reply.status === 404 || reply.status === 400) {
    if ((await keys.find(keyId)) === undefined) return false;
    throw new NeedsHuman(`xai did not change key ${keyId}: ${api.outcomeOf(reply)}`);
  }
  if (!isOk(reply)) throw api.failureOf(reply);
  const parsed = Key.safeParse(reply.json);
  if (parsed.success && parsed.data.apiKeyId === keyId && (parsed.data.disabled ?? false) === disabled)
    return true;
  throw new ProviderGarbled("xai answered the change with something else than the changed key");
}

function itemOf(raw: Key): Item<Key> {
  const { apiKeyId, name, redactedApiKey, disabled, createTime, expireTime } = raw;
  const key = {
    ...{ keyId: apiKeyId, name: printable(name) },
    status: disabled ? ("disabled" as const) : ("active" as const),
    ...(redactedApiKey && { hint: printable(redactedApiKey) }),
    ...(createTime && { createdAtMs: Date.parse(createTime) }),
    ...(expireTime && { expiresAtMs: Date.parse(expireTime) }),
  };
  return { key, raw };
}
