import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startVault, type VaultServer } from "../../local/vault.ts";
import { bundleOnce, HostWorld, until } from "./host-world.ts";
import { fingerprintOf } from "./world.ts";

const reference = "vault://main/app/billing#api_key";

let built: Awaited<ReturnType<typeof bundleOnce>>;
let world: HostWorld;
let vault: VaultServer;

beforeAll(async () => {
  built = await bundleOnce();
});

afterAll(() => built.remove());

beforeEach(async () => {
  world = await HostWorld.create(built.bundle);
  vault = await startVault({ sts: () => "" });
  vault.fake.create("app/billing", '{"api_key":"FAKE-key-1"}');
});

afterEach(async () => {
  await world.close();
  await vault.close();
});

/** An AppRole whose secret id is in a file, as a platform mounts it. */
function login(): Record<string, string> {
  const file = join(world.folder, "secret-id");
  writeFileSync(file, `${vault.fake.secretId}\n`, { mode: 0o400 });
  return {
    VAULT_ADDR: vault.url,
    REKEY_VAULT_LOGIN: "approle",
    REKEY_VAULT_ROLE: vault.fake.roleId,
    REKEY_VAULT_SECRET_ID_FILE: file,
  };
}

const holds = () =>
  world.reports().map(({ kind, secretArn, holds: held }) => [kind, secretArn, held.fingerprint]);

test("rekey agent serves and reports a key that it reads in Vault, and its successor", async () => {
  const token = join(world.folder, "token");
  const args = ["agent", "--secret", reference, "--port", "0", "--token-file", token];
  const running = world.run(args, { more: login() });
  const port = await until("the agent", () => /"port":(\d+)/.exec(running.out())?.[1]);
  const get = async (more = "") => {
    const url = `http://127.0.0.1:${port}/secretsmanager/get?secretId=${encodeURIComponent(reference)}${more}`;
    const reply = await fetch(url, {
      headers: { "X-Aws-Parameters-Secrets-Token": readFileSync(token, "utf8") },
    });
    return (await reply.json()) as Record<string, unknown>;
  };

  expect(await get()).toMatchObject({ ARN: reference, SecretString: "FAKE-key-1" });
  vault.fake.put("app/billing", '{"api_key":"FAKE-key-2"}');
  expect(await get("&refreshNow=true")).toMatchObject({ SecretString: "FAKE-key-2" });
  await until("a report", () => holds().length > 1);
  expect(holds()).toEqual([
    ["agent", reference, fingerprintOf("FAKE-key-1")],
    ["agent", reference, fingerprintOf("FAKE-key-2")],
  ]);
});

test("rekey exec starts a program with a key from Vault, again with its successor, and passes no login on", async () => {
  const inherited = 'env | grep -c -e "^REKEY_VAULT" -e "^VAULT_TOKEN"';
  const script = `echo "$KEY $(${inherited})"; while :; do sleep 1; done`;
  const args = ["exec", "--secret", reference, "--env", "KEY", "--refresh", "200ms", "--spread", "1ms"];
  const running = world.run([...args, "--", "/bin/sh", "-c", script], {
    more: { ...login(), VAULT_TOKEN: "x" },
  });
  await until("the first start", () => running.out().includes("FAKE-key-1 0"));
  vault.fake.put("app/billing", '{"api_key":"FAKE-key-2"}');
  await until("the second start", () => running.out().includes("FAKE-key-2 0"));
  await until("its report", () =>
    holds().some(
      ([kind, arn, held]) => kind === "exec" && arn === reference && held === fingerprintOf("FAKE-key-2"),
    ),
  );
  running.child.kill("SIGTERM");
  await running.ended;
}, 60_000);

test("a secret that Vault does not give fails the start, and says what to look at", async () => {
  const args = ["agent", "--secret", reference, "--port", "0", "--token-file", join(world.folder, "token")];
  const running = world.run(args, { more: { ...login(), REKEY_VAULT_ROLE: "other" } });
  expect(await running.ended).toMatchObject({ code: 1 });
  expect(running.err()).toContain(`the secret ${reference} could not be read (UpstreamUnavailable: denied)`);
  expect(running.err()).toContain("hint: look at the login and at the policy of vault for this secret");
});
