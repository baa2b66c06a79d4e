import type { FakeReply } from "../fake.ts";
import { errorReply } from "../fake-faults.ts";
import { type FakeKey, fakeName, keyUses } from "./fake-keys.ts";
import type { AdminRoute, Context } from "./fake-routes.ts";

interface Making {
  readonly now: () => number;
  readonly random: () => number;
  readonly activateMs: number;
}

/** Admin keys, and what those that are made by API may not do. */
export function adminKeyStore(
  { newAdminKeysMayNot = [] }: { readonly newAdminKeysMayNot?: readonly string[] },
  { now, random, activateMs }: Making,
) {
  const keys = new Map<string, FakeKey>();
  function keep(key: Pick<FakeKey, "name"> & Partial<FakeKey>): FakeKey {
    const count = keys.size + 1;
    const kept: FakeKey = {
      keyId: fakeName("key_FAKEadmin", { count, random }),
      text: fakeName("sk-admin-FAKE-", { count, random }),
      ...{ project: "organization", owner: { type: "user", id: "user-FAKE" }, scopes: [] },
      ...{ createdAtMs: now(), activeAtMs: now() + activateMs },
      ...{ expiresAtMs: undefined, revokedAtMs: undefined, uses: keyUses(), ...key },
    };
    keys.set(kept.keyId, kept);
    return kept;
  }
  const scopes = newAdminKeysMayNot.map((operation) => `not ${operation}`);
  return {
    keys,
    make: (key: Pick<FakeKey, "name"> & { readonly expiresAtMs?: number }) => keep({ scopes, ...key }),
    /** It has been there for long: it is active at once. */
    seed: (name: string) => keep({ name, activeAtMs: now() }),
    keyOf: (text: string) => [...keys.values()].find((key) => key.text === text),
  };
}

const PATH = "^/v1/organization/admin_api_keys";

/** The keys that the Admin API itself is called with; they list, make and delete each other. */
export const adminKeyRoutes: readonly AdminRoute[] = [
  { operation: "listAdminKeys", method: "GET", path: new RegExp(`${PATH}$`), answer: list },
  { operation: "mintAdminKey", method: "POST", path: new RegExp(`${PATH}$`), answer: mint },
  {
    operation: "revokeAdminKey",
    method: "DELETE",
    path: new RegExp(`${PATH}/(?<key>[^/]+)$`),
    answer: revoke,
  },
];

const ok = (json: unknown): FakeReply => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(json),
});

const seconds = (ms: number): number => Math.floor(ms / 1000);

function listed({ world }: Context): readonly FakeKey[] {
  return [...world.adminKeys.values()].filter(({ revokedAtMs }) => revokedAtMs === undefined);
}

function shown(key: FakeKey, { world }: Context) {
  const lastUsedAtMs = key.uses.lastAt(world.nowMs() - world.quirks.lastUsedLagMs);
  return {
    ...{ object: "organization.admin_api_key", id: key.keyId, name: key.name },
    redacted_value: `${key.text.slice(0, 8)}...${key.text.slice(-4)}`,
    created_at: seconds(key.createdAtMs),
    last_used_at: lastUsedAtMs === undefined ? null : seconds(lastUsedAtMs),
    ...(key.expiresAtMs !== undefined && { expires_at: seconds(key.expiresAtMs) }),
    owner: { type: "user", id: key.owner.id, name: "fake owner", role: "owner" },
  };
}

function list(context: Context): FakeReply {
  const { query } = context.request;
  const limit = Math.min(Number(query.get("limit") ?? 20), 100, context.world.quirks.pageMax);
  const every = listed(context);
  const after = query.get("after");
  const start = after === null ? 0 : every.findIndex(({ keyId }) => keyId === after) + 1;
  const page = every.slice(start, start + limit);
  return ok({
    ...{ object: "list", data: page.map((key) => shown(key, context)) },
    ...{ first_id: page[0]?.keyId ?? null, last_id: page.at(-1)?.keyId ?? null },
    has_more: start + limit < every.length,
  });
}

function mint(context: Context): FakeReply {
  const { world, request } = context;
  const body = (request.body ?? {}) as Readonly<Record<string, unknown>>;
  const { name, expires_in_seconds: lifeS } = body;
  if (typeof name !== "string" || name === "") return errorReply(400, { code: "invalid_request_error" });
  if (lifeS !== undefined && !(Number.isInteger(lifeS) && Number(lifeS) > 0))
    return errorReply(400, { code: "invalid_request_error" });
  if (listed(context).length >= world.quirks.keysMax)
    return errorReply(400, { code: "api_key_limit_reached" });
  const key = world.addAdminKey({
    name,
    ...(lifeS !== undefined && { expiresAtMs: world.nowMs() + Number(lifeS) * 1000 }),
  });
  return ok({ ...shown(key, context), value: key.text });
}

function revoke(context: Context): FakeReply {
  const key = listed(context).find(({ keyId }) => keyId === context.at["key"]);
  if (key === undefined) return errorReply(404, { code: "not_found" });
  key.revokedAtMs = context.world.nowMs();
  return ok({ object: "organization.admin_api_key.deleted", id: key.keyId, deleted: true });
}
