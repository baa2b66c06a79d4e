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
  type World,
  type WorldKey,
} from "../fake-world.ts";

/** A stateful stand-in for xAI: its management API, `GET /v1/api-key` and the calls a consumer makes. */
export function xaiFake(options: FakeOptions = {}): ProviderFake {
  return providerFake(options, {
    adminKey: "xai-FAKE-management-key",
    credentialOf: ({ headers }) => (headers["authorization"] ?? "").replace(/^Bearer /, ""),
    refused: ({ as }) =>
      as === "admin"
        ? json(401, { code: 16, message: "unauthenticated" })
        : failure(
            400,
            "Client specified an invalid argument",
            "Incorrect API key provided: xa***. Get one at console.x.ai.",
          ),
    consumer: { path: "/v1/chat/completions", header: "authorization", scheme: "Bearer " },
    settingsAt: (origin) => ({ managementUrl: origin, apiUrl: origin }),
    keyIdOf: (number, random) => fakeText("FAKE-", { number, random }),
    textOf: (number, random) => fakeText("xai-FAKE", { number, random, length: 72 }),
    routes,
  });
}

function failure(status: number, code: string, error: string): FakeReply {
  return json(status, { code, error });
}

const keysPath = /^\/auth\/teams\/[^/]+\/api-keys$/;
const keyPath = /^\/auth\/api-keys\/(?<key>[^/]+)$/;
const notFound = () => json(404, { code: 5, message: "not found" });

const routes: readonly FakeRoute[] = [
  { ...{ operation: "list", method: "GET", as: "admin", path: keysPath }, answer: listKeys },
  { ...{ operation: "mint", method: "POST", as: "admin", path: keysPath }, answer: createKey },
  { ...{ operation: "update", method: "PUT", as: "admin", path: keyPath }, answer: updateKey },
  {
    ...{ operation: "revoke", method: "DELETE", as: "admin", path: keyPath },
    answer: ({ world, at }) => {
      const key = world.listedKey(at["key"] ?? "");
      if (key === undefined) return notFound();
      key.revokedAtMs = world.nowMs();
      return json(200, {});
    },
  },
  {
    ...{ operation: "propagation", method: "GET", as: "admin" },
    path: /^\/auth\/api-keys\/(?<key>[^/]+)\/propagation$/,
    answer: ({ world, at }) => {
      const key = world.listedKey(at["key"] ?? "");
      if (key === undefined) return notFound();
      return json(200, {
        icPropagation: { "us-east-1": true, "us-west-2": world.nowMs() >= key.activeAtMs },
      });
    },
  },
  {
    ...{ operation: "key", method: "GET", as: "nobody", path: /^\/v1\/api-key$/ },
    answer: describeKey,
  },
  {
    ...{ operation: "use", method: "POST", as: "key", path: /^\/v1\/chat\/completions$/ },
    answer: (_, key) =>
      aclsOf(key).length === 0
        ? failure(403, "The caller does not have permission", "This key has no access")
        : json(200, { id: "FAKE", choices: [] }),
  },
];

function aclsOf(key: WorldKey | undefined): readonly unknown[] {
  const acls = key?.more["aclStrings"];
  return Array.isArray(acls) ? acls : ["api-key:model:*", "api-key:endpoint:*"];
}

/** Answers 200 to a disabled key as well: only its flags tell. */
function describeKey({ world, request }: RouteContext): FakeReply {
  const text = (request.headers["authorization"] ?? "").replace(/^Bearer /, "");
  const key = [...world.keys.values()].find((each) => each.text === text);
  const isDisabled = key?.disabledAtMs !== undefined && world.listed().includes(key);
  if (key === undefined || (!isDisabled && !world.isAccepted(key))) {
    return failure(400, "Client specified an invalid argument", "Incorrect API key provided: xa***.");
  }
  const flags = { api_key_disabled: isDisabled, api_key_blocked: false, team_blocked: false };
  return json(200, { name: key.name, acls: aclsOf(key), team_id: "team-fake", ...flags });
}

function keyJson(key: WorldKey) {
  return {
    apiKeyId: key.keyId,
    redactedApiKey: hintOf(key.text),
    name: key.name,
    createTime: new Date(key.createdAtMs).toISOString(),
    disabled: String(key.disabledAtMs !== undefined),
    ...{ qps: null, qpm: null, tpm: null, aclStrings: aclsOf(key) },
    ...key.more,
  };
}

function listKeys({ world, request }: RouteContext): FakeReply {
  const { query } = request;
  const size = Math.min(Number(query.get("pageSize") ?? 20), world.pageMax);
  const { page, nextStart } = pageOf(world.listed(), {
    start: Number(query.get("paginationToken") ?? 0),
    size,
  });
  const token = nextStart === undefined ? {} : { paginationToken: String(nextStart) };
  return json(200, { apiKeys: page.map(keyJson), ...token });
}

function createKey({ world, body }: RouteContext): FakeReply {
  const { name, acls, qps, qpm, tpm } = body;
  if (typeof name !== "string") return json(400, { code: 3, message: "name" });
  const rates = Object.fromEntries(
    Object.entries({ qps, qpm, tpm }).filter(([, value]) => value !== undefined),
  );
  const key = world.add({ name, more: { aclStrings: Array.isArray(acls) ? acls : [], ...rates } });
  return json(200, { ...keyJson(key), apiKey: key.text });
}

function updateKey({ world, at, body }: RouteContext): FakeReply {
  const key = world.listedKey(at["key"] ?? "");
  if (key === undefined) return notFound();
  if (body["fieldMask"] !== "disabled") return json(400, { code: 3, message: "fieldMask" });
  switchKey(key, { isOff: (body["apiKey"] as { readonly disabled?: unknown }).disabled === true, world });
  return json(200, keyJson(key));
}

function switchKey(
  key: WorldKey,
  { isOff, world }: { readonly isOff: boolean; readonly world: World },
): void {
  key.disabledAtMs = isOff ? (key.disabledAtMs ?? world.nowMs()) : undefined;
}
