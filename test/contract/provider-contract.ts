import { inspect } from "node:util";
import type { KeyId, KeyProvider, ProviderCapabilities } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import type { Fault, FaultKind } from "../../providers/fake-faults.ts";
import { describeShape } from "./shape-contract.ts";

/** One adapter connected to its stand-in, both of them new. */
export interface ContractWorld {
  readonly provider: KeyProvider;
  /** A consumer's paid call; whether the provider served it. */
  useKey(secret: Secret): Promise<boolean>;
  /** A key that somebody made by hand, without a name of Rekey's. */
  foreignKey(): { readonly keyId: KeyId; readonly secret: Secret };
  /** The texts of every key there is, and of the admin credential. */
  plaintexts(): readonly string[];
  listed(): readonly KeyId[];
  inject(...faults: readonly Fault[]): void;
  nowMs(): number;
  advance(ms: number): void;
  /** Disables a key at the provider itself; only for the shape `atMost`. */
  disable?(keyId: KeyId): void;
  close(): Promise<void>;
}

/** What every fake can be told to do, beside its faults. */
export interface FakeQuirks {
  /** How long a new key is refused. */
  readonly activateMs?: number;
  /** How long a deleted key is still accepted. */
  readonly dieMs?: number;
  /** How many keys a page of a listing has. */
  readonly pageMax?: number;
}

export type Claim = "mint" | "quarantine" | "revoke" | "lastUsed" | "usagePerKey" | "expiry";

export interface ProviderUnderContract {
  readonly capabilities: ProviderCapabilities;
  /** Scopes that the issuer knows; only for issuers whose quarantine needs them. */
  readonly scopes?: readonly string[];
  /** Why a claim cannot be exercised: one for each that `capabilities` denies, and none else. */
  readonly skips: Readonly<Partial<Record<Claim, string>>>;
  /** The fake's operation that makes a key, where a mint makes other calls before it. */
  readonly mintOperation?: string;
  /** The fake's operation that ends a key, where a revoke makes other calls before it. */
  readonly revokeOperation?: string;
  /** Why no listed key can be told to be a given one: the list shows neither an end of it nor its fingerprint. */
  readonly unrecognised?: string;
  /** A mint finds its own key again after a lost reply, because Rekey chose the key's id. */
  readonly mintRecovers?: boolean;
  /**
   * What it counts of two uses within a second, of these and one of an hour before, of one use, and of none; 2, 3, 1
   * and 0 where it counts requests.
   */
  readonly usageCounts?: readonly [number, number, number, number];
  make(quirks?: FakeQuirks): Promise<ContractWorld>;
}

const HOUR_MS = 60 * 60 * 1000;
const UNANSWERED: readonly FaultKind[] = [
  { kind: "lostReply" },
  { kind: "serverError", effect: true },
  { kind: "garbage" },
  { kind: "truncated" },
  { kind: "oversized" },
  { kind: "deep" },
];

function claimsOf({ shape, quarantine, ...claims }: ProviderCapabilities): Readonly<Record<Claim, boolean>> {
  const { revoke, lastUsed, usagePerKey, expiry } = claims;
  const mint = ["sideBySide", "atMost", "clientSecret"].includes(shape.kind);
  return { mint, quarantine: quarantine !== "no", revoke, lastUsed, usagePerKey, expiry };
}

/** The promises of core's KeyProvider, asked of one adapter. */
export function describeProvider(name: string, subject: ProviderUnderContract): void {
  const claims = claimsOf(subject.capabilities);
  const context: Context = {
    subject,
    given: (claim, title, story, quirks) => {
      const run = async () => {
        const world = await subject.make(quirks);
        try {
          await story({ ...world, provider: withOwnSecrets(world.provider) });
        } finally {
          await world.close();
        }
      };
      if (claim === undefined || claims[claim]) test(title, run);
      else test.skip(`${title} (${subject.skips[claim] ?? "no reason"})`, run);
    },
  };

  describe(name, () => {
    test("a reason is written for each claim it does not make, and for no other", () => {
      const denied = Object.entries(claims).filter(([, isClaimed]) => !isClaimed);
      expect(Object.keys(subject.skips).sort()).toEqual(denied.map(([claim]) => claim).sort());
    });
    describeReads(context);
    describeMint(context);
    describeRevoke(context);
    describeQuarantine(context);
    describeUse(context);
    describeExpiry(context);
    describeTime(context);
    describeHostility(context);
    afterAll(() => void process.stdout.write(`${capabilityLine(name, subject)}\n`));
  });
  describeShape(name, subject.capabilities.shape, async () => {
    const world = await subject.make();
    return { ...world, currentKey: world.foreignKey };
  });
}

