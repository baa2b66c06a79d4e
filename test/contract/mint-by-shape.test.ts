import { auditLog } from "../../audit/chain.ts";
import type { InstanceEvidence } from "../../core/adoption/evidence.ts";
import type { Policy } from "../../core/policy.ts";
import type { Shape } from "../../core/ports.ts";
import { openRun } from "../../core/rotation/lease.ts";
import { adoptByHand } from "../../core/rotation/superseded.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import type { Deps } from "../../functions/deps.ts";
import { mintKey } from "../../functions/rotation/mint-key.ts";
import { discardKeys } from "../../functions/secret/discard-keys.ts";
import { nodeDigest } from "../../functions/wiring/base.ts";
import { instancesIn } from "../../ledger/instances.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { memoryStore } from "../../stores/secrets-manager/fake.ts";
import { exampleProvider } from "./example-provider.ts";

const secretArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing-AbCdEf";
const other = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:search-AbCdEf";
const atMs = Date.UTC(2026, 10, 22, 12);
const slots: Shape = { kind: "slots", idleIsFree: true };

/** A secret whose rotation has opened, at a provider of this shape. */
async function opened(shape: Shape) {
  const issuer = exampleProvider(shape);
  const table = memoryTable();
  const ledger = ledgerOn(table);
  const store = memoryStore();
  const audit = auditLog({ table, digest: nodeDigest, now: () => atMs });
  const retiringId = shape.kind === "slots" ? (issuer.listed()[0] ?? "") : issuer.add().id;
  const secret = issuer.textOf(retiringId);
  const versionId = store.create(secretArn, secret.reveal());
  const fingerprint = fingerprintOf(secret);
  const retiring = { keyId: retiringId, versionId, fingerprint, name: "by hand", state: "current" as const };
  const run = { rotationId: "r-1", executionArn: "arn:e-1" };
  const record = await ledger.changeSecret(secretArn, (now) =>
    openRun(adoptByHand(now, retiring), { ...run, kind: "rotation", retiring }),
  );
  const provider = { account: "main", kind: "example", settings: {} };
  const policy = { secretArn, name: "billing", mode: "rotate", provider, consumers: "none", quietMs: 0 };
  const ticket = { secretArn, rotationId: "r-1", fence: record.fence };
  await ledger.changeRotation(ticket, () => ({
    ...{ ...ticket, ...run, trigger: "test", openedAtMs: atMs, outcome: "running" as never },
    opened: { outcome: "opened", next: "MintKey", fence: record.fence },
    policy: policy as unknown as Policy,
  }));
  const deps = {
    ledger,
    store,
    audit,
    digest: nodeDigest,
    provider: () => issuer.provider,
  } as unknown as Deps;
  const works = async (keyId: string) => (await issuer.provider.verify(issuer.textOf(keyId))) === "valid";
  const actions = async () => {
    const seen: string[] = [];
    for await (const entry of audit.entries(secretArn)) seen.push(entry.action);
    return seen;
  };
  const mint = () => mintKey.run({ ...ticket, at: atMs }, deps);
  return {
    issuer,
    ledger,
    store,
    deps,
    ticket,
    policy: policy as unknown as Policy,
    retiringId,
    mint,
    works,
    actions,
  };
}

describe("two places", () => {
  test("the idle one is overwritten, is said to be so, and the key in use works on", async () => {
    const { issuer, mint, retiringId, works, actions } = await opened(slots);
    const [, idle = ""] = issuer.listed();
    const minted = await mint();
    expect(minted).toMatchObject({ outcome: "staged" });
    expect(await works(retiringId)).toBe(true);
    expect(await works(idle)).toBe(false);
    expect(await actions()).toEqual(["KeyDisplaced"]);
    expect(await mint()).toEqual(minted);
  });

  test("a mint whose reply is lost is read back, and a run that goes on makes no third key", async () => {
    const { issuer, mint, retiringId, works } = await opened(slots);
    issuer.inject({ kind: "lostReply", on: "mint" });
    expect(await mint()).toMatchObject({ outcome: "staged" });
    expect(await works(retiringId)).toBe(true);
    expect(issuer.listed()).toHaveLength(2);
  });

  test("a mint that never arrived is tried again, and the key in use works on", async () => {
    const { issuer, mint, retiringId, works } = await opened(slots);
    issuer.inject({ kind: "dropped", on: "mint" });
    await expect(mint()).rejects.toMatchObject({ name: "MintOutcomeUnknown" });
    expect(await mint()).toMatchObject({ outcome: "staged" });
    expect(await works(retiringId)).toBe(true);
  });

  test.each([
    ["its look at the places", "list"],
    ["its word to the audit log", "append"],
  ] as const)(
    "a call that thaws after %s, when another one has filled the idle place, ends no key",
    async (_, at) => {
      const { issuer, deps, ticket, mint, works, retiringId } = await opened(slots);
      let placed: unknown;
      const thaw = async () => {
        placed ??= await mint();
      };
      const slow: Deps = {
        ...deps,
        audit: {
          ...deps.audit,
          async append(...entry) {
            await deps.audit.append(...entry);
            if (at === "append") await thaw();
          },
        },
        provider: () => ({
          ...issuer.provider,
          async list(options) {
            if (at === "list") await thaw();
            return issuer.provider.list(options);
          },
        }),
      };
      await expect(mintKey.run({ ...ticket, at: atMs }, slow)).rejects.toThrow();
      const { keyId = "" } = placed as { readonly keyId?: string };
      expect(await works(keyId)).toBe(true);
      expect(await works(retiringId)).toBe(true);
    },
  );

  test("an idle key that nobody vouched for is left alone", async () => {
    const { issuer, mint } = await opened({ kind: "slots", idleIsFree: false });
    const before = issuer.listed();
    await expect(mint()).rejects.toMatchObject({
      name: "NeedsHuman",
      message: expect.stringContaining("IdleKeyUnknown"),
    });
    expect(issuer.listed()).toEqual(before);
  });

  test("an idle key that another secret holds is left alone", async () => {
    const { issuer, ledger, mint } = await opened(slots);
    const [, idle = ""] = issuer.listed();
    const fingerprint = fingerprintOf(issuer.textOf(idle));
    await ledger.putHolder({ fingerprint, secretArn: other, versionId: "v-1", role: "rotated" });
    const before = issuer.listed();
    await expect(mint()).rejects.toMatchObject({
      name: "NeedsHuman",
      message: expect.stringContaining("KeyShared"),
    });
    expect(issuer.listed()).toEqual(before);
  });

  test("an idle key that a live instance holds or has used is left alone", async () => {
    for (const part of ["holds", "uses"] as const) {
      const { issuer, ledger, mint } = await opened(slots);
      const [, idle = ""] = issuer.listed();
      const fingerprint = fingerprintOf(issuer.textOf(idle));
      await instancesIn(ledger.documents).putInstance(secretArn, instanceWith(part, fingerprint));
      const before = issuer.listed();
      await expect(mint()).rejects.toMatchObject({ message: expect.stringContaining("KeyInUse") });
      expect(issuer.listed()).toEqual(before);
    }
  });

  test("a run that comes to nothing ends its own key by id: its place has no names", async () => {
    const { ledger, deps, ticket, policy, mint, retiringId, works } = await opened(slots);
    const minted = (await mint()) as { readonly keyId: string };
    const own = (await ledger.secret(secretArn)).keys.filter(({ keyId }) => keyId === minted.keyId);
    await discardKeys({ ticket, own, policy }, deps);
    expect(await works(minted.keyId)).toBe(false);
    expect(await works(retiringId)).toBe(true);
    expect((await ledger.secret(secretArn)).keys.map(({ keyId }) => keyId)).toEqual([retiringId]);
  });
});

