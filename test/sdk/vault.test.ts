import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { Secret } from "../../core/secret.ts";
import { ConsumerReport } from "../../events/consumer-report.ts";
import { isProvenBy, reportKeyOf } from "../../events/report-proof.ts";
import { createRekey, type RekeyOptions } from "../../sdk/client/index.ts";
import { sign } from "../../sdk/client/sigv4.ts";
import { type VaultLogin, type VaultOptions, vaultOptions } from "../../sdk/client/vault.ts";
import { type SignedRequest, VaultFake, vaultFetch } from "../../stores/vault/fake.ts";
import { FakeUpstream, fingerprintOf, VirtualTime } from "./world.ts";

const [first, second] = ["https://vault-1.example.com:8200", "https://vault-2.example.com:8200"];
const reference = "vault://main/app/billing#api_key";

interface Given extends VaultOptions {
  env?: Record<string, string>;
  options?: Partial<RekeyOptions>;
}

/** One consumer with its secret in Vault, and the report bus of AWS. */
function company({ env = {}, options, ...vault }: Given = {}) {
  const time = new VirtualTime();
  const fake = new VaultFake(time.clock.wallMs);
  const other = new VaultFake(time.clock.wallMs);
  other.state = "standby";
  fake.create("app/billing", '{"api_key":"FAKE-key-1","note":"x"}');
  fake.tokens.set("token-given-FAKE", { until: Infinity, maxUntil: Infinity });
  const asked: string[] = [];
  const answer = vaultFetch({ [first]: fake, [second]: other }, (request, go) => {
    asked.push(`${request.method} ${request.path}`);
    return go();
  });
  const upstream = new FakeUpstream(time);
  upstream.latencyMs = 0;
  const rekey = createRekey(
    vaultOptions({
      ...{ consumer: "billing", environment: "production", reportBus: "reports", clock: time.clock },
      transport: upstream.transport,
      fetch: answer as typeof fetch,
      env: { VAULT_TOKEN: "token-given-FAKE", ...env },
      vault: { address: first, ...vault },
      ...options,
    }),
  );
  return { rekey, fake, other, time, asked, upstream, open: () => rekey.open({ secret: reference }) };
}

test("a key in Vault is read under its reference, and reported with a proof that is this key's", async () => {
  const { open, rekey, upstream } = company();
  const key = await open();
  await rekey.flush();

  expect(key.get()).toBe("FAKE-key-1");
  expect(key.fingerprint).toBe(fingerprintOf("FAKE-key-1"));
  const [entry] = upstream.entries;
  const report = ConsumerReport.parse(JSON.parse(entry?.Detail ?? ""));
  expect(report).toMatchObject({ secretArn: reference, holds: { fingerprint: key.fingerprint } });
  expect(report.holds.versionId).toMatch(/^kv-1-\d{17,23}$/);
  expect(entry?.Resources).toEqual([reference]);
  expect(isProvenBy(report, reportKeyOf(new Secret("FAKE-key-1")))).toBe(true);
  expect(isProvenBy(report, reportKeyOf(new Secret("FAKE-key-2")))).toBe(false);
});

test("a promotion is seen at the next look, and a refused key is read again at once", async () => {
  const { open, fake, time } = company();
  const key = await open();
  fake.put("app/billing", '{"api_key":"FAKE-key-2"}');
  await time.pass(5 * 60_000);
  expect(key.get()).toBe("FAKE-key-1");
  await time.pass(1);
  expect(key.get()).toBe("FAKE-key-2");

  fake.put("app/billing", '{"api_key":"FAKE-key-3"}');
  const used: string[] = [];
  const answer = await key.use(async (text) => {
    used.push(text);
    if (text === "FAKE-key-2") throw Object.assign(new Error("refused"), { status: 401 });
    return "served";
  });
  expect([answer, used]).toEqual(["served", ["FAKE-key-2", "FAKE-key-3"]]);
});

test("everything that is not in Vault goes where it went", async () => {
  const { rekey, upstream, asked } = company();
  const key = await rekey.open({
    secret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:x-AbCdEf",
  });
  expect(key.get()).toBe("FAKE-key-1");
  expect([upstream.count("get"), asked]).toEqual([1, []]);
});