/** Where Rekey makes up a key's text, a mint without one is given one, as the step that mints does. */
function withOwnSecrets(provider: KeyProvider): KeyProvider {
  const { newSecret } = provider;
  if (newSecret === undefined) return provider;
  return { ...provider, mint: (request) => provider.mint({ secret: newSecret(), ...request }) };
}

/** One row of the capability table: what the adapter claims, and why it does not claim the rest. */
function capabilityLine(name: string, { capabilities, skips, unrecognised }: ProviderUnderContract): string {
  const { shape, ...claims } = capabilities;
  const said = Object.entries({ shape: shape.kind, ...claims }).map(([claim, value]) => `${claim} ${value}`);
  const skipped = Object.entries({
    ...skips,
    ...(unrecognised !== undefined && { recognition: unrecognised }),
  }).map(([claim, reason]) => `no ${claim}: ${reason}`);
  return `| ${[name, ...said, ...skipped].join(" | ")} |`;
}

interface Context {
  readonly subject: ProviderUnderContract;
  given(
    claim: Claim | undefined,
    title: string,
    story: (world: ContractWorld) => Promise<void>,
    quirks?: FakeQuirks,
  ): void;
}

function describeReads({ subject, given }: Context): void {
  given(undefined, "it states its capabilities and a propagation that ends", async ({ provider }) => {
    expect(provider.capabilities).toEqual(subject.capabilities);
    expect(provider.propagation.deadProbes).toBeGreaterThan(0);
    expect(Object.values(provider.propagation).every((value) => value >= 0 && value <= 24 * HOUR_MS)).toBe(
      true,
    );
  });

  given(undefined, "a key made by hand is listed, found and recognised by its plaintext", async (world) => {
    const { provider } = world;
    const { keyId, secret } = world.foreignKey();
    world.foreignKey();

    expect((await provider.list()).map((key) => key.keyId)).toEqual(world.listed());
    expect((await provider.find(keyId))?.keyId).toBe(keyId);
    const recognised = subject.unrecognised === undefined ? [keyId] : [];
    expect((await provider.candidates(secret)).map((key) => key.keyId)).toEqual(recognised);
    expect(await provider.candidates(new Secret("made-up-FAKE"))).toEqual([]);
    const listing = await provider.list();
    const again = await provider.candidates(secret, async () => listing);
    expect(again.map((key) => key.keyId)).toEqual(recognised);
  });

  given(undefined, "a key that never was is not found", async ({ provider }) => {
    expect(await provider.find("never-was")).toBeUndefined();
  });

  given(undefined, "an id that is a path is never sent", async (world) => {
    for (const keyId of ["", ".", "..", "../../x", "a/b", "a?b", "a#b", "%2e%2e", "a b", "a\nb"]) {
      await expect(world.provider.find(keyId)).rejects.toMatchObject({ name: "InputInvalid" });
      await expect(world.provider.revoke(keyId)).rejects.toMatchObject({ name: "InputInvalid" });
    }
  });

  given(undefined, "a working key is valid and a made-up one is refused", async (world) => {
    const { secret } = world.foreignKey();
    expect(await world.provider.verify(secret)).toBe("valid");
    expect(await world.provider.verify(new Secret(`${secret.reveal()}x`))).toBe("refused");
  });

  for (const fault of [...UNANSWERED, { kind: "dropped" }, { kind: "throttled" }] as const) {
    given(undefined, `a verification answered by ${fault.kind} proves nothing`, async (world) => {
      const { secret } = world.foreignKey();
      world.inject(fault);
      expect(await world.provider.verify(secret)).toBe("inconclusive");
    });
  }

  given(undefined, "text that is no key is never counted as refused", async ({ provider }) => {
    for (const text of ["", "two words", "line\nbreak", "x".repeat(5000)]) {
      expect(await provider.verify(new Secret(text))).toBe("inconclusive");
    }
  });

  given(undefined, "a listing that fails says that it may be tried again", async (world) => {
    for (const fault of [...UNANSWERED, { kind: "dropped" }, { kind: "throttled" }] as const) {
      world.inject(fault);
      await expect(world.provider.list()).rejects.toMatchObject({ retry: "later" });
    }
  });
}

