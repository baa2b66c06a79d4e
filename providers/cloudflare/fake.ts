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

/** The one access policy of a token that was made by hand. */
export const usualPolicy = {
  id: "policy-FAKE",
  effect: "allow",
  permission_groups: [{ id: "c8fed203ed3043cba015a93ad1616f1f", name: "Zone Read" }],
  resources: { "com.cloudflare.api.account.zone.*": "*" },
};

/** The access policy of a token that may make others. */
export const adminPolicy = {
  id: "policy-FAKE-admin",
  effect: "allow",
  permission_groups: [{ id: "5bc3f8b21c554832afc660159ab75fa4", name: "Account API Tokens Write" }],
  resources: { "com.cloudflare.api.account.account-FAKE": "*" },
};

/** A stateful stand-in for Cloudflare: the tokens of one account, and the calls a consumer makes. */
export function cloudflareFake(options: FakeOptions = {}): ProviderFake {
  return providerFake(options, {
    adminKey: "cfat_FAKE-admin",
    credentialOf: bearer,
    mayAdminister: ({ more }) => JSON.stringify(more["policies"] ?? []).includes("API Tokens Write"),
    refused: () => failure(401, 1000, "Invalid API Token"),
    consumer: { path: `${accountPath}/ai/run/model`, header: "authorization", scheme: "Bearer " },
    settingsAt: (origin) => ({ baseUrl: `${origin}/client/v4` }),
    keyIdOf: (number, random) => fakeText("FAKE", { number, random, length: 24 }),
    textOf: (number, random) => fakeText("cfat_FAKE", { number, random, length: 40 }),
    routes,
  });
}

const accountPath = "/client/v4/accounts/account-FAKE";
const tokensPath = new RegExp(`^${accountPath}/tokens$`);
const tokenPath = new RegExp(`^${accountPath}/tokens/(?<key>[^/]+)$`);

const routes: readonly FakeRoute[] = [
  {
    ...{
      operation: "verify",
      method: "GET",
      as: "nobody",
      path: new RegExp(`^${accountPath}/tokens/verify$`),
    },
    answer: verifyToken,
  },
  { ...{ operation: "list", method: "GET", as: "admin", path: tokensPath }, answer: listTokens },
  { ...{ operation: "mint", method: "POST", as: "admin", path: tokensPath }, answer: createToken },
  { ...{ operation: "read", method: "GET", as: "admin", path: tokenPath }, answer: withToken(tokenJson) },
  { ...{ operation: "update", method: "PUT", as: "admin", path: tokenPath }, answer: updateToken },
  {
    ...{ operation: "revoke", method: "DELETE", as: "admin", path: tokenPath },
    answer: withToken((key, { world }) => {
      key.revokedAtMs = world.nowMs();
      return { id: key.keyId };
    }),
  },
  {
    ...{ operation: "use", method: "POST", as: "key", path: new RegExp(`^${accountPath}/ai/run/model$`) },
    answer: () => success({ response: "FAKE" }),
  },
];

function bearer({ headers }: { readonly headers: Readonly<Record<string, string>> }): string {
  return (headers["authorization"] ?? "").replace(/^Bearer /, "");
}

function success(result: unknown, more: object = {}): FakeReply {
  return json(200, { success: true, errors: [], messages: [], result, ...more });
}

function failure(status: number, code: number, message: string): FakeReply {
  return json(status, { success: false, errors: [{ code, message }], messages: [], result: null });
}

function withToken(answer: (key: WorldKey, context: RouteContext) => unknown): FakeRoute["answer"] {
  return (context) => {
    const key = context.world.listedKey(context.at["key"] ?? "");
    return key === undefined ? failure(404, 1003, "Token not found") : success(answer(key, context));
  };
}

/** Says a disabled or expired token's status instead of refusing it. */
function verifyToken({ world, request }: RouteContext): FakeReply {
  const key = [...world.keys.values()].find(({ text }) => text === bearer(request));
  if (key !== undefined && world.isAccepted(key)) return success({ id: key.keyId, status: "active" });
  const isOff = key?.revokedAtMs === undefined && key?.disabledAtMs !== undefined;
  return isOff ? success({ id: key.keyId, status: "disabled" }) : failure(401, 1000, "Invalid API Token");
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d{3}Z$/, "Z");
}

function tokenJson(key: WorldKey) {
  const lastUsedAtMs = key.usesMs.at(-1);
  return {
    ...{ id: key.keyId, name: key.name },
    status: key.disabledAtMs === undefined ? "active" : "disabled",
    ...{ issued_on: timeText(key.createdAtMs), policies: [usualPolicy] },
    ...(lastUsedAtMs !== undefined && { last_used_on: timeText(lastUsedAtMs) }),
    ...(key.expiresAtMs !== undefined && { expires_on: timeText(key.expiresAtMs) }),
    ...key.more,
  };
}

function listTokens({ world, request: { query } }: RouteContext): FakeReply {
  const keys = world.listed();
  const size = Math.min(Number(query.get("per_page") ?? 20), world.pageMax);
  const pageNumber = Number(query.get("page") ?? 1);
  const { page } = pageOf(keys, { start: (pageNumber - 1) * size, size });
  const info = { page: pageNumber, per_page: size, count: page.length, total_count: keys.length };
  return success(page.map(tokenJson), { result_info: info });
}

function createToken({ world, body }: RouteContext): FakeReply {
  const { name, policies, condition, expires_on } = body;
  if (typeof name !== "string" || !Array.isArray(policies) || policies.length === 0) {
    return failure(400, 1001, "policies: required");
  }
  const more = { policies, ...(condition !== undefined && { condition }) };
  const expiresAtMs = typeof expires_on === "string" ? Date.parse(expires_on) : undefined;
  const key = world.add({ name, more, ...(expiresAtMs !== undefined && { expiresAtMs }) });
  return success({ ...tokenJson(key), value: key.text });
}

/** Replaces the whole token: what the request leaves out is lost. */
function updateToken(context: RouteContext): FakeReply {
  const { body, world } = context;
  const { name, policies, condition, not_before, expires_on, status } = body;
  if (typeof name !== "string" || !Array.isArray(policies)) return failure(400, 1001, "policies: required");
  return withToken((key) => {
    key.name = name;
    key.more = Object.fromEntries(
      Object.entries({ policies, condition, not_before }).filter(([, value]) => value !== undefined),
    );
    key.expiresAtMs = typeof expires_on === "string" ? Date.parse(expires_on) : undefined;
    key.disabledAtMs = status === "disabled" ? (key.disabledAtMs ?? world.nowMs()) : undefined;
    return tokenJson(key);
  })(context, undefined);
}