describe("the servers", () => {
  test("the next one of a cluster is asked where one is on standby or sealed", async () => {
    const { open } = company({ address: `${second}, ${first}` });
    expect((await open()).get()).toBe("FAKE-key-1");
    const { open: reopen, time } = company({ address: second });
    const failing = expect(reopen()).rejects.toMatchObject({
      ...{ name: "UpstreamUnavailable", reason: "server" },
      message: `${reference}: Vault is not answering (307)`,
    });
    // A failure that may pass is tried once more.
    await time.pass(1_000);
    await failing;
  });

  test("a sealed cluster is passing: what is held is served until it is too old, and then not", async () => {
    const { open, fake, time } = company({ options: { maxStaleMs: 60_000 } });
    const key = await open();
    fake.state = "sealed";
    await time.pass(50_000);
    expect(key.get()).toBe("FAKE-key-1");
    await time.pass(20_000);
    expect(() => key.get()).toThrow(
      expect.objectContaining({
        name: "KeyTooStale",
        message: expect.stringContaining("Vault is sealed or in maintenance (503)"),
      }),
    );
  });

  test.each(["http://vault.example.com", "https://vault.example.com/other", "ftp://x", ""])(
    "a token is not sent to %s",
    async (address) => {
      const { open, asked } = company({ address });
      await expect(open()).rejects.toMatchObject({ name: "OptionInvalid" });
      expect(asked).toEqual([]);
    },
  );

  test("nor with a version of TLS below 1.2, which NODE_OPTIONS can allow", async () => {
    const before = tls.DEFAULT_MIN_VERSION;
    tls.DEFAULT_MIN_VERSION = "TLSv1.1";
    try {
      await expect(company().open()).rejects.toThrow("this process allows TLSv1.1");
    } finally {
      tls.DEFAULT_MIN_VERSION = before;
    }
  });
});

describe("a secret that cannot be read says why, in Vault's words and without a value", () => {
  test("its policy", async () => {
    const { open } = company({ env: { VAULT_TOKEN: "token-other-FAKE" } });
    await expect(open()).rejects.toMatchObject({
      ...{ reason: "denied", message: `${reference}: Vault's policy does not allow this token to read it` },
    });
  });

  test("a deleted version, and a secret that is not there", async () => {
    const { open, fake, rekey } = company();
    fake.delete("app/billing");
    await expect(open()).rejects.toMatchObject({ reason: "notFound" });
    await expect(rekey.open({ secret: "vault://main/app/none#api_key" })).rejects.toMatchObject({
      reason: "notFound",
    });
  });

  test("a field that is not there, and a reference out of the mount", async () => {
    const { rekey, asked } = company();
    await expect(rekey.open({ secret: "vault://main/app/billing#other" })).rejects.toMatchObject({
      name: "KeyUnreadable",
      message: "vault://main/app/billing#other was read, but there is no text in it",
    });
    const before = asked.length;
    for (const wrong of ["vault://main/../sys/seal#x", "vault://main/app/billing", "vault://main/a?b#c"])
      await expect(rekey.open({ secret: wrong })).rejects.toMatchObject({ name: "OptionInvalid" });
    expect(asked).toHaveLength(before);
  });
});

