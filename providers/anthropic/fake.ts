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
  type World,
  type WorldKey,
} from "../fake-world.ts";

const organizations = "^/v1/organizations";
const widthMs: Readonly<Record<string, number>> = { "1m": 60_000, "1h": 3_600_000, "1d": 86_400_000 };

/** A stateful stand-in for Anthropic: its Admin API, `GET /v1/models` and the calls a consumer makes. */
export function anthropicFake(options: FakeOptions = {}): ProviderFake {
  return providerFake(options, {
    adminKey: "sk-ant-admin01-FAKE-0000000000000000",
    credentialOf: ({ headers }) => headers["x-api-key"] ?? "",
    refused: () => failure(401, "authentication_error", "invalid x-api-key"),
    consumer: { path: "/v1/messages", header: "x-api-key", scheme: "" },
    settingsAt: (origin) => ({ baseUrl: origin }),
    keyIdOf: (number, random) => fakeText("apikey_FAKE", { number, random }),
    textOf: (number, random) => fakeText("sk-ant-api03-FAKE-", { number, random, length: 84 }),
    routes,
  });
}

function failure(status: number, type: string, message: string): FakeReply {
  return json(status, { type: "error", error: { type, message } });
}

const notFound = () => failure(404, "not_found_error", "API key not found");

const routes: readonly FakeRoute[] = [
  {
    ...{ operation: "list", method: "GET", as: "admin" },
    path: new RegExp(`${organizations}/api_keys$`),
    answer: listKeys,
  },
  {
    ...{ operation: "find", method: "GET", as: "admin" },
    path: new RegExp(`${organizations}/api_keys/(?<key>[^/]+)$`),
    answer: ({ world, at }) => {
      const key = world.keys.get(at["key"] ?? "");
      return key === undefined ? notFound() : json(200, keyJson(key, world));
    },
  },
  {
    ...{ operation: "update", method: "POST", as: "admin" },
    path: new RegExp(`${organizations}/api_keys/(?<key>[^/]+)$`),
    answer: updateKey,
  },
  {
    ...{ operation: "usage", method: "GET", as: "admin" },
    path: new RegExp(`${organizations}/usage_report/messages$`),
    answer: usageReport,
  },
  {
    ...{ operation: "models", method: "GET", as: "key", path: /^\/v1\/models$/ },
    answer: () => json(200, { data: [{ type: "model", id: "claude-fake" }], has_more: false }),
  },
  {
    ...{ operation: "use", method: "POST", as: "key", path: /^\/v1\/messages$/ },
    answer: () => json(200, { id: "msg_FAKE", type: "message", role: "assistant", content: [] }),
  },
];

function statusOf(key: WorldKey, world: World): string {
  if (key.revokedAtMs !== undefined) return "archived";
  if (key.expiresAtMs !== undefined && world.nowMs() >= key.expiresAtMs) return "expired";
  return key.disabledAtMs === undefined ? "active" : "inactive";
}

function keyJson(key: WorldKey, world: World) {
  return {
    type: "api_key",
    id: key.keyId,
    name: key.name,
    status: statusOf(key, world),
    partial_key_hint: `${key.text.slice(0, 16)}...${key.text.slice(-4)}`,
    created_at: new Date(key.createdAtMs).toISOString(),
    created_by: { id: "user_FAKE", type: "user" },
    expires_at: key.expiresAtMs === undefined ? null : new Date(key.expiresAtMs).toISOString(),
    workspace_id: key.more["workspace"] ?? null,
  };
}

/** Archived keys stay in the list, as Anthropic keeps them. */
function listKeys({ world, request }: RouteContext): FakeReply {
  const { query } = request;
  const workspace = query.get("workspace_id");
  const every = [...world.keys.values()].filter(
    (key) => workspace === null || key.more["workspace"] === workspace,
  );
  const size = Math.min(Number(query.get("limit") ?? 20), 1000, world.pageMax);
  const start = every.findIndex(({ keyId }) => keyId === query.get("after_id")) + 1;
  const { page, nextStart } = pageOf(every, { start, size });
  return json(200, {
    data: page.map((key) => keyJson(key, world)),
    first_id: page[0]?.keyId ?? null,
    last_id: page.at(-1)?.keyId ?? null,
    has_more: nextStart !== undefined,
  });
}

function updateKey({ world, at, body }: RouteContext): FakeReply {
  const key = world.keys.get(at["key"] ?? "");
  if (key === undefined) return notFound();
  if (!world.listed().includes(key)) {
    return failure(400, "invalid_request_error", "archived and expired keys cannot be updated");
  }
  switch (body["status"]) {
    case "active":
      key.disabledAtMs = undefined;
      break;
    case "inactive":
      key.disabledAtMs ??= world.nowMs();
      break;
    case "archived":
      key.revokedAtMs = world.nowMs();
      break;
    default:
      return failure(400, "invalid_request_error", "status: invalid");
  }
  return json(200, keyJson(key, world));
}

/** Tokens per bucket and key, as Anthropic reports them: not one number says how many requests there were. */
function usageReport({ world, request }: RouteContext): FakeReply {
  const { query } = request;
  const width = widthMs[query.get("bucket_width") ?? "1d"] ?? 0;
  const fromMs = Number(query.get("page") ?? Date.parse(query.get("starting_at") ?? ""));
  const limit = Number(query.get("limit") ?? 7);
  if (width === 0 || !Number.isFinite(fromMs)) return failure(400, "invalid_request_error", "usage query");
  const asked = query.getAll("api_key_ids[]");
  const keys = [...world.keys.values()].filter(({ keyId }) => asked.length === 0 || asked.includes(keyId));
  const count = Math.min(limit, Math.max(0, Math.ceil((world.nowMs() + 1 - fromMs) / width)));
  const data = Array.from({ length: count }, (_, nth) =>
    bucket(keys, { fromMs: fromMs + nth * width, width }),
  );
  const next = fromMs + count * width;
  const has_more = next <= world.nowMs();
  return json(200, { data, has_more, next_page: has_more ? String(next) : null });
}

function bucket(
  keys: readonly WorldKey[],
  { fromMs, width }: { readonly fromMs: number; readonly width: number },
) {
  const results = keys.flatMap(({ keyId, usesMs }) => {
    const uses = usesMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + width).length;
    if (uses === 0) return [];
    const cache_creation = { ephemeral_1h_input_tokens: 0, ephemeral_5m_input_tokens: 0 };
    const counts = { uncached_input_tokens: 11 * uses, cache_read_input_tokens: 0, output_tokens: 7 * uses };
    return [{ api_key_id: keyId, workspace_id: null, model: null, ...counts, cache_creation }];
  });
  const [starting_at, ending_at] = [fromMs, fromMs + width].map((ms) => new Date(ms).toISOString());
  return { starting_at, ending_at, results };
}
