import { parse } from "yaml";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { adminWorld, arnOf, fileWith } from "./admin-world.ts";

const secretArn = arnOf("billing-key");
const block = (more: string) =>
  `provider: main, rotate: { every: 30d }, consumers: [{ name: billing }]${more}`;

/** One secret with this value, applied. */
async function applied(value: string, more = "", world = adminWorld()) {
  world.store.create(secretArn, value);
  const file = parse(fileWith({ secrets: { "billing-key": block(more) } }));
  const [secret] = (await world.send({ command: "apply", files: [{ path: "rekey.yml", data: file }] }))
    .answer["secrets"] as readonly object[];
  return { world, secret };
}

test("a key is indexed and adopted without the line end and the byte order mark around it", async () => {
  const world = adminWorld();
  const key = world.provider.addKey({ name: "by hand" });
  const text = key.secret.reveal();

  const { secret } = await applied(`\uFEFF${text}\n`, "", world);

  expect(secret).toMatchObject({ outcome: "created", keyId: key.keyId });
  expect(await world.ledger.holders(fingerprintOf(text))).toMatchObject([{ secretArn }]);
});

test.each([
  ["a database password", "FAKE-p4ssw0rd", "another kind of text"],
  ["another provider's key", `gsk_${"FAKE".repeat(13)}`, "a key of Groq"],
  ["a .env file", "DB_PASSWORD=FAKE-p4ssw0rd", "a .env file"],
])("%s is refused, whatever key the policy names, and stays as it is", async (_, value, looks) => {
  const world = adminWorld();
  const key = world.provider.addKey({ name: "another secret's" });

  const { secret } = await applied(value, `, currentKeyId: ${key.keyId}`, world);

  expect(secret).toMatchObject({ outcome: "failed", reason: expect.stringContaining(looks) });
  expect((await world.store.current(secretArn)).text.reveal()).toBe(value);
  expect((await world.ledger.secret(secretArn)).keys).toEqual([]);
});

test("a currentKeyId that the provider's listing contradicts is refused", async () => {
  const world = adminWorld();
  const own = world.provider.addKey({ name: "own" });
  const other = world.provider.addKey({ name: "another service's" });

  const { secret } = await applied(own.secret.reveal(), `, currentKeyId: ${other.keyId}`, world);

  expect(secret).toMatchObject({
    outcome: "failed",
    reason: expect.stringContaining(`the provider shows it as key ${own.keyId}`),
  });
  expect((await world.ledger.secret(secretArn)).keys).toEqual([]);
});

test("a currentKeyId is refused by its hint where the provider does not list the key of the value", async () => {
  const world = adminWorld();
  const other = world.provider.addKey({ name: "another service's" });

  const { secret } = await applied(
    "sk-proj-FAKEnotListedHereFAKE0001",
    `, currentKeyId: ${other.keyId}`,
    world,
  );

  expect(secret).toMatchObject({
    outcome: "failed",
    reason: expect.stringContaining("the provider shows other characters of that key"),
  });
});

test("the right currentKeyId is taken", async () => {
  const world = adminWorld();
  const own = world.provider.addKey({ name: "own" });
  const { secret } = await applied(own.secret.reveal(), `, currentKeyId: ${own.keyId}`, world);
  expect(secret).toMatchObject({ outcome: "created", keyId: own.keyId });
});
