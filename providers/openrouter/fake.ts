import { createHash } from "node:crypto";
import type { FakeReply } from "../fake.ts";
import {
  type FakeOptions,
  type FakeRoute,
  fakeText,
  json,
  type ProviderFake,
  pageOf,
  providerFake,
  type RouteContext,
  type WorldKey,
} from "../fake-world.ts";

const pageLength = 100;
const hexDigits = "0123456789abcdef";

/** A stateful stand-in for OpenRouter: its management API, `GET /key` and the calls a consumer makes. */
export function openRouterFake(options: FakeOptions = {}): ProviderFake {
  const texts = new Map<number, string>();
  const textOf = (number: number, random: () => number): string => {
    const known = texts.get(number);
    const text = known ?? fakeText("sk-or-v1-FAKE", { number, random, length: 56, alphabet: hexDigits });
    texts.set(number, text);
    return text;
  };
  return providerFake(options, {
    adminKey: "sk-or-v1-FAKE-management",
    credentialOf: ({ headers }) => (headers["authorization"] ?? "").replace(/^Bearer /, ""),
    refused: ({ as }) => failure(401, as === "admin" ? "Invalid management key" : "User not found."),
    consumer: { path: "/api/v1/chat/completions", header: "authorization", scheme: "Bearer " },
    settingsAt: (origin) => ({ baseUrl: `${origin}/api/v1` }),
    keyIdOf: (number, random) => createHash("sha256").update(textOf(number, random)).digest("hex"),
    textOf,
    routes,
  });
}

function failure(code: number, message: string): FakeReply {
  return json(code, { error: { code, message } });
}

const keyPath = /^\/api\/v1\/keys\/(?<key>[^/]+)$/;

const routes: readonly FakeRoute[] = [
  { ...{ operation: "list", method: "GET", as: "admin", path: /^\/api\/v1\/keys$/ }, answer: listKeys },
  { ...{ operation: "mint", method: "POST", as: "admin", path: /^\/api\/v1\/keys$/ }, answer: createKey },
  { ...{ operation: "update", method: "PATCH", as: "admin", path: keyPath }, answer: updateKey },
  {
    ...{ operation: "revoke", method: "DELETE", as: "admin", path: keyPath },
    answer: ({ world, at }) => {
      const key = world.listedKey(at["key"] ?? "");
      if (key === undefined) return failure(404, "Not found");
      key.revokedAtMs = world.nowMs();
      return json(200, { deleted: true });
    },
  },
  {
    ...{ operation: "key", method: "GET", as: "key", path: /^\/api\/v1\/key$/ },
    answer: (_, key) => (key ? json(200, { data: ownJson(key) }) : failure(401, "User not found.")),
  },
  {
    ...{ operation: "use", method: "POST", as: "key", path: /^\/api\/v1\/chat\/completions$/ },
    answer: () => json(200, { id: "gen-FAKE", choices: [] }),
  },
];

function keyJson(key: WorldKey) {
  return {
    hash: key.keyId,
    name: key.name,
    label: `${key.text.slice(0, 12)}...${key.text.slice(-4)}`,
    disabled: key.disabledAtMs !== undefined,
    ...{ limit: null, limit_reset: null, include_byok_in_limit: false, workspace_id: "ws_FAKE" },
    ...{ usage: 0, usage_daily: 0, usage_weekly: 0, usage_monthly: 0, limit_remaining: null },
    ...{ byok_usage: 0, byok_usage_daily: 0, byok_usage_weekly: 0, byok_usage_monthly: 0 },
    ...{ creator_user_id: "user_FAKE", external_user: null },
    created_at: new Date(key.createdAtMs).toISOString(),
    updated_at: null,
    expires_at: key.expiresAtMs === undefined ? null : new Date(key.expiresAtMs).toISOString(),
    ...key.more,
  };
}

/** What a key is told of itself has neither its hash nor its name. */
function ownJson(key: WorldKey) {
  const { hash: _hash, name: _name, disabled: _disabled, external_user: _user, ...own } = keyJson(key);
  return {
    ...own,
    ...{ allowed_data_regions: ["global"], organization_id: null, is_free_tier: false },
    ...{ is_management_key: false, is_provisioning_key: false },
    rate_limit: { interval: "10s", note: "deprecated", requests: -1 },
    free_model_daily_requests: { limit: 50, remaining: 50, used: 0 },
  };
}

function listKeys({ world, request }: RouteContext): FakeReply {
  const start = Number(request.query.get("offset") ?? 0);
  const { page } = pageOf(world.listed(), { start, size: Math.min(pageLength, world.pageMax) });
  return json(200, { data: page.map(keyJson) });
}

function createKey({ world, body }: RouteContext): FakeReply {
  const { name, limit, limit_reset, include_byok_in_limit, workspace_id, expires_at } = body;
  if (typeof name !== "string") return failure(400, "name: required");
  const given = { limit, limit_reset, include_byok_in_limit, workspace_id };
  const more = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const expiresAtMs = typeof expires_at === "string" ? Date.parse(expires_at) : undefined;
  const key = world.add({ name, more, ...(expiresAtMs !== undefined && { expiresAtMs }) });
  return json(201, { data: keyJson(key), key: key.text });
}

function updateKey({ world, at, body }: RouteContext): FakeReply {
  const key = world.listedKey(at["key"] ?? "");
  if (key === undefined) return failure(404, "Not found");
  if (body["disabled"] === true) key.disabledAtMs ??= world.nowMs();
  if (body["disabled"] === false) key.disabledAtMs = undefined;
  return json(200, { data: keyJson(key) });
}
