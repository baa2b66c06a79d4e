import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "../../core/secret.ts";
import { ConsumerReport } from "../../events/consumer-report.ts";
import { isProvenBy, reportKeyOf } from "../../events/report-proof.ts";
import { azureOptions } from "../../sdk/client/azure.ts";
import { type GoogleOptions, googleOptions } from "../../sdk/client/google.ts";
import { createRekey, type RekeyOptions } from "../../sdk/client/index.ts";
import { AzureFake, azureFetch } from "../../stores/azure-key-vault/fake.ts";
import {
  type GoogleAnswer,
  GoogleFake,
  type GoogleRequest,
  googleFetch,
} from "../../stores/google-secret-manager/fake.ts";
import { FakeUpstream, fingerprintOf, VirtualTime } from "./world.ts";

const reference = "google://main/openai";

interface Given extends GoogleOptions {
  env?: Record<string, string>;
  options?: Partial<RekeyOptions>;
}

/** One consumer with its secret in Google, and the report bus of AWS. */
function company({ env = {}, options, ...google }: Given = {}) {
  const time = new VirtualTime();
  const fake = new GoogleFake("shop-fake", time.clock.wallMs);
  fake.create("openai");
  fake.alias("openai", "current", fake.add("openai", "FAKE-key-1"));
  const asked: GoogleRequest[] = [];
  const struck: { by?: (request: GoogleRequest) => GoogleAnswer | "lost" } = {};
  const fetch = googleFetch(fake, (request, go) => {
    asked.push(request);
    return struck.by?.(request) ?? go();
  });
  const upstream = new FakeUpstream(time);
  upstream.latencyMs = 0;
  const rekey = createRekey(
    googleOptions({
      ...{ consumer: "billing", environment: "production", reportBus: "reports", clock: time.clock },
      ...{ transport: upstream.transport, fetch: fetch as typeof globalThis.fetch },
      env: { GOOGLE_CLOUD_PROJECT: "shop-fake", ...env },
      google,
      ...options,
    }),
  );
  const promote = (text: string) => fake.alias("openai", "current", fake.add("openai", text));
  return {
    rekey,
    fake,
    time,
    asked,
    struck,
    upstream,
    promote,
    open: () => rekey.open({ secret: reference }),
  };
}

const file = (text: string) => {
  const path = join(mkdtempSync(join(tmpdir(), "rekey-google-")), "token");
  writeFileSync(path, text, { mode: 0o400 });
  return path;
};

test("a key is read by the alias that consumers read, and reported with a proof that is this key's", async () => {
  const { open, rekey, upstream, fake, asked } = company();
  fake.alias("openai", "pending", fake.add("openai", "FAKE-pending"));
  const key = await open();
  await rekey.flush();

  expect(key.get()).toBe("FAKE-key-1");
  expect(asked.at(-1)?.url.pathname).toBe("/v1/projects/shop-fake/secrets/openai/versions/current:access");
  const report = ConsumerReport.parse(JSON.parse(upstream.entries[0]?.Detail ?? ""));
  expect(report).toMatchObject({
    ...{ secretArn: reference, holds: { fingerprint: fingerprintOf("FAKE-key-1"), versionId: "gsm-1" } },
  });
  expect(isProvenBy(report, reportKeyOf(new Secret("FAKE-key-1")))).toBe(true);
});

test("a promotion is seen at the next look, and a refused key is read again at once", async () => {
  const { open, promote, time } = company();
  const key = await open();
  promote("FAKE-key-2");
  expect(key.get()).toBe("FAKE-key-1");
  await time.pass(5 * 60_000);
  await time.pass(1_000);
  expect(key.get()).toBe("FAKE-key-2");

  promote("FAKE-key-3");
  const answer = await key.use(async (text) => {
    if (text === "FAKE-key-2") throw Object.assign(new Error("refused"), { status: 401 });
    return text;
  });
  expect(answer).toBe("FAKE-key-3");
});

