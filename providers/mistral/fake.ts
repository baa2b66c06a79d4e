import type { FakeReply } from "../fake.ts";
import {
  type FakeOptions,
  type FakeRoute,
  fakeText,
  hintOf,
  json,
  type ProviderFake,
  pageOf,
  providerFake,
  type RouteContext,
  type WorldKey,
} from "../fake-world.ts";

export const fakeWorkspace = "workspace-fake";

/** A stateful stand-in for Mistral: its Admin API, `GET /v1/models` and the calls a consumer makes. */
export function mistralFake(options: FakeOptions = {}): ProviderFake {
  return providerFake(options, {
    adminKey: "FAKE-mistral-admin-key",
    credentialOf: ({ headers }) =>
      headers["x-api-key"] ?? (headers["authorization"] ?? "").replace(/^Bearer /, ""),
    refused: () => json(401, { detail: "Unauthorized" }),
    consumer: { path: "/v1/chat/completions", header: "authorization", scheme: "Bearer " },
    settingsAt: (origin) => ({ adminUrl: `${origin}/api/admin`, apiUrl: origin }),
    keyIdOf: (number, random) => fakeText("FAKE-", { number, random }),
    textOf: (number, random) => fakeText("FAKEmistral", { number, random, length: 17 }),
    routes,
  });
}

const keysPath = /^\/api\/admin\/api-keys$/;

const routes: readonly FakeRoute[] = [
  { ...{ operation: "list", method: "GET", as: "admin", path: keysPath }, answer: listKeys },
  { ...{ operation: "mint", method: "POST", as: "admin", path: keysPath }, answer: createKey },
  {
    ...{
      operation: "revoke",
      method: "DELETE",
      as: "admin",
      path: /^\/api\/admin\/api-keys\/(?<key>[^/]+)$/,
    },
    answer: ({ world, at }) => {
      const key = world.listedKey(at["key"] ?? "");
      if (key === undefined) return json(404, { detail: "Not found" });
      key.revokedAtMs = world.nowMs();
      return json(200, {});
    },
  },
  {
    ...{ operation: "models", method: "GET", as: "key", path: /^\/v1\/models$/ },
    answer: () => json(200, { object: "list", data: [] }),
  },
  {
    ...{ operation: "use", method: "POST", as: "key", path: /^\/v1\/chat\/completions$/ },
    answer: () => json(200, { id: "cmpl-FAKE", choices: [] }),
  },
];

function keyJson(key: WorldKey) {
  const lastMs = key.usesMs.at(-1);
  return {
    ...{ key_id: key.keyId, name: key.name, hidden_key: hintOf(key.text), workspace_id: fakeWorkspace },
    created_at: new Date(key.createdAtMs).toISOString(),
    expiration_date: key.expiresAtMs === undefined ? null : new Date(key.expiresAtMs).toISOString(),
    last_used: lastMs === undefined ? null : new Date(lastMs).toISOString(),
    ...key.more,
  };
}

function listKeys({ world, request }: RouteContext): FakeReply {
  const { query } = request;
  const size = Math.min(Number(query.get("limit") ?? 20), world.pageMax);
  const { page } = pageOf(world.listed(), { start: Number(query.get("offset") ?? 0), size });
  return json(200, { keys: page.map(keyJson) });
}

function createKey({ world, body }: RouteContext): FakeReply {
  const { name, workspace_uuid, user_id, expiration } = body;
  if (typeof workspace_uuid !== "string" || typeof user_id !== "string")
    return json(422, { detail: "missing" });
  const expiresAtMs = typeof expiration === "string" ? Date.parse(expiration) : undefined;
  const more = { workspace_id: workspace_uuid };
  const key = world.add({ name: String(name), more, ...(expiresAtMs !== undefined && { expiresAtMs }) });
  return json(200, { ...keyJson(key), key: key.text });
}
