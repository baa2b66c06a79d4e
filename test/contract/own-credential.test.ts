import type { Policy } from "../../core/policy.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import { Secret } from "../../core/secret.ts";
import { givenCredential, adminCredential as kept } from "../../functions/adapters/admin-credential.ts";
import type { Deps } from "../../functions/deps.ts";
import { tryAdminCredential } from "../../functions/secret/canary.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import * as adapter from "../../providers/cloudflare/adapter.ts";
import { adminPolicy, cloudflareFake, usualPolicy } from "../../providers/cloudflare/fake.ts";
import { cloudflare } from "../../providers/cloudflare/index.ts";
import { connected } from "../../providers/connect.ts";
import type { Fault } from "../../providers/fake-faults.ts";
import { recordIn, runs, ticket } from "../core/rotation/record-world.ts";

const secretArn = ticket.secretArn;

/** The machine has staged a token that was made with the one in use. */
async function cloudflareWithStaged(policies: readonly unknown[], faults: readonly Fault[] = []) {
  const fake = cloudflareFake({});
  const inUse = fake.addKey({ name: "made by hand", more: { policies: [adminPolicy] } });
  const staged = fake.addKey({ name: "rekey/r-1/1", more: { policies } });
  const settings = {
    adminCredential: secretArn,
    account: "account-FAKE",
    ...fake.settingsAt("http://127.0.0.1:1"),
  };
  const provider = { account: "cloudflare-main", kind: "cloudflare", adminCredential: secretArn, settings };
  const policy = { secretArn, provider, isAdminCredential: true } as unknown as Policy;
  const ledger = ledgerOn(memoryTable());
  const record = recordIn("staged", {
    run: { ...runs.staged, attempt: 1, incoming: { ...runs.staged.incoming, keyId: staged.keyId } },
  });
  const keys = record.keys.map((key) =>
    key.keyId === runs.staged.incoming.keyId ? { ...key, keyId: staged.keyId, attempt: 1 } : key,
  );
  await ledger.changeSecret(secretArn, (): SecretRecord => ({ ...record, secretArn, keys }));
  const deps = {
    ledger,
    provider: (_: Policy, credential?: Secret) => {
      if (credential === undefined) throw new Error("the trial used the credential in use");
      return connected(cloudflare, adapter, {
        settings,
        admin: givenCredential(credential),
        http: fake.http(),
      });
    },
  } as unknown as Deps;
  fake.inject(...faults);
  const run = () => tryAdminCredential({ ticket, policy, credential: staged.secret }, deps);
  const works = () => fake.state().flatMap(({ keyId, isListed }) => (isListed ? [keyId] : []));
  return { fake, run, works, expected: [inUse.keyId, staged.keyId], ledger };
}

const keyNames = async ({ ledger }: Awaited<ReturnType<typeof cloudflareWithStaged>>) =>
  (await ledger.secret(secretArn)).keys.map(({ name }) => name);

describe("a new admin token of Cloudflare", () => {
  test("makes, lists and deletes a token, and leaves none behind", async () => {
    const world = await cloudflareWithStaged([adminPolicy]);
    const before = await keyNames(world);
    await world.run();
    expect(world.works()).toEqual(world.expected);
    expect(world.fake.state()).toHaveLength(3);
    expect(await keyNames(world)).toEqual(before);
  });

  test("that was given less than the one in use is rejected before anybody is given it", async () => {
    const world = await cloudflareWithStaged([usualPolicy]);
    await expect(world.run()).rejects.toMatchObject({ name: "KeyNotYetActive" });
    expect(world.works()).toEqual(world.expected);
  });

  test.each([
    ["lostReply", "mint"],
    ["dropped", "mint"],
    ["lostReply", "revoke"],
    ["dropped", "revoke"],
  ] as const)("after %s at %s is tried again, and the first token is deleted too", async (kind, on) => {
    const world = await cloudflareWithStaged([adminPolicy], [{ kind, on }]);
    await expect(world.run()).rejects.toMatchObject({ name: "ProviderUnavailable" });
    await world.run();
    expect(world.works()).toEqual(world.expected);
  });

  test("is given up after a few trials", async () => {
    const world = await cloudflareWithStaged(
      [adminPolicy],
      [1, 2, 3, 4, 5].map(() => ({ kind: "dropped", on: "mint" })),
    );
    for (let tries = 0; tries < 5; tries++)
      await expect(world.run()).rejects.toMatchObject({ name: "ProviderUnavailable" });
    await expect(world.run()).rejects.toMatchObject({ name: "KeyRejected" });
    expect(world.works()).toEqual(world.expected);
  });
});

describe("an admin credential that a function has read", () => {
  async function world(keptMs?: number) {
    let nowMs = 1_000_000;
    let reads = 0;
    const next = () => {
      reads += 1;
      return new Secret(`sk-admin-FAKE-${reads}`);
    };
    const store = {
      current: async () => ({ versionId: "v", text: next() }),
    };
    const clock = { nowMs: () => nowMs };
    const credential = kept(store, secretArn, keptMs === undefined ? undefined : { clock, keptMs });
    const at = (ms: number) => {
      nowMs = ms;
    };
    const text = async () => (await credential.get()).reveal();
    return { credential, text, at };
  }

  test("is read again after its time, when it was refused, and when the clock went back", async () => {
    const { credential, text, at } = await world(60_000);
    expect(await text()).toBe("sk-admin-FAKE-1");
    at(1_059_999);
    expect(await text()).toBe("sk-admin-FAKE-1");
    at(1_060_000);
    expect(await text()).toBe("sk-admin-FAKE-2");
    credential.refused();
    expect(await text()).toBe("sk-admin-FAKE-3");
    at(0);
    expect(await text()).toBe("sk-admin-FAKE-4");
  });

  test("is kept for the life of the process where nothing rotates it", async () => {
    const { text, at } = await world();
    await text();
    at(9_999_999_999);
    expect(await text()).toBe("sk-admin-FAKE-1");
  });
});
