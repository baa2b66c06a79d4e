import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "../../core/secret.ts";
import { ConsumerReport } from "../../events/consumer-report.ts";
import { isProvenBy, reportKeyOf } from "../../events/report-proof.ts";
import { type AzureOptions, azureOptions } from "../../sdk/client/azure.ts";
import { createRekey } from "../../sdk/client/index.ts";
import {
  type AzureAnswer,
  AzureFake,
  type AzureRequest,
  azureFetch,
} from "../../stores/azure-key-vault/fake.ts";
import { FakeUpstream, fingerprintOf, VirtualTime } from "./world.ts";

const reference = "azure://main/openai";
const vault = "https://shop-fake.vault.azure.net";

interface Given extends AzureOptions {
  env?: Record<string, string>;
}

/** One consumer with its secret in Azure, and the report bus of AWS. */
function company({ env = {}, ...azure }: Given = {}) {
  const time = new VirtualTime();
  const fake = new AzureFake(vault, time.clock.wallMs);
  fake.put("openai", "FAKE-key-1");
  const asked: AzureRequest[] = [];
  const struck: { by?: (request: AzureRequest) => AzureAnswer | undefined } = {};
  const fetch = azureFetch(fake, (request, go) => {
    asked.push(request);
    return struck.by?.(request) ?? go();
  });
  const upstream = new FakeUpstream(time);
  upstream.latencyMs = 0;
  const managed = { IDENTITY_ENDPOINT: `${vault}/msi/token`, IDENTITY_HEADER: fake.identityHeader };
  const rekey = createRekey(
    azureOptions({
      ...{ consumer: "billing", environment: "production", reportBus: "reports", clock: time.clock },
      ...{ transport: upstream.transport, fetch: fetch as typeof globalThis.fetch },
      env: { REKEY_AZURE_VAULT: vault, ...managed, ...env },
      azure,
    }),
  );
  return { rekey, fake, time, asked, struck, upstream, open: () => rekey.open({ secret: reference }) };
}

const isRead = ({ url }: AzureRequest) => url.pathname.startsWith("/secrets/");

test("the newest version is read under its reference, and reported with a proof that is this key's", async () => {
  const { open, rekey, upstream, fake } = company();
  fake.put("openai-rekey-pending", "FAKE-pending");
  const key = await open();
  await rekey.flush();

  expect(key.get()).toBe("FAKE-key-1");
  const report = ConsumerReport.parse(JSON.parse(upstream.entries[0]?.Detail ?? ""));
  expect(report).toMatchObject({ secretArn: reference, holds: { fingerprint: fingerprintOf("FAKE-key-1") } });
  expect(report.holds.versionId).toMatch(/^akv-[0-9a-f]{32}$/);
  expect(isProvenBy(report, reportKeyOf(new Secret("FAKE-key-1")))).toBe(true);
});

test("a promotion is seen at the next look, and a refused key is read again at once", async () => {
  const { open, fake, time } = company();
  const key = await open();
  fake.put("openai", "FAKE-key-2");
  expect(key.get()).toBe("FAKE-key-1");
  await time.pass(5 * 60_000);
  await time.pass(1_000);
  expect(key.get()).toBe("FAKE-key-2");

  fake.put("openai", "FAKE-key-3");
  const answer = await key.use(async (text) => {
    if (text === "FAKE-key-2") throw Object.assign(new Error("refused"), { status: 401 });
    return text;
  });
  expect(answer).toBe("FAKE-key-3");
});

