import { Secret } from "../core/secret.ts";
import { type FakeReply, type FakeRequest, fakeHttp, listenFake } from "./fake.ts";
import { type Fault, type FaultPlan, faultsOf } from "./fake-faults.ts";
import type { Http } from "./http.ts";

/** What every stand-in can be told; each has a default of its own. */
export interface FakeOptions {
  /** Without it, the wall clock. */
  readonly now?: () => number;
  /** Without it, the same sequence every time: the same calls give the same ids. */
  readonly random?: () => number;
  /** How long a new key is refused. */
  readonly activateMs?: number;
  /** How long a deleted or disabled key is still accepted. */
  readonly dieMs?: number;
  /** How many keys a page of a listing has. */
  readonly pageMax?: number;
  readonly latencyMs?: number;
  readonly keysMax?: number;
  readonly faults?: FaultPlan;
}

export interface WorldKey {
  readonly keyId: string;
  readonly text: string;
  name: string;
  readonly createdAtMs: number;
  activeAtMs: number;
  disabledAtMs: number | undefined;
  expiresAtMs: number | undefined;
  revokedAtMs: number | undefined;
  /** When it was used for what a consumer pays for. */
  readonly usesMs: number[];
  /** What only this provider keeps about a key. */
  more: Record<string, unknown>;
}

export type SeedOptions = Partial<Pick<WorldKey, "keyId" | "text" | "name" | "expiresAtMs" | "more">>;

/** How a consumer of this provider makes its call, as data: it is handed to other processes. */
export interface ConsumerCall {
  readonly path: string;
  readonly header: string;
  /** Before the key in the header, such as "Bearer ". */
  readonly scheme: string;
}

export interface FakeKeyState {
  readonly keyId: string;
  readonly name: string;
  readonly isListed: boolean;
  readonly isAccepted: boolean;
}

export interface ProviderFake {
  /** Answers one request and nothing else: no time passes, no socket is used. */
  handle(request: FakeRequest): FakeReply;
  http(options?: { readonly pause?: (ms: number) => Promise<void> }): Http;
  listen(): Promise<{ readonly origin: string; close(): Promise<void> }>;
  /** The policy's settings that make the adapter talk to the stand-in at this origin. */
  settingsAt(origin: string): Readonly<Record<string, unknown>>;
  readonly consumer: ConsumerCall;
  inject(...faults: readonly Fault[]): void;
  /** A key that has been there for long: it is active at once. */
  addKey(key?: SeedOptions): { readonly keyId: string; readonly secret: Secret };
  disable(keyId: string): void;
  readonly adminKey: string;
  /** Every key there ever was, in the order of its making. */
  state(): readonly FakeKeyState[];
  texts(): ReadonlyMap<string, string>;
  counters(): FakeCounters;
}

export interface FakeCounters {
  readonly calls: number;
  readonly byOperation: Readonly<Record<string, number>>;
  /** Calls that authenticated, or tried to, with a key the fake knows. */
  readonly byKey: Readonly<Record<string, { readonly accepted: number; readonly refused: number }>>;
}

