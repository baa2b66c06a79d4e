import type { FakeReply, FakeRequest } from "../fake.ts";
import { errorReply } from "../fake-faults.ts";
import { type FakeKey, isPermitted } from "./fake-keys.ts";
import { UsageFamily } from "./settings.ts";

export interface FakeProject {
  readonly id: string;
  readonly serviceAccounts: readonly { readonly id: string; readonly name: string }[];
}

/** What the routes need from the stand-in: its state and its quirks. */
export interface FakeWorld {
  readonly keys: Map<string, FakeKey>;
  readonly adminKeys: Map<string, FakeKey>;
  readonly projects: Map<string, FakeProject>;
  readonly quirks: {
    readonly usageLagMs: number;
    readonly lastUsedLagMs: number;
    readonly keysMax: number;
    readonly pageMax: number;
    readonly refusesServiceAccountKeyDeletion: boolean;
  };
  nowMs(): number;
  addKey(key: {
    readonly name: string;
    readonly project: string;
    readonly owner: FakeKey["owner"];
    readonly scopes: readonly string[];
    readonly expiresAtMs: number | undefined;
  }): FakeKey;
  addAdminKey(key: { readonly name: string; readonly expiresAtMs?: number }): FakeKey;
}

export interface Context {
  readonly world: FakeWorld;
  readonly request: FakeRequest;
  /** The groups of the route's pattern. */
  readonly at: Readonly<Record<string, string | undefined>>;
}

interface Route<Answer> {
  readonly operation: string;
  readonly method: string;
  readonly path: RegExp;
  readonly answer: Answer;
}

export type AdminRoute = Route<(context: Context) => FakeReply>;
export type KeyRoute = Route<(context: Context, key: FakeKey) => FakeReply>;

const ok = (json: unknown): FakeReply => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(json),
});
const notFound = (): FakeReply => errorReply(404, { code: "not_found" });
const invalid = (message: string): FakeReply => errorReply(400, { code: "invalid_request_error", message });

/** What is there from the beginning: projects' accounts, people and models. */
const sinceS = 1_700_000_000;

const PROJECT = "^/v1/organization/projects/(?<project>[^/]+)";

export const adminRoutes: readonly AdminRoute[] = [
  { operation: "list", method: "GET", path: new RegExp(`${PROJECT}/api_keys$`), answer: listKeys },
  {
    operation: "find",
    method: "GET",
    path: new RegExp(`${PROJECT}/api_keys/(?<key>[^/]+)$`),
    answer: findKey,
  },
  {
    operation: "update",
    method: "POST",
    path: new RegExp(`${PROJECT}/api_keys/(?<key>[^/]+)$`),
    answer: updateKey,
  },
  {
    operation: "revoke",
    method: "DELETE",
    path: new RegExp(`${PROJECT}/api_keys/(?<key>[^/]+)$`),
    answer: deleteKey,
  },
  {
    operation: "mint",
    method: "POST",
    path: new RegExp(`${PROJECT}/service_accounts/(?<account>[^/]+)/api_keys$`),
    answer: mintKey,
  },
  {
    operation: "findAccount",
    method: "GET",
    path: new RegExp(`${PROJECT}/service_accounts/(?<account>[^/]+)$`),
    answer: findAccount,
  },
  {
    operation: "deleteAccount",
    method: "DELETE",
    path: new RegExp(`${PROJECT}/service_accounts/(?<account>[^/]+)$`),
    answer: deleteAccount,
  },
  {
    operation: "usage",
    method: "GET",
    path: /^\/v1\/organization\/usage\/(?<family>[a-z_]+)$/,
    answer: usage,
  },
];

export const keyRoutes: readonly KeyRoute[] = [
  { operation: "models", method: "GET", path: /^\/v1\/models$/, answer: models },
  {
    operation: "use",
    method: "POST",
    path: /^\/v1\/(?:chat\/completions|responses|embeddings)$/,
    answer: infer,
  },
];

function projectOf({ world, at }: Context): FakeProject | undefined {
  return world.projects.get(at["project"] ?? "");
}

/** Deleted keys leave the listing at once, even while they are still accepted. */
function listedKeys({ world, at }: Context): FakeKey[] {
  return [...world.keys.values()].filter(
    (key) => key.project === at["project"] && key.revokedAtMs === undefined,
  );
}

const listedKey = (context: Context): FakeKey | undefined =>
  listedKeys(context).find(({ keyId }) => keyId === context.at["key"]);

const unixSeconds = (ms: number): number => Math.floor(ms / 1000);