test("everything that is not in Azure goes where it went", async () => {
  const { rekey, upstream, asked } = company();
  await rekey.open({ secret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:x-AbCdEf" });
  expect([upstream.count("get"), asked]).toEqual([1, []]);
});

describe("a secret that cannot be read says why, in Azure's words and without a value", () => {
  const forbidden = {
    error: { code: "Forbidden", message: "FAKE-key-1", innererror: { code: "ForbiddenByRbac" } },
  };

  test.each([
    [403, forbidden, "denied", "Azure does not allow this identity to read it"],
    [404, {}, "notFound", "Azure has no such secret"],
    [400, {}, "refused", "Azure answered 400, and nothing readable"],
  ])("%s", async (status, json, reason, says) => {
    const { open, struck } = company();
    struck.by = (request) => (isRead(request) ? { status, json } : undefined);
    await expect(open()).rejects.toMatchObject({ reason, message: `${reference}: ${says}` });
  });

  test("a disabled newest version is no value", async () => {
    const { open, fake } = company();
    for (const version of fake.at("openai").versions) version.enabled = false;
    await expect(open()).rejects.toThrow("its newest version in Azure is disabled");
  });

  test("a throttled vault may pass, after one more try", async () => {
    const { open, struck, time } = company();
    struck.by = (request) => (isRead(request) ? { status: 429, json: {} } : undefined);
    const failing = expect(open()).rejects.toMatchObject({ reason: "throttled" });
    await time.pass(2_000);
    await failing;
  });

  test.each([
    "azure://main/../x",
    "azure://main/Openai",
    "azure://main/openai-rekey-pending",
    "azure://main/a?b",
  ])("%s is no reference", async (wrong) => {
    const { rekey, asked } = company();
    await expect(rekey.open({ secret: wrong })).rejects.toMatchObject({ name: "OptionInvalid" });
    expect(asked).toEqual([]);
  });

  test.each(["http://shop.vault.azure.net", "https://x/secrets", ""])(
    "a token is not sent to %s",
    async (wrong) => {
      const { open, asked } = company({ env: { REKEY_AZURE_VAULT: wrong } });
      await expect(open()).rejects.toMatchObject({ name: "OptionInvalid" });
      expect(asked).toEqual([]);
    },
  );
});

describe("the login", () => {
  const application = {
    AZURE_TENANT_ID: "0f0f0f0f-0000-4000-8000-000000000001",
    AZURE_CLIENT_ID: "0f0f0f0f-0000-4000-8000-000000000002",
  };

  test("by AKS's token reads its file, and shows it to Azure only", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "rekey-azure-")), "token");
    writeFileSync(path, "eyFAKE.pod\n", { mode: 0o400 });
    const { open, fake, asked } = company({ env: { ...application, AZURE_FEDERATED_TOKEN_FILE: path } });
    fake.trusts = (statement) => statement === "eyFAKE.pod";
    expect((await open()).get()).toBe("FAKE-key-1");
    expect(asked[0]?.url.host).toBe("login.microsoftonline.com");
    const other = company({ env: { ...application, AZURE_FEDERATED_TOKEN_FILE: path } });
    other.fake.trusts = () => false;
    await expect(other.open()).rejects.toThrow("Azure refused the login (401)");
  });

  test("by the AWS role shows AWS's statement, which is for Azure and ends soon", async () => {
    const role = {
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "AKIDFAKE",
      AWS_SECRET_ACCESS_KEY: "FAKE-secret",
    };
    const { open, fake, struck, asked } = company({
      env: { ...application, ...role, REKEY_AZURE_LOGIN: "aws" },
    });
    const WebIdentityToken = "eyFAKE.statement";
    struck.by = ({ url }) =>
      url.host === "sts.eu-central-1.amazonaws.com"
        ? {
            status: 200,
            json: { GetWebIdentityTokenResponse: { GetWebIdentityTokenResult: { WebIdentityToken } } },
          }
        : undefined;
    fake.trusts = (statement) => statement === WebIdentityToken;
    expect((await open()).get()).toBe("FAKE-key-1");
    expect(Object.fromEntries(new URLSearchParams(asked[0]?.text))).toMatchObject({
      ...{ "Audience.member.1": "api://AzureADTokenExchange", DurationSeconds: "300" },
    });
    expect(JSON.stringify(asked)).not.toContain("FAKE-secret");
    const other = company({ env: { ...application, ...role, REKEY_AZURE_LOGIN: "aws" } });
    other.struck.by = ({ url }) => (url.host.startsWith("sts.") ? { status: 403, json: {} } : undefined);
    await expect(other.open()).rejects.toThrow("AWS's STS gave this role no statement for Azure (403)");
  });

  test("by the managed identity is made anew before its token ends", async () => {
    const { open, asked, time } = company();
    await open();
    await time.pass(50 * 60_000);
    const logins = () => asked.filter(({ url }) => url.pathname === "/msi/token").length;
    expect(logins()).toBe(1);
    await time.pass(20 * 60_000);
    expect(logins()).toBe(2);
  });

  test.each([
    [{ REKEY_AZURE_LOGIN: "magic" }, "managed, federated or aws"],
    [{ REKEY_AZURE_LOGIN: "aws" }, "AZURE_TENANT_ID"],
    [{ REKEY_AZURE_LOGIN: "federated", ...application }, "AZURE_FEDERATED_TOKEN_FILE"],
  ])("%j is told by the setting's name", async (env, says) => {
    await expect(company({ env }).open()).rejects.toThrow(says);
  });
});