function describeMint({ subject, given }: Context): void {
  given("mint", "a minted key has the name it was asked to have, and works", async (world) => {
    const { provider } = world;
    world.foreignKey();
    const { keyId, secret } = await provider.mint({ name: "rekey r-1 1" });
    expect(await provider.list({ namePrefix: "rekey r-1 " })).toMatchObject([{ keyId, status: "active" }]);
    expect(await provider.verify(secret)).toBe("valid");
  });

  given("mint", "a second mint makes a second key beside the first", async (world) => {
    const first = await world.provider.mint({ name: "rekey r-1 1" });
    const second = await world.provider.mint({ name: "rekey r-1 2" });
    expect(second.keyId).not.toBe(first.keyId);
    expect(await world.provider.verify(first.secret)).toBe("valid");
    expect(world.listed()).toEqual([first.keyId, second.keyId]);
  });

  const on = subject.mintOperation === undefined ? {} : { on: subject.mintOperation };
  for (const fault of UNANSWERED) {
    given(
      "mint",
      `a mint answered by ${fault.kind} is unknown, is not repeated, and is found by its name`,
      async (world) => {
        world.inject({ ...fault, ...on });
        const mint = world.provider.mint({ name: "rekey r-1 1" });
        if (subject.mintRecovers) expect(await world.provider.verify((await mint).secret)).toBe("valid");
        else await expect(mint).rejects.toMatchObject({ name: "MintOutcomeUnknown" });
        expect(await world.provider.list({ namePrefix: "rekey r-1 1" })).toHaveLength(1);
      },
    );
  }

  given("mint", "a mint whose connection ends is unknown even when nothing was made", async (world) => {
    world.inject({ kind: "dropped", ...on });
    await expect(world.provider.mint({ name: "rekey r-1 1" })).rejects.toMatchObject({
      name: "MintOutcomeUnknown",
    });
    expect(world.listed()).toEqual([]);
  });

  given("mint", "a throttled mint made nothing and says how long to wait", async (world) => {
    world.inject({ kind: "throttled", retryAfterS: 7 }, { kind: "throttled" });
    const attempt = () => world.provider.mint({ name: "rekey r-1 1" });
    await expect(attempt()).rejects.toMatchObject({ name: "ProviderThrottled", retryAfterMs: 7000 });
    await expect(attempt()).rejects.toMatchObject({ name: "ProviderThrottled", retryAfterMs: undefined });
    expect(world.listed()).toEqual([]);
  });

  given("mint", "a name that could break a log record is refused before anything is sent", async (world) => {
    for (const name of ["", "a\nb", "a\u0000b", "a\u202eb", "\u001b[31m", "x".repeat(500)]) {
      await expect(world.provider.mint({ name })).rejects.toMatchObject({ name: "InputInvalid" });
    }
    expect(world.listed()).toEqual([]);
  });
}

function describeRevoke({ subject, given }: Context): void {
  const isSlots = subject.capabilities.shape.kind === "slots";
  const on = subject.revokeOperation === undefined ? {} : { on: subject.revokeOperation };

  given("revoke", "revoke ends one key by its id and leaves the others alone", async (world) => {
    const [retiring, other] = [world.foreignKey(), world.foreignKey()];
    expect(await world.provider.revoke(retiring.keyId)).toBe("revoked");

    if (isSlots) expect(world.listed()).toContain(other.keyId);
    else expect(world.listed()).toEqual([other.keyId]);
    expect(await world.provider.find(retiring.keyId)).toBeUndefined();
    expect(await world.provider.verify(retiring.secret)).toBe("refused");
    expect(await world.provider.verify(other.secret)).toBe("valid");
  });

  given("revoke", "a second revoke finds the key gone already", async (world) => {
    const { keyId } = world.foreignKey();
    await world.provider.revoke(keyId);
    expect(await world.provider.revoke(keyId)).toBe("alreadyGone");
  });

  given(
    "revoke",
    "a 404 for a key that is still listed is no death, and a second try deletes it",
    async (world) => {
      const { keyId } = world.foreignKey();
      world.inject({ kind: "answer", status: 404 });
      await expect(world.provider.revoke(keyId)).rejects.toMatchObject({ retry: expect.any(String) });
      expect(world.listed()).toContain(keyId);
      expect(await world.provider.revoke(keyId)).toBe("revoked");
    },
  );

  for (const fault of UNANSWERED) {
    given("revoke", `a revoke answered by ${fault.kind} may be repeated`, async (world) => {
      const { keyId } = world.foreignKey();
      world.inject({ ...fault, ...on });
      await expect(world.provider.revoke(keyId)).rejects.toMatchObject({ retry: "later" });
      expect(await world.provider.revoke(keyId)).toBe("alreadyGone");
    });
  }
}