export interface RouteContext {
  readonly world: World;
  readonly request: FakeRequest;
  /** The groups of the route's pattern. */
  readonly at: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface FakeRoute {
  readonly operation: string;
  readonly method: string;
  readonly path: RegExp;
  /** Whose credential the route wants. `nobody`: the route looks at the request itself. */
  readonly as: "admin" | "key" | "nobody";
  /** For APIs whose operations share one path. */
  isFor?(request: FakeRequest): boolean;
  answer(context: RouteContext, key: WorldKey | undefined): FakeReply;
}

/** What is particular to one provider. */
export interface FakeDialect {
  readonly adminKey: string;
  /** What authorises the admin routes; without it, `adminKey` itself. */
  readonly adminToken?: string;
  credentialOf(request: FakeRequest): string;
  /** Keys that may administer others themselves: with one of them Rekey's own credential is one of these keys. */
  mayAdminister?(key: WorldKey): boolean;
  /** The answer to a credential that is not known, or not any more. */
  refused(context: { readonly as: "admin" | "key"; readonly request: FakeRequest }): FakeReply;
  readonly routes: readonly FakeRoute[];
  readonly consumer: ConsumerCall;
  settingsAt(origin: string): Readonly<Record<string, unknown>>;
  keyIdOf(number: number, random: () => number): string;
  textOf(number: number, random: () => number): string;
  /** Keys that are there from the start. */
  begin?(world: World): void;
}

export interface World {
  readonly keys: Map<string, WorldKey>;
  readonly pageMax: number;
  readonly keysMax: number;
  nowMs(): number;
  add(key: SeedOptions): WorldKey;
  /** Not revoked and not expired. */
  listed(): readonly WorldKey[];
  listedKey(keyId: string): WorldKey | undefined;
  isAccepted(key: WorldKey): boolean;
}

export function json(status: number, body: unknown): FakeReply {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

export function providerFake(options: FakeOptions, dialect: FakeDialect): ProviderFake {
  const { latencyMs = 0, faults: plan } = options;
  const faults = faultsOf(plan);
  const counts = fakeCounts();
  const world = worldOf(options, dialect);
  dialect.begin?.(world);
  const adminToken = dialect.adminToken ?? dialect.adminKey;

  function handle(request: FakeRequest): FakeReply {
    const route = dialect.routes.find(
      ({ method, path, isFor }) =>
        method === request.method && path.test(request.path) && (isFor?.(request) ?? true),
    );
    const operation = route?.operation ?? "unknown";
    const nth = counts.call(operation);
    const reply = faults.strike({ operation, request, nth }, () => answer(request, route));
    const date = new Date(world.nowMs()).toUTCString();
    return { afterMs: latencyMs, ...reply, headers: { date, ...reply.headers } };
  }

  function answer(request: FakeRequest, route: FakeRoute | undefined): FakeReply {
    if (route === undefined) return json(404, { error: { message: "no such route" } });
    const credential = dialect.credentialOf(request);
    const key = [...world.keys.values()].find(({ text }) => text === credential);
    const isWorking = key !== undefined && world.isAccepted(key);
    if (key !== undefined) counts.use(key.keyId, isWorking);
    const isAdmin = credential === adminToken || (isWorking && dialect.mayAdminister?.(key) === true);
    if (route.as === "admin" && !isAdmin) return dialect.refused({ as: "admin", request });
    if (route.as === "key" && !isWorking) return dialect.refused({ as: "key", request });
    const at = route.path.exec(request.path)?.groups ?? {};
    const body = (typeof request.body === "object" && request.body !== null ? request.body : {}) as Readonly<
      Record<string, unknown>
    >;
    if (route.operation === "use" && key !== undefined) key.usesMs.push(world.nowMs());
    return route.answer({ world, request, at, body }, key);
  }

  return {
    handle,
    http: (httpOptions) => fakeHttp(handle, httpOptions),
    listen: () => listenFake(handle),
    settingsAt: dialect.settingsAt,
    consumer: dialect.consumer,
    inject: faults.inject,
    addKey(key = {}) {
      const added = world.add({ name: "made by hand", ...key });
      added.activeAtMs = world.nowMs();
      return { keyId: added.keyId, secret: new Secret(added.text) };
    },
    disable(keyId) {
      const key = world.keys.get(keyId);
      if (key !== undefined) key.disabledAtMs = world.nowMs();
    },
    adminKey: dialect.adminKey,
    state: () =>
      [...world.keys.values()].map((key) => ({
        keyId: key.keyId,
        name: key.name,
        isListed: world.listed().includes(key),
        isAccepted: world.isAccepted(key),
      })),
    texts: () => new Map([...world.keys.values()].map(({ keyId, text }) => [keyId, text])),
    counters: counts.snapshot,
  };
}

function worldOf(options: FakeOptions, dialect: FakeDialect): World {
  const { now = Date.now, random = seededRandom(1), activateMs = 0, dieMs = 0 } = options;
  const keys = new Map<string, WorldKey>();
  const isListed = ({ revokedAtMs, expiresAtMs }: WorldKey): boolean =>
    revokedAtMs === undefined && (expiresAtMs === undefined || now() < expiresAtMs);

  return {
    keys,
    pageMax: options.pageMax ?? Number.POSITIVE_INFINITY,
    keysMax: options.keysMax ?? Number.POSITIVE_INFINITY,
    nowMs: now,
    add(seed) {
      const number = keys.size + 1;
      const key: WorldKey = {
        keyId: seed.keyId ?? dialect.keyIdOf(number, random),
        text: seed.text ?? dialect.textOf(number, random),
        name: seed.name ?? "unnamed",
        createdAtMs: now(),
        activeAtMs: now() + activateMs,
        disabledAtMs: undefined,
        expiresAtMs: seed.expiresAtMs,
        revokedAtMs: undefined,
        usesMs: [],
        more: seed.more ?? {},
      };
      if (keys.has(key.keyId)) throw new Error("the stand-in has this key already");
      keys.set(key.keyId, key);
      return key;
    },
    listed: () => [...keys.values()].filter(isListed),
    listedKey(keyId) {
      const key = keys.get(keyId);
      return key !== undefined && isListed(key) ? key : undefined;
    },
    isAccepted({ activeAtMs, disabledAtMs, expiresAtMs, revokedAtMs }) {
      const nowMs = now();
      const endsAtMs = Math.min(disabledAtMs ?? Infinity, revokedAtMs ?? Infinity) + dieMs;
      return nowMs >= activeAtMs && nowMs < endsAtMs && nowMs < (expiresAtMs ?? Infinity);
    },
  };
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

const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

/** Unique by its number and told apart at its end, as real keys are by their hints. */
export function fakeText(
  prefix: string,
  {
    number,
    random,
    length = 20,
    alphabet = letters,
  }: {
    readonly number: number;
    readonly random: () => number;
    readonly length?: number;
    readonly alphabet?: string;
  },
): string {
  let tail = "";
  for (let at = 0; at < length; at++) tail += alphabet[Math.floor(random() * alphabet.length)] ?? "A";
  return `${prefix}${String(number).padStart(4, "0")}${tail}`;
}

/** First and last characters, as providers show them. */
export function hintOf(text: string): string {
  return `${text.slice(0, 8)}...${text.slice(-4)}`;
}

/** One page of a list whose cursor is the number of entries before it. */
export function pageOf<Entry>(
  entries: readonly Entry[],
  { start, size }: { readonly start: number; readonly size: number },
): { readonly page: readonly Entry[]; readonly nextStart: number | undefined } {
  const end = start + size;
  return { page: entries.slice(start, end), nextStart: end < entries.length ? end : undefined };
}

/** A small seeded generator (mulberry32), so that a fake without one of its own still repeats itself. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