test("everything that is not in Google goes where it went", async () => {
  const { rekey, upstream, asked } = company();
  const arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:x-AbCdEf";
  await rekey.open({ secret: arn });
  expect([upstream.count("get"), asked]).toEqual([1, []]);
});

test("one client reads keys in Google and in Azure, where the options of both are put together", async () => {
  const address = "https://shop-fake.vault.azure.net";
  const [time, azure] = [new VirtualTime(), new AzureFake(address, Date.now)];
  const google = new GoogleFake("shop-fake", Date.now);
  google.create("openai");
  google.alias("openai", "current", google.add("openai", "FAKE-google-1"));
  azure.put("search", "FAKE-azure-1");
  const [inGoogle, inAzure] = [googleFetch(google), azureFetch(azure)];
  const fetch = (url: string, init: RequestInit) => (url.startsWith(address) ? inAzure : inGoogle)(url, init);
  const rekey = createRekey(
    azureOptions(
      googleOptions({
        ...{ consumer: "billing", environment: "production", clock: time.clock },
        ...{ transport: new FakeUpstream(time).transport, fetch: fetch as typeof globalThis.fetch },
        env: {
          ...{ GOOGLE_CLOUD_PROJECT: "shop-fake", REKEY_AZURE_VAULT: address },
          ...{ IDENTITY_ENDPOINT: `${address}/msi/token`, IDENTITY_HEADER: azure.identityHeader },
        },
      }),
    ),
  );
  expect((await rekey.open({ secret: reference })).get()).toBe("FAKE-google-1");
  expect((await rekey.open({ secret: "azure://main/search" })).get()).toBe("FAKE-azure-1");
});

describe("a secret that cannot be read says why, in Google's words and without a value", () => {
  test.each([
    [403, "denied", "Google's IAM does not allow this identity to read it"],
    [404, "notFound", 'Google has no version with the alias "current"'],
    [400, "refused", "Google answered 400, and nothing readable"],
  ])("%s", async (status, reason, says) => {
    const { open, struck } = company();
    struck.by = ({ url }) =>
      url.pathname.endsWith(":access")
        ? { status, json: { error: { message: "FAKE-key-1" } } }
        : (undefined as never);
    await expect(open()).rejects.toMatchObject({ reason, message: `${reference}: ${says}` });
  });

  test.each([
    [429, "throttled", "Google is asked too often (429)"],
    [503, "server", "Google is not answering (503)"],
  ])("%s, which may pass, after one more try", async (status, reason, says) => {
    const { open, struck, time } = company();
    struck.by = ({ url }) => (url.pathname.endsWith(":access") ? { status, json: {} } : (undefined as never));
    const failing = expect(open()).rejects.toMatchObject({ reason, message: `${reference}: ${says}` });
    await time.pass(2_000);
    await failing;
  });

  test("damaged on the way: it is not taken for the key", async () => {
    const { open, struck, time } = company();
    const payload = { data: Buffer.from("FAKE-kez-1").toString("base64"), dataCrc32c: "1" };
    struck.by = ({ url }) =>
      url.pathname.endsWith(":access")
        ? { status: 200, json: { name: "projects/1/secrets/openai/versions/1", payload } }
        : (undefined as never);
    const failing = expect(open()).rejects.toThrow("what Google sent arrived damaged");
    await time.pass(2_000);
    await failing;
  });

  test.each(["google://main/../x", "google://main/openai/versions/latest", "google://main/a?b"])(
    "%s is no reference",
    async (wrong) => {
      const { rekey, asked } = company();
      await expect(rekey.open({ secret: wrong })).rejects.toMatchObject({ name: "OptionInvalid" });
      expect(asked).toEqual([]);
    },
  );

  test.each(["http://secretmanager.example.com", "ftp://x"])(
    "a token is not sent to %s",
    async (endpoint) => {
      const { open, asked } = company({ endpoint });
      await expect(open()).rejects.toMatchObject({ name: "OptionInvalid" });
      expect(asked).toEqual([]);
    },
  );
});

