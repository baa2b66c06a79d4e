import type { FakeReply, FakeRequest } from "../fake.ts";
import {
  type FakeOptions,
  type FakeRoute,
  fakeText,
  json,
  type ProviderFake,
  providerFake,
  type RouteContext,
  type WorldKey,
} from "../fake-world.ts";

const application = { tenant: "tenant-fake", client: "client-fake" };
const adminToken = "eyFAKE.graph.token";
const clientSecret = "FAKE~client-secret-0000";
const path = /^\/v1\.0\/applications\(appId='client-fake'\)/.source;

/** A stateful stand-in for one application of a directory: its client secrets, the token endpoint, and Graph. */
export function azureAppFake(options: FakeOptions = {}): ProviderFake {
  return providerFake(options, {
    ...{ adminKey: clientSecret, adminToken, routes },
    credentialOf: ({ headers, body }) => formOf(body)["client_secret"] ?? bearer(headers),
    refused: ({ request }) =>
      request.path.endsWith("/token")
        ? unknownSecret()
        : failure(401, "InvalidAuthenticationToken", "Access token is empty or invalid."),
    consumer: { path: "/consumer", header: "authorization", scheme: "Bearer " },
    settingsAt: (origin) => ({ ...application, graphUrl: origin, loginUrl: origin }),
    keyIdOf: (number, random) => fakeText("FAKE-", { number, random, length: 24 }),
    textOf: (number, random) =>
      `${String(number).padStart(3, "0")}8Q~${fakeText("FAKE", { number, random, length: 24 })}`,
  });
}

const routes: readonly FakeRoute[] = [
  {
    ...{ operation: "token", method: "POST", as: "nobody" },
    path: /^\/tenant-fake\/oauth2\/v2\.0\/token$/,
    answer: tokenFor,
  },
  { ...{ operation: "list", method: "GET", as: "admin", path: new RegExp(`${path}$`) }, answer: shown },
  {
    ...{ operation: "mint", method: "POST", as: "admin", path: new RegExp(`${path}/addPassword$`) },
    answer: add,
  },
  {
    ...{ operation: "revoke", method: "POST", as: "admin", path: new RegExp(`${path}/removePassword$`) },
    answer: remove,
  },
  {
    ...{ operation: "use", method: "POST", as: "key", path: /^\/consumer$/ },
    answer: () => json(200, { value: "FAKE" }),
  },
];

function bearer(headers: FakeRequest["headers"]): string {
  return (headers["authorization"] ?? "").replace(/^Bearer /, "");
}

/** The token endpoint takes a form. */
function formOf(body: unknown): Readonly<Record<string, string>> {
  if (typeof body === "string") return Object.fromEntries(new URLSearchParams(body));
  return typeof body === "object" && body !== null ? (body as Readonly<Record<string, string>>) : {};
}

function failure(status: number, code: string, message: string): FakeReply {
  return json(status, { error: { code, message } });
}

function unknownSecret(): FakeReply {
  const error_description = "AADSTS7000215: Invalid client secret provided.";
  return json(401, { error: "invalid_client", error_description, error_codes: [7_000_215] });
}

function tokenFor({ world, request }: RouteContext): FakeReply {
  const { client_id: client, client_secret: secret = "" } = formOf(request.body);
  if (client !== application.client)
    return json(400, { error: "unauthorized_client", error_codes: [700_016] });
  const key = [...world.keys.values()].find(({ text }) => text === secret);
  const isKnown = secret === clientSecret || (key !== undefined && world.isAccepted(key));
  if (!isKnown) return unknownSecret();
  return json(200, { access_token: adminToken, token_type: "Bearer", expires_in: 3_599 });
}

function secretJson(key: WorldKey) {
  return {
    ...{ keyId: key.keyId, displayName: key.name, hint: key.text.slice(0, 3), secretText: null },
    startDateTime: new Date(key.createdAtMs).toISOString(),
    ...(key.expiresAtMs !== undefined && { endDateTime: new Date(key.expiresAtMs).toISOString() }),
  };
}

function shown({ world }: RouteContext): FakeReply {
  return json(200, { passwordCredentials: world.listed().map(secretJson) });
}

function add({ world, body }: RouteContext): FakeReply {
  const { displayName, endDateTime } = (body["passwordCredential"] ?? {}) as Readonly<
    Record<string, unknown>
  >;
  if (typeof displayName !== "string") return failure(400, "Request_BadRequest", "displayName");
  if (world.listed().length >= world.keysMax)
    return failure(400, "Directory_QuotaExceeded", "the size of the object has exceeded its limit");
  const expiresAtMs = typeof endDateTime === "string" ? Date.parse(endDateTime) : undefined;
  const key = world.add({ name: displayName, ...(expiresAtMs !== undefined && { expiresAtMs }) });
  return json(200, { ...secretJson(key), secretText: key.text });
}

function remove({ world, body }: RouteContext): FakeReply {
  const key = world.listedKey(String(body["keyId"]));
  if (key === undefined)
    return failure(400, "Request_BadRequest", "No password credential found with keyId.");
  key.revokedAtMs = world.nowMs();
  return { status: 204, headers: {}, body: "" };
}