describe("the login", () => {
  const file = (text: string) => {
    const path = join(mkdtempSync(join(tmpdir(), "rekey-vault-")), "token");
    writeFileSync(path, text);
    return path;
  };

  test.each<[string, Record<string, string>]>([
    ["approle", { REKEY_VAULT_ROLE: "role-FAKE", REKEY_VAULT_SECRET_ID: "secret-id-FAKE" }],
    ["approle", { REKEY_VAULT_ROLE: "role-FAKE", REKEY_VAULT_SECRET_ID_FILE: file("secret-id-FAKE\n") }],
    ["kubernetes", { REKEY_VAULT_ROLE: "role-FAKE", REKEY_VAULT_JWT_FILE: file("secret-id-FAKE") }],
    ["jwt", { REKEY_VAULT_ROLE: "role-FAKE", REKEY_VAULT_JWT_FILE: file("secret-id-FAKE") }],
  ])("by %s comes from the environment", async (method, env) => {
    const { open, fake } = company({ env: { VAULT_TOKEN: "", REKEY_VAULT_LOGIN: method, ...env } });
    expect((await open()).get()).toBe("FAKE-key-1");
    expect(fake.counts.logins).toBe(1);
  });

  test("that is not complete fails loudly, and names the variable", async () => {
    await expect(company({ env: { VAULT_TOKEN: "" } }).open()).rejects.toThrow(/VAULT_TOKEN/);
    await expect(company({ env: { REKEY_VAULT_LOGIN: "approle" } }).open()).rejects.toThrow(
      /REKEY_VAULT_ROLE/,
    );
    await expect(
      company({ env: { REKEY_VAULT_LOGIN: "magic", REKEY_VAULT_ROLE: "r" } }).open(),
    ).rejects.toThrow(/token, approle, jwt, kubernetes or aws/);
    const wrong = { REKEY_VAULT_LOGIN: "approle", REKEY_VAULT_ROLE: "role-FAKE", REKEY_VAULT_SECRET_ID: "x" };
    await expect(company({ env: wrong }).open()).rejects.toMatchObject({ reason: "denied" });
  });

  test("a token is renewed after 70 % of its life, got anew at its maximum, and once more where it was revoked", async () => {
    const login: VaultLogin = { method: "approle", roleId: "role-FAKE", secretId: "secret-id-FAKE" };
    const { open, fake, time } = company({ login });
    const key = await open();
    await time.pass(690_000);
    await key.refresh();
    expect(fake.counts).toEqual({ logins: 1, renewals: 0 });
    await time.pass(20_000);
    await key.refresh();
    expect(fake.counts).toEqual({ logins: 1, renewals: 1 });
    await time.pass(4_000_000);
    await key.refresh();
    expect(fake.counts.logins).toBeGreaterThan(1);
    const { logins } = fake.counts;
    fake.tokens.clear();
    await key.refresh();
    expect(fake.counts.logins).toBe(logins + 1);
  });

  describe("by AWS", () => {
    const credentials = {
      accessKeyId: "AKIDFAKE",
      secretAccessKey: "FAKE-secret",
      sessionToken: "FAKE-session",
    };
    const env = {
      AWS_ACCESS_KEY_ID: "AKIDFAKE",
      AWS_SECRET_ACCESS_KEY: "FAKE-secret",
      AWS_SESSION_TOKEN: "FAKE-session",
    };
    const login: VaultLogin = { method: "aws", role: "role-FAKE", serverId: "vault.example.com" };

    /** As STS checks it: the same request is signed again with what it knows of the access key. */
    function checkedBy(fake: VaultFake, time: VirtualTime): SignedRequest[] {
      const seen: SignedRequest[] = [];
      fake.identify = (signed) => {
        seen.push(signed);
        const { authorization = "", ...headers } = signed.headers;
        const plain = Object.entries(headers).filter(([name]) => !/^(host|x-amz-.*)$/.test(name));
        const region = new URL(signed.url).hostname.split(".")[1] === "amazonaws" ? "us-east-1" : "eu-west-1";
        const again = sign({
          ...{ method: "POST", url: new URL(signed.url), body: signed.body, service: "sts", region },
          ...{ headers: Object.fromEntries(plain), credentials, nowMs: time.clock.wallMs() },
        });
        return again["authorization"] === authorization ? fake.principal : undefined;
      };
      return seen;
    }

    test.each([undefined, "eu-west-1"])(
      "sends a signed question and no credential (Region %s)",
      async (region) => {
        const { open, fake, time } = company({ login: { ...login, region }, env });
        fake.serverId = "vault.example.com";
        const seen = checkedBy(fake, time);
        expect((await open()).get()).toBe("FAKE-key-1");
        expect(seen).toHaveLength(1);
        expect(JSON.stringify(seen)).not.toContain("FAKE-secret");
      },
    );

    test("that was signed for another server is refused", async () => {
      const { open, fake, time } = company({ login: { ...login, serverId: "other.example.com" }, env });
      fake.serverId = "vault.example.com";
      checkedBy(fake, time);
      await expect(open()).rejects.toMatchObject({
        ...{ reason: "denied", message: `${reference}: Vault refused the login by aws` },
      });
    });
  });
});
