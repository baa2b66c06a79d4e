import { type FakeReply, type FakeRequest, listenFake } from "../../providers/fake.ts";
import { errorReply } from "../../providers/fake-faults.ts";
import { type StandIn, type StandInName, type StandInOptions, standInRow } from "../stand-ins.ts";

/** One account of a provider that answers only so many calls, as issuers do. */
export interface EstateAccount {
  readonly name: string;
  readonly kind: StandInName;
  readonly fake: StandIn;
  readonly origin: string;
  readonly callsPerSecond: number;
  /** From now on calls are counted against the budget; consumers' own requests never are. */
  limit(): void;
  /** Every call but those of consumers fails until it is over, as in an outage of the issuer's admin API. */
  fail(): void;
  heal(): void;
  /** For this long somebody else uses up what the issuer allows the account: it answers 429, with Retry-After. */
  crowd(forMs: number): void;
  calls(): number;
  /** Calls that were refused with 429 because of somebody else. */
  crowdedOut(): number;
  /** Calls beyond the budget. Each was refused with 429. */
  overBudget(): number;
  close(): Promise<void>;
}

/** A short burst is answered, as token buckets of issuers do. */
const burstSeconds = 2;

export async function openAccount(options: {
  readonly name: string;
  readonly kind: StandInName;
  readonly callsPerSecond: number;
  readonly fake?: StandInOptions;
}): Promise<EstateAccount> {
  const { name, kind, callsPerSecond } = options;
  // Each stand-in would else make the same keys, and a key of two accounts is one that two secrets share.
  const fake = standInRow(kind).start({ random: Math.random, ...options.fake });
  const bucket = { tokens: callsPerSecond * burstSeconds, atMs: Date.now() };
  const counts = { calls: 0, over: 0, crowdedOut: 0 };
  let isLimited = false;
  let isFailing = false;
  let crowdedUntilMs = 0;

  const isOver = (): boolean => {
    const nowMs = Date.now();
    const filled = bucket.tokens + ((nowMs - bucket.atMs) / 1000) * callsPerSecond;
    bucket.tokens = Math.min(callsPerSecond * burstSeconds, filled);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return true;
    bucket.tokens -= 1;
    return false;
  };

  const handle = (request: FakeRequest): FakeReply => {
    if (request.path === fake.consumer.path) return fake.handle(request);
    if (isFailing) return errorReply(503, { code: "unavailable" });
    if (!isLimited) return fake.handle(request);
    counts.calls += 1;
    if (Date.now() < crowdedUntilMs) {
      counts.crowdedOut += 1;
      return refusedFor(crowdedUntilMs - Date.now());
    }
    if (!isOver()) return fake.handle(request);
    counts.over += 1;
    return refusedFor(1_000);
  };

  const { origin, close } = await listenFake(handle);
  return {
    ...{ name, kind, fake, origin, close, callsPerSecond },
    limit: () => {
      isLimited = true;
    },
    fail: () => {
      isFailing = true;
    },
    heal: () => {
      isFailing = false;
    },
    crowd: (forMs) => {
      crowdedUntilMs = Date.now() + forMs;
    },
    calls: () => counts.calls,
    crowdedOut: () => counts.crowdedOut,
    overBudget: () => counts.over,
  };
}

function refusedFor(ms: number): FakeReply {
  const reply = errorReply(429, { code: "rate_limit_exceeded" });
  return { ...reply, headers: { ...reply.headers, "retry-after": String(Math.ceil(ms / 1000)) } };
}