function describeQuarantine({ subject, given }: Context): void {
  const scopes = subject.scopes ? { scopes: subject.scopes } : {};
  const canMint = claimsOf(subject.capabilities).mint;

  given(
    "quarantine",
    "a quarantined key serves nobody until it is restored to what it was",
    async (world) => {
      const { keyId, secret } = canMint
        ? await world.provider.mint({ name: "rekey r-1 1", ...scopes })
        : world.foreignKey();
      const settings = { keyId, ...scopes };
      expect(await world.useKey(secret)).toBe(true);

      expect(await world.provider.quarantine(settings)).toBe("quarantined");
      expect(await world.provider.quarantine(settings)).toBe("quarantined");
      expect(await world.useKey(secret)).toBe(false);

      await world.provider.restore(settings);
      await world.provider.restore(settings);
      expect(await world.useKey(secret)).toBe(true);
    },
  );

  if (subject.capabilities.quarantine !== "ifScopesKnown") return;
  given("quarantine", "a key whose scopes are not known stays as it is", async (world) => {
    const { keyId, secret } = world.foreignKey();
    expect(await world.provider.quarantine({ keyId })).toBe("cannot");
    expect(await world.provider.quarantine({ keyId, scopes: [] })).toBe("cannot");
    await expect(world.provider.restore({ keyId })).rejects.toMatchObject({ name: "InputInvalid" });
    await expect(world.provider.restore({ keyId, scopes: [] })).rejects.toMatchObject({
      name: "InputInvalid",
    });
    expect(await world.useKey(secret)).toBe(true);
  });
}

function describeUse({ subject, given }: Context): void {
  const [two, three, one, none] = subject.usageCounts ?? [2, 3, 1, 0];

  given("lastUsed", "the last use is told on the provider's own clock", async (world) => {
    const { keyId, secret } = world.foreignKey();
    const sinceMs = world.nowMs();
    const unused = await world.provider.use({ keyId, sinceMs });
    expect(unused).toMatchObject({ keyId, seenAtMs: sinceMs });
    expect(unused?.lastUsedAtMs).toBeUndefined();

    world.advance(30_000);
    await world.useKey(secret);
    world.advance(45_000);
    expect(await world.provider.use({ keyId, sinceMs })).toMatchObject({
      lastUsedAtMs: sinceMs + 30_000,
      seenAtMs: sinceMs + 75_000,
    });
  });

  given("usagePerKey", "requests are counted for one key, since one time", async (world) => {
    const [counted, other] = [world.foreignKey(), world.foreignKey()];
    await world.useKey(counted.secret);
    world.advance(HOUR_MS);
    const sinceMs = world.nowMs();
    for (const secret of [counted.secret, counted.secret, other.secret]) await world.useKey(secret);

    const use = (keyId: KeyId, since: number) => world.provider.use({ keyId, sinceMs: since });
    expect((await use(counted.keyId, sinceMs))?.requests).toBe(two);
    expect((await use(counted.keyId, sinceMs - 2 * HOUR_MS))?.requests).toBe(three);
    expect((await use(other.keyId, sinceMs))?.requests).toBe(one);
    world.advance(HOUR_MS);
    expect((await use(counted.keyId, world.nowMs()))?.requests).toBe(none);
  });

  given("lastUsed", "nothing is said about the use of a key that is not there", async ({ provider }) => {
    expect(await provider.use({ keyId: "never-was", sinceMs: 0 })).toBeUndefined();
  });
}

