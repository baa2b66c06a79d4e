import { aliasesOf, fingerprintOf } from "../../events/fingerprint.ts";
import { raiseAlert } from "../../functions/alerts/raise-alert.ts";
import { indexSecrets } from "../../functions/key-index/index-secrets.ts";
import { arnOf, fileWith, NOON_MS } from "../contract/admin-world.ts";
import { newWorld } from "./incident-world.ts";

const watchedBlock = "provider: main, mode: index, rotate: manual, consumers: [{ name: batch }]";

/** billing-key is rotated; batch-key, which Rekey only watches, holds the same key. */
async function sharedWorld() {
  const told = await newWorld();
  const text = told.keys["billing-key"]?.secret.reveal() ?? "";
  told.world.store.create(arnOf("batch-key"), text);
  await watch(told);
  return { ...told, text };
}

async function watch({ cli, world }: Awaited<ReturnType<typeof newWorld>>) {
  const file = fileWith({ secrets: { "billing-key": "", "search-key": "", "batch-key": watchedBlock } });
  expect((await cli("apply", { files: { "rekey.yml": file } })).err).toBe("");
  await indexSecrets.run({ own: [] }, world.depsOf("index-secrets"));
}

describe("a key that is in a rotated secret and in a watched one", () => {
  test.each(["sha256", "sha1", "hmsl"] as const)(
    "is one incident when a source names its %s",
    async (form) => {
      const { world, only, keys, text } = await sharedWorld();
      const identity = { kind: "fingerprint", values: [aliasesOf(text)[form]] };
      const facts = { exposure: "public", verified: "live", where: [], identity };
      const alert = { schema: 1, source: "gitguardian", sourceId: "incident:1", ...facts };
      const detail = { alert, kind: "start", receivedAtMs: NOON_MS, intake: "gitguardian" };

      await raiseAlert.run(raiseAlert.input.parse({ detail }), world.depsOf("raise-alert"));

      expect((await only()).keys).toMatchObject([
        {
          keyId: keys["billing-key"]?.keyId,
          fingerprint: fingerprintOf(text),
          secretArn: arnOf("billing-key"),
          state: "waiting",
        },
      ]);
    },
  );

  test("is one key in the dry run, current in both secrets", async () => {
    const { cli, keys, text } = await sharedWorld();

    const { out } = await cli("compromise --key-stdin --dry-run", { stdin: text });

    const lines = out.split("\n");
    expect(lines.filter((line) => line.startsWith("key "))).toEqual([
      expect.stringContaining(`key ${keys["billing-key"]?.keyId}, found by fingerprint`),
    ]);
    expect(lines).toEqual(
      expect.arrayContaining([
        "  held by billing-key in production: current",
        "  held by batch-key in production: current",
      ]),
    );
  });
});

test("a key that nobody knew is found in the incident it already has, once its secret is watched", async () => {
  const told = await newWorld();
  const { cli, only, world } = told;
  const stdin = "sk-FAKE-batch-only-0000000001";
  await cli("compromise --key-stdin", { stdin });
  expect(await only()).toMatchObject({ match: { by: "none" }, keys: [{ state: "needsPerson" }] });
  world.store.create(arnOf("batch-key"), stdin);
  await watch(told);

  await cli("compromise --key-stdin", { stdin });

  const record = await only();
  expect(record).toMatchObject({
    match: { by: "fingerprint" },
    keys: [{ secretArn: arnOf("batch-key"), provider: "openai", account: "main", state: "waiting" }],
  });
  expect(record.keys[0]?.blocked).toBeUndefined();
});