describe("at most two keys for one owner", () => {
  const shape: Shape = { kind: "atMost", keys: 2 };

  test("a disabled key makes room", async () => {
    const { issuer, mint, retiringId, works } = await opened(shape);
    const { id } = issuer.add();
    issuer.disable(id);
    expect(await mint()).toMatchObject({ outcome: "staged" });
    expect(issuer.listed()).not.toContain(id);
    expect(await works(retiringId)).toBe(true);
  });

  test("a disabled key that another secret's rotation has quarantined makes none: it may have to come back", async () => {
    const { issuer, ledger, policy, mint } = await opened(shape);
    const { id: keyId } = issuer.add();
    issuer.disable(keyId);
    await ledger.putPolicy({ ...policy, secretArn: other, name: "search" });
    await ledger.changeSecret(other, (now) => ({
      ...now,
      keys: [{ name: "rekey/r-9/1", keyId, state: "quarantined" }],
    }));
    await expect(mint()).rejects.toMatchObject({
      name: "NeedsHuman",
      message: expect.stringContaining(`KeyShared: ${keyId} is held by ${other}`),
    });
    expect(issuer.listed()).toContain(keyId);
  });

  test("a live key never does: the quota is reached, and nothing is ended", async () => {
    const { issuer, mint } = await opened(shape);
    issuer.add();
    const before = issuer.listed();
    await expect(mint()).rejects.toMatchObject({ name: "QuotaReached" });
    expect(issuer.listed()).toEqual(before);
  });
});

test("a key whose text Rekey chose is stored first: a lost reply makes no second key and no second attempt", async () => {
  const { issuer, ledger, mint } = await opened({ kind: "clientSecret" });
  issuer.inject({ kind: "lostReply", on: "mint" });
  await expect(mint()).rejects.toMatchObject({ name: "MintOutcomeUnknown" });
  expect(await mint()).toMatchObject({ outcome: "staged" });
  expect(issuer.listed()).toHaveLength(2);
  expect((await ledger.secret(secretArn)).run).toMatchObject({ attempt: 1, phase: "staged" });
});

test("a call that thaws when a second one has placed the chosen key leaves that key and its version alone", async () => {
  const { issuer, ledger, store, deps, ticket, mint, works } = await opened({ kind: "clientSecret" });
  let placed: unknown;
  const slow: Deps = {
    ...deps,
    ledger: {
      ...ledger,
      async putHolder(holder) {
        placed ??= await mint();
        return ledger.putHolder(holder);
      },
    },
  };
  await expect(mintKey.run({ ...ticket, at: atMs }, slow)).rejects.toMatchObject({ name: "Superseded" });
  const { keyId = "", versionId = "" } = placed as { readonly keyId?: string; readonly versionId?: string };
  expect(issuer.listed()).toContain(keyId);
  expect(await works(keyId)).toBe(true);
  expect((await store.versionsInUse(secretArn)).pending?.versionId).toBe(versionId);
});

function instanceWith(part: "holds" | "uses", fingerprint: string): InstanceEvidence {
  const use = { fingerprint, lastSuccessAgoMs: 1, lastRefusalAgoMs: null };
  return {
    ...{ kind: "client", consumer: "billing", environment: "production", account: "111122223333" },
    ...{ instance: "i-1", sequence: 1, observedAtMs: atMs, maxStaleMs: 60_000, ended: false },
    holds: { fingerprint: part === "holds" ? fingerprint : "sha256:other", versionId: "v-1" },
    uses: part === "uses" ? [use] : [],
  };
}