describe("the login", () => {
  const audience =
    "//iam.googleapis.com/projects/123456/locations/global/workloadIdentityPools/aws-pool/providers/aws-main";
  const federated = {
    ...{
      REKEY_GOOGLE_AUDIENCE: audience,
      AWS_ACCESS_KEY_ID: "AKIDFAKE",
      AWS_SECRET_ACCESS_KEY: "FAKE-secret",
    },
    REKEY_GOOGLE_SERVICE_ACCOUNT: "rekey@shop-fake.iam.gserviceaccount.com",
  };

  test("by the AWS role hands over a signed question that names the provider, and no credential", async () => {
    const { open, fake, asked } = company({ env: { ...federated, REKEY_GOOGLE_LOGIN: "aws" } });
    fake.identify = ({ url, headers }) =>
      url.startsWith("https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity") &&
      /SignedHeaders=host;x-amz-date;x-goog-cloud-target-resource/.test(headers["authorization"] ?? "")
        ? fake.principal
        : undefined;
    expect((await open()).get()).toBe("FAKE-key-1");
    expect(fake.counts).toEqual({ exchanges: 1, impersonations: 1 });
    expect(JSON.stringify(asked)).not.toContain("FAKE-secret");
    const untrusted = company({ env: { ...federated, REKEY_GOOGLE_LOGIN: "aws" } });
    await expect(untrusted.open()).rejects.toThrow(`${reference}: Google refused the login (400)`);
  });

  test("by a token of another issuer reads its file at each login", async () => {
    const { open, struck, asked } = company({
      env: { ...federated, REKEY_GOOGLE_LOGIN: "jwt", REKEY_GOOGLE_JWT_FILE: file("eyFAKE.pod\n") },
    });
    struck.by = ({ url }) =>
      url.host === "sts.googleapis.com" ? { status: 403, json: {} } : (undefined as never);
    await expect(open()).rejects.toThrow("Google refused the login (403)");
    expect(asked[0]?.body).toMatchObject({
      ...{ subjectToken: "eyFAKE.pod", subjectTokenType: "urn:ietf:params:oauth:token-type:jwt", audience },
    });
  });

  test("by a file takes the token in it, and by the metadata server asks once an hour", async () => {
    const given = company({ env: { REKEY_GOOGLE_LOGIN: "token", REKEY_GOOGLE_TOKEN_FILE: file("") } });
    await expect(given.open()).rejects.toThrow(/see REKEY_GOOGLE_TOKEN_FILE/);
    const { open, asked, time } = company();
    await open();
    await time.pass(50 * 60_000);
    expect(asked.filter(({ url }) => url.host === "metadata.google.internal")).toHaveLength(1);
    await time.pass(20 * 60_000);
    expect(asked.filter(({ url }) => url.host === "metadata.google.internal")).toHaveLength(2);
  });

  test("that was revoked is made once more", async () => {
    const { open, fake, promote, time } = company();
    const key = await open();
    fake.forgetTokens();
    promote("FAKE-key-2");
    expect(key.get()).toBe("FAKE-key-1");
    await time.pass(5 * 60_000);
    await time.pass(1_000);
    expect(key.get()).toBe("FAKE-key-2");
  });

  test.each([
    [{ REKEY_GOOGLE_LOGIN: "magic" }, "metadata, aws, jwt or token"],
    [{ REKEY_GOOGLE_LOGIN: "aws" }, "REKEY_GOOGLE_AUDIENCE"],
    [{ GOOGLE_CLOUD_PROJECT: "" }, "REKEY_GOOGLE_PROJECT"],
  ])("%j is told by the setting's name", async (env, says) => {
    await expect(company({ env }).open()).rejects.toThrow(says);
  });
});
