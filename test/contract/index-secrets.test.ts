import type { Context } from "aws-lambda";
import type { Policy } from "../../core/policy.ts";
import type { SecretStore } from "../../core/ports.ts";
import { adoptCurrent } from "../../core/rotation/secret-record.ts";
import { Secret } from "../../core/secret.ts";
import { aliasesOf } from "../../events/fingerprint.ts";
import type { Deps } from "../../functions/deps.ts";
import { aliasOfHint, aliasOfKeyId } from "../../functions/key-index/identify-key.ts";
import { indexSecrets } from "../../functions/key-index/index-secrets.ts";
import { onLambda } from "../../functions/step.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { memoryStore } from "../../stores/secrets-manager/fake.ts";
import { spellingsIn } from "../core/intake/samples.ts";
import { tableUnderRole } from "../under-role.ts";

const arnOf = (name: string) => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}-FAKE00`;
const [billing, watched, admin, intake] = [
  arnOf("billing"),
  arnOf("watched"),
  arnOf("admin"),
  arnOf("intake"),
];
const given = [
  { secretArn: arnOf("github-token"), role: "githubToken", key: "github_pat_FAKE0000000007" },
  { secretArn: arnOf("pagerduty"), role: "pagerdutyKey", key: "FAKEroutingkeyFAKEroutingkeyFAKE" },
  { secretArn: arnOf("slack"), role: "slackWebhook", key: "https://hooks.slack.com/services/TFAKE/BFAKE/F" },
] as const;
const [oldKey, newKey, pendingKey, watchedKey, adminKey, signingKey] = [
  "sk-FAKE-billing-old-000001",
  "sk-FAKE-billing-new-000002",
  "sk-FAKE-billing-pending-03",
  "sk-FAKE-watched-000000004",
  "sk-FAKE-admin-00000000005",
  "FAKE-intake-signing-000006",
];

function policyOf(secretArn: string, changes: Partial<Policy>): Policy {
  const provider = { account: "main", kind: "openai", adminCredential: admin, settings: {} };
  return {
    secretArn,
    name: secretArn,
    environment: "production",
    mode: "rotate",
    provider,
    ...changes,
  } as Policy;
}

/** Two secrets under policy, one admin credential, one signing secret of the intake. */
async function newWorld() {
  const table = memoryTable();
  const ledger = ledgerOn(table);
  const store = memoryStore();
  const versions = {
    previous: store.create(billing, JSON.stringify({ key: oldKey, url: "https://example.com/not-a-key" })),
    current: store.setCurrent(billing, JSON.stringify({ key: newKey, url: "https://example.com/not-a-key" })),
  };
  store.create(watched, watchedKey);
  store.create(admin, adminKey);
  store.create(intake, signingKey);
  await ledger.putPolicy(policyOf(billing, { field: "key" }));
  await ledger.putPolicy(policyOf(watched, { mode: "index" }));
  const { sha256: fingerprint } = aliasesOf(newKey);
  await ledger.changeSecret(billing, (record) =>
    adoptCurrent(record, {
      name: "k2",
      state: "current",
      keyId: "key_2",
      versionId: versions.current,
      fingerprint,
    }),
  );
  const reads: string[] = [];
  const counting: SecretStore = {
    ...store,
    read: (secretArn, versionId) => {
      reads.push(secretArn);
      return store.read(secretArn, versionId);
    },
  };
  let nowMs = 0;
  const world = { table, ledger, store, versions, reads, msPerLook: 0, given: [] as readonly object[] };
  const deps = {
    ledger: ledgerOn(tableUnderRole("index-secrets", table)),
    store: counting,
    clock: { nowMs: () => (nowMs += world.msPerLook), pause: async () => undefined },
    provider: () => ({
      list: async () => [{ keyId: "key_2", name: "k2", status: "active", hint: "sk-FAK...0002" }],
    }),
    log: () => undefined,
  } as unknown as Deps;
  const index = () =>
    onLambda(indexSecrets, () => deps)({ own: [{ secretArn: intake, role: "intake" }, ...world.given] }, {
      awsRequestId: "1",
    } as Context) as Promise<Record<string, unknown>>;
  const found = async (alias: string) =>
    (await ledger.holders(alias)).map(({ secretArn, role }) => [secretArn, role]);
  return { ...world, world, index, found };
}

test("every labelled version of every secret is found by each of its aliases", async () => {
  const { store, index, found } = await newWorld();
  store.setCurrent(watched, `${watchedKey}x`);

  expect(await index()).toMatchObject({ outcome: "indexed", indexed: 6, left: 0, unreadable: [] });

  for (const [key, holder] of [
    [oldKey, [billing, "rotated"]],
    [newKey, [billing, "rotated"]],
    [watchedKey, [watched, "index"]],
    [adminKey, [admin, "admin"]],
    [signingKey, [intake, "intake"]],
  ] as const) {
    for (const alias of Object.values(aliasesOf(key))) expect(await found(alias)).toEqual([holder]);
  }
});

test("what the deployment is given to read and to page with is found as such, as its users read it", async () => {
  const { world, store, index, found } = await newWorld();
  for (const { secretArn, key } of given) store.create(secretArn, `${key}\n`);
  world.given = given.map(({ secretArn, role }) => ({ secretArn, role }));

  expect(await index()).toMatchObject({ outcome: "indexed", unreadable: [] });

  for (const { key, secretArn, role } of given)
    for (const alias of Object.values(aliasesOf(key)))
      expect(await found(alias)).toEqual([[secretArn, role]]);
});

test("a pending version is indexed before it is current", async () => {
  const { store, index, found } = await newWorld();
  const versionId = "pending-0000-0000-0000-000000000001";
  const text = (await store.read(billing)).text.reveal().replace(newKey, pendingKey);
  await store.put({ secretArn: billing, versionId, text: new Secret(text), labels: ["AWSPENDING"] });

  await index();

  expect(await found(aliasesOf(pendingKey).sha256)).toEqual([[billing, "rotated"]]);
});

test("a key is found by its id and by what the provider shows of it", async () => {
  const { index, found } = await newWorld();

  await index();

  expect(await found(aliasOfKeyId("key_2"))).toEqual([[billing, "rotated"]]);
  expect(await found(aliasOfHint("sk-FAK...0002"))).toEqual([[billing, "rotated"]]);
});

test("only the key's field is indexed, and no key is stored", async () => {
  const { table, index, found } = await newWorld();

  await index();

  expect(await found(aliasesOf("https://example.com/not-a-key").sha256)).toEqual([]);
  for (const key of [oldKey, newKey, watchedKey, adminKey, signingKey]) {
    expect(spellingsIn(table.dump(), key)).toEqual([]);
  }
});

test("versions that are known are not read again, and new ones are", async () => {
  const { reads, store, index, found } = await newWorld();
  await index();
  const before = reads.length;

  expect(await index()).toMatchObject({ indexed: 0, known: 5 });
  expect(reads).toHaveLength(before);

  store.setCurrent(watched, `${watchedKey}x`);
  expect(await index()).toMatchObject({ indexed: 1 });
  expect(await found(aliasesOf(`${watchedKey}x`).hmsl)).toEqual([[watched, "index"]]);
});

test("a secret that cannot be read is named, and does not keep the others out", async () => {
  const { ledger, index, found } = await newWorld();
  await ledger.putPolicy(policyOf(arnOf("a-missing-one"), {}));

  expect(await index()).toMatchObject({ unreadable: [arnOf("a-missing-one")] });
  expect(await found(aliasesOf(watchedKey).sha256)).toEqual([[watched, "index"]]);
});

test("an older version without the field of today is skipped for good", async () => {
  const { ledger, index, reads } = await newWorld();
  await ledger.putPolicy(policyOf(watched, { mode: "index", field: "key" }));

  expect(await index()).toMatchObject({ unreadable: [] });
  const before = reads.length;
  await index();

  expect(reads).toHaveLength(before);
});

test("what does not fit into one call is done by the next ones", async () => {
  const { world, index, found } = await newWorld();
  world.msPerLook = 6_000;

  expect(await index()).toMatchObject({ outcome: "continues" });
  world.msPerLook = 0;

  expect(await index()).toMatchObject({ outcome: "indexed", left: 0 });
  expect(await found(aliasesOf(signingKey).sha1)).toEqual([[intake, "intake"]]);
});
