import { createVerify, generateKeyPairSync } from "node:crypto";
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

export interface GoogleFakeOptions extends FakeOptions {
  /** How often an operation says that it has not ended. */
  readonly pollsNeeded?: number;
}

const accessToken = "ya29.FAKE-token";
const project = "projects/shop-fake/locations/global";
const keysPath = `/v2/${project}/keys`;
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** The pair is made anew in each process, and opens nothing. */
const privatePem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
const manager = "rekey@shop-fake.iam.gserviceaccount.com";

/** A stateful stand-in for Google: API Keys v2, its tokens, Cloud Monitoring's counts and Gemini. */
export function googleFake(options: GoogleFakeOptions = {}): ProviderFake {
  return providerFake(options, {
    adminKey: privatePem,
    adminToken: accessToken,
    credentialOf: ({ headers }) =>
      headers["x-goog-api-key"] ?? (headers["authorization"] ?? "").replace(/^Bearer /, ""),
    refused: ({ as }) =>
      as === "admin"
        ? failure(401, "UNAUTHENTICATED")
        : failure(400, "INVALID_ARGUMENT", {
            message: "API key not valid. Please pass a valid API key.",
            reason: "API_KEY_INVALID",
          }),
    consumer: {
      path: "/v1beta/models/gemini-2.5-flash:generateContent",
      header: "x-goog-api-key",
      scheme: "",
    },
    settingsAt: (origin) => ({
      manager,
      ...{ keysUrl: origin, geminiUrl: origin, tokenUrl: origin, monitoringUrl: origin },
    }),
    keyIdOf: (number, random) => fakeText("FAKE-", { number, random }).toLowerCase(),
    textOf: (number, random) => fakeText("AQ.FAKE-", { number, random, length: 40 }),
    routes: routesWith(options.pollsNeeded ?? 1),
  });
}

function failure(
  status: number,
  name: string,
  {
    message = "refused by the stand-in",
    reason,
  }: { readonly message?: string; readonly reason?: string } = {},
): FakeReply {
  const details =
    reason === undefined
      ? []
      : [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "googleapis.com" }];
  return json(status, { error: { code: status, message, status: name, details } });
}

function routesWith(pollsNeeded: number): readonly FakeRoute[] {
  const waiting = new Map<string, number>();
  let operations = 0;
  const operation = (): FakeReply => {
    operations += 1;
    const name = `operations/akmf.FAKE-${operations}`;
    waiting.set(name, pollsNeeded);
    return json(200, { name, done: pollsNeeded === 0 });
  };
  const poll = ({ at }: RouteContext): FakeReply => {
    const name = at["operation"] ?? "";
    const left = waiting.get(name);
    if (left === undefined) return failure(404, "NOT_FOUND");
    waiting.set(name, left - 1);
    return json(200, left <= 1 ? { name, done: true, response: {} } : { name });
  };
  const key = `${keysPath}/(?<key>[^/:]+)`;
  return [
    { ...{ operation: "token", method: "POST", as: "nobody", path: /^\/token$/ }, answer: giveToken },
    {
      ...{ operation: "list", method: "GET", as: "admin", path: new RegExp(`^${keysPath}$`) },
      answer: listKeys,
    },
    {
      ...{ operation: "mint", method: "POST", as: "admin", path: new RegExp(`^${keysPath}$`) },
      answer: (context) => createKey(context) ?? operation(),
    },
    {
      ...{ operation: "poll", method: "GET", as: "admin", path: /^\/v2\/(?<operation>operations\/.+)$/ },
      answer: poll,
    },
    {
      ...{ operation: "keyString", method: "GET", as: "admin", path: new RegExp(`^${key}/keyString$`) },
      answer: ({ world, at }) => {
        const found = world.listedKey(at["key"] ?? "");
        return found ? json(200, { keyString: found.text }) : failure(404, "NOT_FOUND");
      },
    },
    {
      ...{ operation: "find", method: "GET", as: "admin", path: new RegExp(`^${key}$`) },
      answer: ({ world, at }) => {
        const found = world.keys.get(at["key"] ?? "");
        return found ? json(200, keyJson(found)) : failure(404, "NOT_FOUND");
      },
    },
    {
      ...{ operation: "revoke", method: "DELETE", as: "admin", path: new RegExp(`^${key}$`) },
      answer: ({ world, at }) => {
        const found = world.listedKey(at["key"] ?? "");
        if (found === undefined) return failure(404, "NOT_FOUND");
        found.revokedAtMs = world.nowMs();
        return operation();
      },
    },
    ...otherRoutes,
  ];
}