function ownerJson({ owner, project }: FakeKey, { world }: Context): unknown {
  const { id, type } = owner;
  const account = world.projects.get(project)?.serviceAccounts.find((each) => each.id === id);
  const email = type === "user" ? { email: `${id}@example.com` } : {};
  return { id, created_at: sinceS, name: account?.name ?? id, role: "member", ...email };
}

function keyJson(key: FakeKey, context: Context): unknown {
  const { world } = context;
  const lastUsedAtMs = key.uses.lastAt(world.nowMs() - world.quirks.lastUsedLagMs);
  return {
    object: "organization.project.api_key",
    id: key.keyId,
    name: key.name,
    redacted_value: `${key.text.slice(0, 8)}...${key.text.slice(-4)}`,
    created_at: unixSeconds(key.createdAtMs),
    last_used_at: lastUsedAtMs === undefined ? null : unixSeconds(lastUsedAtMs),
    ...(key.expiresAtMs === undefined ? {} : { expires_at: unixSeconds(key.expiresAtMs) }),
    owner_project_access: "active",
    owner: { type: key.owner.type, [key.owner.type]: ownerJson(key, context) },
  };
}

function listKeys(context: Context): FakeReply {
  const { query } = context.request;
  if (!projectOf(context)) return notFound();
  const limit = Math.min(Number(query.get("limit") ?? 20), 100, context.world.quirks.pageMax);
  const every = listedKeys(context);
  const after = query.get("after");
  const start = after === null ? 0 : every.findIndex(({ keyId }) => keyId === after) + 1;
  const page = every.slice(start, start + limit);
  return ok({
    object: "list",
    data: page.map((key) => keyJson(key, context)),
    first_id: page[0]?.keyId ?? null,
    last_id: page.at(-1)?.keyId ?? null,
    has_more: start + limit < every.length,
  });
}

function findKey(context: Context): FakeReply {
  const key = listedKey(context);
  return key ? ok(keyJson(key, context)) : notFound();
}

function mintKey(context: Context): FakeReply {
  const { world, at } = context;
  const asked = changeOf(context);
  const project = projectOf(context);
  const account = project?.serviceAccounts.find(({ id }) => id === at["account"]);
  if (!project || !account) return notFound();
  if (asked === undefined) return invalid("scopes or expiry");
  if (listedKeys(context).length >= world.quirks.keysMax)
    return errorReply(400, { code: "api_key_limit_reached" });

  const { name } = (context.request.body ?? {}) as { readonly name?: unknown };
  const key = world.addKey({
    name: typeof name === "string" ? name : "unnamed",
    project: project.id,
    owner: { type: "service_account", id: account.id },
    scopes: asked.scopes ?? [],
    expiresAtMs: asked.expiresAtMs,
  });
  return ok({
    object: "organization.project.service_account.api_key",
    id: key.keyId,
    name: key.name,
    created_at: unixSeconds(key.createdAtMs),
    value: key.text,
    ...(key.expiresAtMs === undefined ? {} : { expires_at: unixSeconds(key.expiresAtMs) }),
  });
}

interface Change {
  readonly scopes: readonly string[] | undefined;
  readonly expiresAtMs: number | undefined;
}

const EXPIRY_S_MAX = 31_536_000;

/** Undefined when the body breaks OpenAI's rules; both fields may be absent, neither may be null. */
function changeOf({ request, world }: Context): Change | undefined {
  const { scopes, expires_in_seconds: seconds } = (request.body ?? {}) as Readonly<Record<string, unknown>>;
  const areScopes = Array.isArray(scopes) && scopes.every((scope) => typeof scope === "string");
  if (scopes !== undefined && !areScopes) return undefined;
  const isExpiry = Number.isInteger(seconds) && Number(seconds) >= 1 && Number(seconds) <= EXPIRY_S_MAX;
  if (seconds !== undefined && !isExpiry) return undefined;
  return {
    scopes: areScopes ? scopes : undefined,
    expiresAtMs: isExpiry ? world.nowMs() + Number(seconds) * 1000 : undefined,
  };
}

function updateKey(context: Context): FakeReply {
  const key = listedKey(context);
  const change = changeOf(context);
  if (!key) return notFound();
  const isExpired = key.expiresAtMs !== undefined && key.expiresAtMs <= context.world.nowMs();
  const isEmpty = change?.scopes === undefined && change?.expiresAtMs === undefined;
  if (change === undefined || isEmpty || isExpired) return invalid("nothing to update");
  if (change.scopes) key.scopes = change.scopes;
  if (change.expiresAtMs !== undefined) key.expiresAtMs = change.expiresAtMs;
  return ok(keyJson(key, context));
}

