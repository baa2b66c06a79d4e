import { Secret } from "../../core/secret.ts";
import { type FakeReply, type FakeRequest, fakeHttp, listenFake } from "../fake.ts";
import { errorReply, type Fault, type FaultPlan, faultsOf } from "../fake-faults.ts";
import type { Http } from "../http.ts";
import { adminKeyRoutes, adminKeyStore } from "./fake-admin-keys.ts";
import { type FakeKey, fakeName, isAccepted, keyUses, seededRandom } from "./fake-keys.ts";
import { type FakeProject, type FakeWorld, keyRoutes, adminRoutes as projectRoutes } from "./fake-routes.ts";

export interface OpenAiFakeOptions {
  /** Without it, the wall clock. */
  readonly now?: () => number;
  /** Without it, the same sequence every time: the same calls give the same ids. */
  readonly random?: () => number;
  readonly projects?: readonly FakeProject[];
  readonly adminKey?: string;
  /** Operations that a new admin key is not permitted to do. */
  readonly newAdminKeysMayNot?: readonly string[];
  /** How long a new key is not accepted yet. */
  readonly activateMs?: number;
  /** How long a deleted key is still accepted. */
  readonly dieMs?: number;
  readonly usageLagMs?: number;
  readonly lastUsedLagMs?: number;
  readonly latencyMs?: number;
  readonly keysMax?: number;
  readonly pageMax?: number;
  /** Organisations where only the whole service account can be deleted. */
  readonly refusesServiceAccountKeyDeletion?: boolean;
  readonly faults?: FaultPlan;
}

export interface FakeKeyState {
  readonly keyId: string;
  readonly name: string;
  readonly project: string;
  readonly owner: string;
  readonly scopes: readonly string[];
  readonly expiresAtMs?: number;
  /** In the provider's listing: not deleted. */
  readonly isListed: boolean;
  /** Accepted by the provider at this moment. */
  readonly isAccepted: boolean;
}

export interface OpenAiFake {
  /** Answers one request and nothing else: no time passes, no socket is used. */
  handle(request: FakeRequest): FakeReply;
  http(options?: { readonly pause?: (ms: number) => Promise<void> }): Http;
  /** `url` is what the policy's `baseUrl` takes. */
  listen(): Promise<{ readonly url: string; close(): Promise<void> }>;
  /** Each hits the next call that it fits, once. */
  inject(...faults: readonly Fault[]): void;
  addKey(key?: SeedKey): { readonly keyId: string; readonly secret: Secret };
  readonly adminKey: string;
  /** An admin key that has been there for long; `adminKey` itself is in no listing. */
  addAdminKey(name?: string): { readonly keyId: string; readonly secret: Secret };
  /** Every admin key that was ever made, in that order. */
  adminKeys(): readonly FakeKeyState[];
  /** Acts like OpenAI when its customer rotates the admin key: the former one is refused from now on. */
  replaceAdminKey(text: string): void;
  /** Every key that was ever made, in that order. */
  state(): readonly FakeKeyState[];
  /** The text of every key that was ever made, by its id. Tests search for these in all output. */
  texts(): ReadonlyMap<string, string>;
  counters(): FakeCounters;
}

export interface SeedKey {
  readonly keyId?: string;
  readonly secret?: string;
  readonly name?: string;
  readonly project?: string;
  /** A service account of the project, or else a person. */
  readonly owner?: string;
  readonly scopes?: readonly string[];
  readonly expiresAtMs?: number;
}

export interface FakeCounters {
  readonly calls: number;
  readonly byOperation: Readonly<Record<string, number>>;
  /** Calls that authenticated, or tried to, with a key the fake knows. */
  readonly byKey: Readonly<Record<string, { readonly accepted: number; readonly refused: number }>>;
}

const adminRoutes = [...projectRoutes, ...adminKeyRoutes];