const otherRoutes: readonly FakeRoute[] = [
  {
    ...{ operation: "lookup", method: "GET", as: "admin", path: /^\/v2\/keys:lookupKey$/ },
    answer: ({ world, request }) => {
      const found = world.listed().find(({ text }) => text === request.query.get("keyString"));
      return found ? json(200, { parent: project, name: keyJson(found).name }) : failure(404, "NOT_FOUND");
    },
  },
  {
    ...{ operation: "usage", method: "GET", as: "admin", path: /^\/v3\/projects\/[^/]+\/timeSeries$/ },
    answer: timeSeries,
  },
  {
    ...{
      operation: "countTokens",
      method: "POST",
      as: "key",
      path: /^\/v1beta\/models\/[^/:]+:countTokens$/,
    },
    answer: () => json(200, { totalTokens: 2 }),
  },
  {
    ...{ operation: "use", method: "POST", as: "key", path: /^\/v1beta\/models\/[^/:]+:generateContent$/ },
    answer: () => json(200, { candidates: [] }),
  },
];

/** Looks at the signature, as Google does; not at the times, which are the wall clock's. */
function giveToken({ body }: RouteContext): FakeReply {
  const [header = "", claims = "", signature = ""] = String(body["assertion"]).split(".");
  const { iss } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { readonly iss?: unknown };
  const isSigned = createVerify("RSA-SHA256")
    .update(`${header}.${claims}`)
    .verify(publicKey, signature, "base64url");
  return isSigned && iss === manager
    ? json(200, { access_token: accessToken, expires_in: 3599, token_type: "Bearer" })
    : json(400, { error: "invalid_grant" });
}

function keyJson(key: WorldKey) {
  return {
    name: `${project}/keys/${key.keyId}`,
    uid: `uid-${key.keyId}`,
    displayName: key.name,
    createTime: new Date(key.createdAtMs).toISOString(),
    ...(key.revokedAtMs === undefined ? {} : { deleteTime: new Date(key.revokedAtMs).toISOString() }),
    ...key.more,
  };
}

function listKeys({ world, request }: RouteContext): FakeReply {
  const { query } = request;
  const size = Math.min(Number(query.get("pageSize") ?? 50), 300, world.pageMax);
  const { page, nextStart } = pageOf(world.listed(), { start: Number(query.get("pageToken") ?? 0), size });
  const nextPageToken = nextStart === undefined ? {} : { nextPageToken: String(nextStart) };
  return json(200, { keys: page.map(keyJson), ...nextPageToken });
}

/** Undefined when the key was made. */
function createKey({ world, request, body }: RouteContext): FakeReply | undefined {
  const keyId = request.query.get("keyId") ?? "";
  if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(keyId)) return failure(400, "INVALID_ARGUMENT");
  if (world.keys.has(keyId)) return failure(409, "ALREADY_EXISTS");
  if (world.listed().length >= world.keysMax) return failure(429, "RESOURCE_EXHAUSTED");
  const { displayName, restrictions, serviceAccountEmail } = body;
  const bound = serviceAccountEmail === undefined ? {} : { serviceAccountEmail };
  world.add({ keyId, name: String(displayName), more: { restrictions, ...bound } });
  return undefined;
}

const minuteMs = 60_000;

/** One point a minute, for the uses of one key. */
function timeSeries({ world, request }: RouteContext): FakeReply {
  const { query } = request;
  const uid = /credential_id="apikey:uid-([^"]+)"/.exec(query.get("filter") ?? "")?.[1];
  const startMs = Date.parse(query.get("interval.startTime") ?? "");
  const endMs = Date.parse(query.get("interval.endTime") ?? "");
  const uses = (world.keys.get(uid ?? "")?.usesMs ?? []).filter((atMs) => atMs >= startMs && atMs <= endMs);
  const minutes = new Map<number, number>();
  for (const atMs of uses) {
    const minute = atMs - (atMs % minuteMs);
    minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
  }
  const points = [...minutes].map(([atMs, count]) => ({
    interval: { endTime: new Date(atMs + minuteMs).toISOString() },
    value: { int64Value: String(count) },
  }));
  const method = "google.ai.generativelanguage.v1beta.GenerativeService.GenerateContent";
  const series = { resource: { type: "consumed_api", labels: { method } }, points };
  return json(200, points.length === 0 ? {} : { timeSeries: [series] });
}