function deleteKey(context: Context): FakeReply {
  const key = listedKey(context);
  if (!key) return notFound();
  if (context.world.quirks.refusesServiceAccountKeyDeletion && key.owner.type === "service_account") {
    return invalid("delete the service account instead");
  }
  key.revokedAtMs = context.world.nowMs();
  return ok({ object: "organization.project.api_key.deleted", id: key.keyId, deleted: true });
}

function findAccount(context: Context): FakeReply {
  const account = projectOf(context)?.serviceAccounts.find(({ id }) => id === context.at["account"]);
  if (!account) return notFound();
  const about = { created_at: sinceS, role: "member" };
  return ok({ object: "organization.project.service_account", ...account, ...about });
}

function deleteAccount(context: Context): FakeReply {
  const project = projectOf(context);
  const accountId = context.at["account"] ?? "";
  if (!project?.serviceAccounts.some(({ id }) => id === accountId)) return notFound();
  const serviceAccounts = project.serviceAccounts.filter(({ id }) => id !== accountId);
  context.world.projects.set(project.id, { ...project, serviceAccounts });
  for (const key of listedKeys(context)) {
    if (key.owner.id === accountId) key.revokedAtMs = context.world.nowMs();
  }
  return ok({ object: "organization.project.service_account.deleted", id: accountId, deleted: true });
}

const WIDTHS_S: Readonly<Record<string, readonly [seconds: number, max: number]>> = {
  "1m": [60, 1440],
  "1h": [3600, 168],
  "1d": [86_400, 31],
};

function usage({ world, request, at }: Context): FakeReply {
  const family = UsageFamily.safeParse(at["family"]);
  const { query } = request;
  const [widthS, max] = WIDTHS_S[query.get("bucket_width") ?? "1d"] ?? [0, 0];
  const startS = Number(query.get("page") ?? query.get("start_time"));
  const limit = Number(query.get("limit") ?? 7);
  if (!family.success || widthS === 0 || limit > max || !Number.isInteger(startS))
    return invalid("usage query");

  const asked = [...query.getAll("api_key_ids"), ...query.getAll("api_key_ids[]")];
  const keys = [...world.keys.values()].filter(({ keyId }) => asked.length === 0 || asked.includes(keyId));
  const nowS = unixSeconds(world.nowMs());
  const buckets = Math.min(limit, Math.max(0, Math.ceil((nowS + 1 - startS) / widthS)));
  const widthMs = widthS * 1000;
  const fromMs = startS * 1000;
  const toMs = Math.min(fromMs + buckets * widthMs, world.nowMs() - world.quirks.usageLagMs + 1);
  const counts = keys.map(({ keyId, uses }) => ({
    keyId,
    perBucket: uses.histogram({ fromMs, toMs, widthMs, family: family.data }),
  }));
  const data = Array.from({ length: buckets }, (_, nth) => ({
    object: "bucket",
    start_time: startS + nth * widthS,
    end_time: startS + (nth + 1) * widthS,
    results: counts.flatMap(({ keyId, perBucket }) => {
      const requests = perBucket.get(nth);
      return requests === undefined ? [] : [{ api_key_id: keyId, num_model_requests: requests }];
    }),
  }));
  const nextS = startS + buckets * widthS;
  const has_more = nextS <= nowS;
  return ok({ object: "page", data, has_more, next_page: has_more ? String(nextS) : null });
}

/** A live key without the scope, in the two forms that people reported: neither has a code. */
function missingScope(scope: string, { status }: { readonly status: 401 | 403 }): FakeReply {
  const message = `You have insufficient permissions for this operation. Missing scopes: ${scope}. Check that you have the correct role in your organization.`;
  if (status === 401) return errorReply(401, { message });
  return {
    status,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ error: message }),
  };
}

const model = { id: "gpt-fake", object: "model", created: sinceS, owned_by: "openai" };

function models({ world }: Context, key: FakeKey): FakeReply {
  key.uses.record(world.nowMs());
  if (!isPermitted(key, "read")) return missingScope("api.model.read", { status: 403 });
  return ok({ object: "list", data: [model] });
}

function infer({ world, request }: Context, key: FakeKey): FakeReply {
  const isPermittedTo = isPermitted(key, "request");
  const family = request.path.endsWith("/embeddings") ? "embeddings" : "completions";
  key.uses.record(world.nowMs(), isPermittedTo ? family : undefined);
  if (!isPermittedTo) return missingScope("model.request", { status: 401 });
  return ok({ id: "resp_FAKE", object: "chat.completion", choices: [] });
}