const PROJECTS = [{ id: "proj_FAKE", serviceAccounts: [{ id: "svc_acct_FAKE", name: "rekey/fake" }] }];

/** A stateful stand-in for OpenAI: its Admin API, `GET /models` and the calls a consumer makes. */
export function openaiFake(options: OpenAiFakeOptions = {}): OpenAiFake {
  const { dieMs = 0, latencyMs = 0, faults: plan } = options;
  const world = fakeWorld(options);
  const faults = faultsOf(plan);
  const counts = fakeCounts();
  let adminKey = options.adminKey ?? "sk-admin-FAKE-0000000000000000";

  function handle(request: FakeRequest): FakeReply {
    const operation = operationOf(request);
    const nth = counts.call(operation);
    const reply = faults.strike({ operation, request, nth }, () => answer(request));
    const date = new Date(world.nowMs()).toUTCString();
    return { afterMs: latencyMs, ...reply, headers: { date, ...reply.headers } };
  }

  function answer(request: FakeRequest): FakeReply {
    const bearer = (request.headers["authorization"] ?? "").replace(/^Bearer /, "");
    const adminKeyOf = world.adminKeyOf(bearer);
    const isAdmin =
      bearer === adminKey ||
      (adminKeyOf !== undefined && isAccepted(adminKeyOf, { nowMs: world.nowMs(), dieMs }));
    if (isAdmin) adminKeyOf?.uses.record(world.nowMs());
    const key = world.keyOf(bearer);
    const isWorking = key !== undefined && isAccepted(key, { nowMs: world.nowMs(), dieMs });
    if (key) counts.use(key.keyId, isWorking);
    if (!isAdmin && !isWorking) {
      const message = `Incorrect API key provided: ${bearer.slice(0, 8)}***${bearer.slice(-4)}`;
      return errorReply(401, { code: "invalid_api_key", message });
    }
    for (const { operation, method, path, answer: reply } of adminRoutes) {
      const match = method === request.method ? path.exec(request.path) : null;
      const isDenied = adminKeyOf?.scopes.includes(`not ${operation}`) === true;
      if (match && (!isAdmin || isDenied)) return errorReply(403, { code: "insufficient_permissions" });
      if (match) return reply({ world, request, at: match.groups ?? {} });
    }
    const route = keyRoutes.find(({ method, path }) => method === request.method && path.test(request.path));
    if (!route) return errorReply(404, { code: "not_found" });
    if (!key) return errorReply(403, { code: "insufficient_permissions" });
    return route.answer({ world, request, at: {} }, key);
  }

  return {
    handle,
    http: (httpOptions) => fakeHttp(handle, httpOptions),
    async listen() {
      const { origin, close } = await listenFake(handle);
      return { url: `${origin}/v1`, close };
    },
    inject: faults.inject,
    addKey: world.seed,
    addAdminKey: (name = "made by hand") => {
      const key = world.seedAdminKey(name);
      return { keyId: key.keyId, secret: new Secret(key.text) };
    },
    adminKeys: () =>
      [...world.adminKeys.values()].map((key) => keyState(key, { nowMs: world.nowMs(), dieMs })),
    get adminKey() {
      return adminKey;
    },
    replaceAdminKey(text) {
      adminKey = text;
    },
    state: () => [...world.keys.values()].map((key) => keyState(key, { nowMs: world.nowMs(), dieMs })),
    texts: () =>
      new Map([...world.keys.values(), ...world.adminKeys.values()].map(({ keyId, text }) => [keyId, text])),
    counters: counts.snapshot,
  };
}

