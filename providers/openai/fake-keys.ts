import type { UsageFamily } from "./settings.ts";

export interface FakeKey {
  readonly keyId: string;
  readonly text: string;
  readonly name: string;
  readonly project: string;
  readonly owner: { readonly type: "user" | "service_account"; readonly id: string };
  readonly createdAtMs: number;
  readonly activeAtMs: number;
  /** Empty means unrestricted, as at OpenAI. */
  scopes: readonly string[];
  expiresAtMs: number | undefined;
  revokedAtMs: number | undefined;
  readonly uses: KeyUses;
}

/** One second of use of one key; `family` is undefined for calls that no usage endpoint counts. */
interface SecondOfUse {
  readonly atMs: number;
  readonly family: UsageFamily | undefined;
  requests: number;
}

export interface KeyUses {
  record(atMs: number, family?: UsageFamily): void;
  /** The last use at or before `visibleMs`. */
  lastAt(visibleMs: number): number | undefined;
  /** Requests per bucket, by the bucket's number counted from `fromMs`. */
  histogram(range: Range): ReadonlyMap<number, number>;
}

interface Range {
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly widthMs: number;
  readonly family: UsageFamily;
}

const SECONDS_KEPT_MAX = 100_000;

export function keyUses(): KeyUses {
  const seconds: SecondOfUse[] = [];
  return {
    record(nowMs, family) {
      const atMs = nowMs - (nowMs % 1000);
      const same = seconds.findLast((second) => second.atMs <= atMs && second.family === family);
      if (same?.atMs === atMs) same.requests += 1;
      else seconds.push({ atMs, family, requests: 1 });
      if (seconds.length > SECONDS_KEPT_MAX) seconds.shift();
    },
    lastAt: (visibleMs) => seconds.findLast(({ atMs }) => atMs <= visibleMs)?.atMs,
    histogram({ fromMs, toMs, widthMs, family }) {
      const counts = new Map<number, number>();
      for (const second of seconds) {
        if (second.family !== family || second.atMs < fromMs || second.atMs >= toMs) continue;
        const bucket = Math.floor((second.atMs - fromMs) / widthMs);
        counts.set(bucket, (counts.get(bucket) ?? 0) + second.requests);
      }
      return counts;
    },
  };
}

/** Whether authentication accepts the key now: new keys are accepted late, and deleted ones still for a while. */
export function isAccepted(
  key: FakeKey,
  { nowMs, dieMs }: { readonly nowMs: number; readonly dieMs: number },
): boolean {
  if (nowMs < key.activeAtMs) return false;
  if (key.expiresAtMs !== undefined && nowMs >= key.expiresAtMs) return false;
  return key.revokedAtMs === undefined || nowMs < key.revokedAtMs + dieMs;
}

const READS = ["api.all", "api.all.read", "api.model.read"];
const REQUESTS = ["api.all", "api.model.request"];

export function isPermitted({ scopes }: FakeKey, action: "read" | "request"): boolean {
  const enough = action === "read" ? READS : REQUESTS;
  return scopes.length === 0 || scopes.some((scope) => enough.includes(scope));
}

const LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

/** Unique by its count. The end differs too, because hints show the end of a key. */
export function fakeName(
  prefix: string,
  { count, random }: { readonly count: number; readonly random: () => number },
): string {
  let tail = "";
  for (let at = 0; at < 20; at++) tail += LETTERS[Math.floor(random() * LETTERS.length)] ?? "A";
  return `${prefix}${String(count).padStart(4, "0")}${tail}`;
}

/** A small seeded generator (mulberry32), so that a fake without one of its own still gives the same sequence. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