function describeExpiry({ given }: Context): void {
  given("expiry", "a key expires when it was asked to, unless that is postponed", async (world) => {
    const { keyId, secret, expiresAtMs } = await world.provider.mint({
      name: "rekey r-1 1",
      expiresInMs: HOUR_MS,
    });
    expect(expiresAtMs).toBe(world.nowMs() + HOUR_MS);

    expect(await world.provider.extend({ keyId, expiresInMs: 2 * HOUR_MS })).toBe("extended");
    expect(await world.provider.extend({ keyId, expiresInMs: HOUR_MS })).toBe("extended");
    world.advance(HOUR_MS * 1.5);
    expect(await world.provider.verify(secret)).toBe("valid");
    world.advance(HOUR_MS);
    expect(await world.provider.verify(secret)).toBe("refused");
    expect(await world.provider.extend({ keyId, expiresInMs: HOUR_MS })).toBe("cannot");
  });

  given("expiry", "a key that never expires is not given an expiry", async (world) => {
    const { keyId } = world.foreignKey();
    expect(await world.provider.extend({ keyId, expiresInMs: HOUR_MS })).toBe("cannot");
    expect((await world.provider.find(keyId))?.expiresAtMs).toBeUndefined();
  });
}

function describeTime({ subject, given }: Context): void {
  const minuteMs = 60_000;

  given(
    "mint",
    "a new key may be refused at first, and is valid when it is active",
    async (world) => {
      const { secret } = await world.provider.mint({ name: "rekey r-1 1" });
      expect(await world.provider.verify(secret)).toBe("refused");
      world.advance(minuteMs);
      expect(await world.provider.verify(secret)).toBe("valid");
    },
    { activateMs: minuteMs },
  );

  given(
    "revoke",
    "a deleted key that works for a while is gone from the listing, valid, and then refused",
    async (world) => {
      const { keyId, secret } = world.foreignKey();
      expect(await world.provider.revoke(keyId)).toBe("revoked");
      expect(await world.provider.find(keyId)).toBeUndefined();
      expect(await world.provider.verify(secret)).toBe("valid");
      world.advance(minuteMs);
      expect(await world.provider.verify(secret)).toBe("refused");
    },
    { dieMs: minuteMs },
  );

  if (subject.capabilities.shape.kind === "slots") return;
  given(
    undefined,
    "a listing of several pages is read to its end",
    async (world) => {
      const keys = Array.from({ length: 5 }, () => world.foreignKey().keyId);
      expect((await world.provider.list()).map(({ keyId }) => keyId)).toEqual(keys);
    },
    { pageMax: 2 },
  );
}

function describeHostility({ given }: Context): void {
  given(
    undefined,
    "the key that a proof of death is held against is refused, and is nobody's",
    async (world) => {
      const { secret } = world.foreignKey();
      const neverIssued = world.provider.neverIssued(secret);
      expect(await world.provider.verify(neverIssued)).toBe("refused");
      expect(world.plaintexts()).not.toContain(neverIssued.reveal());
    },
  );

  given(undefined, "a reply that names __proto__ changes nothing", async (world) => {
    const { keyId } = world.foreignKey();
    world.inject({ kind: "polluting" }, { kind: "polluting" });
    const keys = await world.provider.list();
    const key = await world.provider.find(keyId);

    expect(keys.map((each) => each.keyId)).toEqual(world.listed());
    expect(keys.find((each) => each.keyId === keyId)).toEqual(key);
    expect(Object.getPrototypeOf(key)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  given(undefined, "no error shows a key, whatever the provider quotes", async (world) => {
    const { provider } = world;
    const { keyId, secret } = world.foreignKey();
    const calls: Record<string, () => Promise<unknown>> = {
      mint: () => provider.mint({ name: "rekey r-1 1" }),
      list: () => provider.list(),
      find: () => provider.find(keyId),
      verify: () => provider.verify(secret),
      use: () => provider.use({ keyId, sinceMs: 0 }),
      extend: () => provider.extend({ keyId, expiresInMs: 1000 }),
      candidates: () => provider.candidates(secret),
      restore: () => provider.restore({ keyId, scopes: ["api.all.read"] }),
      quarantine: () => provider.quarantine({ keyId, scopes: ["api.all.read"] }),
      revoke: () => provider.revoke(keyId),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (const status of [200, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503]) {
        world.inject({ kind: "echo", status });
        const outcome = await call().catch((error: unknown) => error);
        const inspected = inspect(outcome, { depth: 20, showHidden: true });
        const shown = `${inspected} ${JSON.stringify(outcome)} ${String(outcome)}`;
        const leaked = world.plaintexts().filter((text) => shown.includes(text));
        expect({ name, status, leaked }).toEqual({ name, status, leaked: [] });
      }
    }
  });
}