function fakeWorld(options: OpenAiFakeOptions) {
  const { now = Date.now, random = seededRandom(1), activateMs = 0 } = options;
  const projects = new Map((options.projects ?? PROJECTS).map((project) => [project.id, project]));
  const keys = new Map<string, FakeKey>();
  const byText = new Map<string, FakeKey>();
  const admins = adminKeyStore(options, { now, random, activateMs });

  function keep(
    key: Pick<FakeKey, "name" | "project" | "owner" | "scopes" | "expiresAtMs"> & Partial<FakeKey>,
  ): FakeKey {
    const count = keys.size + 1;
    const kept: FakeKey = {
      keyId: fakeName("key_FAKE", { count, random }),
      text: fakeName("sk-svcacct-FAKE-", { count, random }),
      createdAtMs: now(),
      activeAtMs: now() + activateMs,
      revokedAtMs: undefined,
      uses: keyUses(),
      ...key,
    };
    if (keys.has(kept.keyId) || byText.has(kept.text)) throw new Error("the stand-in has this key already");
    keys.set(kept.keyId, kept);
    byText.set(kept.text, kept);
    return kept;
  }

  const world: FakeWorld = {
    keys,
    adminKeys: admins.keys,
    addAdminKey: admins.make,
    projects,
    quirks: {
      usageLagMs: options.usageLagMs ?? 0,
      lastUsedLagMs: options.lastUsedLagMs ?? 0,
      keysMax: options.keysMax ?? Number.POSITIVE_INFINITY,
      pageMax: options.pageMax ?? Number.POSITIVE_INFINITY,
      refusesServiceAccountKeyDeletion: options.refusesServiceAccountKeyDeletion ?? false,
    },
    nowMs: now,
    addKey: keep,
  };

  /** A seeded key has been there for long: it is active at once. */
  function seed(key: SeedKey = {}): { keyId: string; secret: Secret } {
    const project = projects.get(key.project ?? "") ?? [...projects.values()][0];
    const owner = key.owner ?? project?.serviceAccounts[0]?.id ?? "user-FAKE";
    const isAccount = project?.serviceAccounts.some(({ id }) => id === owner);
    const { keyId, text } = keep({
      name: key.name ?? "seeded",
      project: project?.id ?? "proj_FAKE",
      owner: { type: isAccount ? "service_account" : "user", id: owner },
      scopes: key.scopes ?? [],
      expiresAtMs: key.expiresAtMs,
      activeAtMs: now(),
      ...(key.keyId === undefined ? {} : { keyId: key.keyId }),
      ...(key.secret === undefined ? {} : { text: key.secret }),
    });
    return { keyId, secret: new Secret(text) };
  }

  return {
    ...{ ...world, seed, keyOf: (text: string) => byText.get(text) },
    ...{ seedAdminKey: admins.seed, adminKeyOf: admins.keyOf },
  };
}

function operationOf({ method, path }: FakeRequest): string {
  const route = [...adminRoutes, ...keyRoutes].find((each) => each.method === method && each.path.test(path));
  return route?.operation ?? "unknown";
}

function keyState(key: FakeKey, at: { readonly nowMs: number; readonly dieMs: number }): FakeKeyState {
  const { keyId, name, project, owner, scopes, expiresAtMs } = key;
  const state = { keyId, name, project, owner: owner.id, scopes };
  const works = { isListed: key.revokedAtMs === undefined, isAccepted: isAccepted(key, at) };
  return expiresAtMs === undefined ? { ...state, ...works } : { ...state, expiresAtMs, ...works };
}

function fakeCounts() {
  let calls = 0;
  const operations = new Map<string, number>();
  const keys = new Map<string, { accepted: number; refused: number }>();
  return {
    call(operation: string): number {
      operations.set(operation, (operations.get(operation) ?? 0) + 1);
      calls += 1;
      return calls;
    },
    use(keyId: string, isWorking: boolean): void {
      const count = keys.get(keyId) ?? { accepted: 0, refused: 0 };
      count[isWorking ? "accepted" : "refused"] += 1;
      keys.set(keyId, count);
    },
    snapshot: (): FakeCounters => ({
      calls,
      byOperation: Object.fromEntries(operations),
      byKey: Object.fromEntries([...keys].map(([keyId, count]) => [keyId, { ...count }])),
    }),
  };
}
