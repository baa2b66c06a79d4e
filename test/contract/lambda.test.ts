import { createHash } from "node:crypto";
import type { Policy } from "../../core/policy.ts";
import type { KeyProvider } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { providerFor, systemClock } from "../../functions/wiring/base.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { connected } from "../../providers/connect.ts";
import { whyGuessable } from "../../providers/guessable.ts";
import type { Http, HttpReply, HttpRequest } from "../../providers/http.ts";
import { assertKeyOf } from "../../providers/key-of.ts";
import * as adapter from "../../providers/lambda/adapter.ts";
import { lambdaFake } from "../../providers/lambda/fake.ts";
import { lambda } from "../../providers/lambda/index.ts";
import { callPair, sealTo } from "../../providers/lambda/sealed.ts";
import { memoryStore } from "../../stores/secrets-manager/fake.ts";
import { underContract } from "./fake-provider-world.ts";
import { describeProvider } from "./provider-contract.ts";

const able = { disable: true, lastUse: true, requests: true };
const subject = {
  ...{ kind: lambda, adapter, fake: lambdaFake, settings: able },
  // The function's code is looked at once, before its first call.
  prepare: (provider: KeyProvider) => provider.list(),
};
const skips = { expiry: "the contract has no operation that postpones an expiry" };

describeProvider("lambda over a socket", underContract(subject, { skips }, { overSocket: true }));
describeProvider("lambda without a socket", underContract(subject, { skips }));

describe("a provider's function", () => {
  const at = "http://127.0.0.1:1";
  const pair = async () => ({ accessKeyId: "AKIAFAKE", secretAccessKey: "FAKE-role-secret-0000" });

  /** The adapter with what it sends and what comes back in sight. */
  function watched(
    change: (reply: HttpReply, request: HttpRequest) => HttpReply = (reply) => reply,
    given: { readonly functions?: object; readonly awsCredentials?: typeof pair | undefined } = {},
  ) {
    const fake = lambdaFake();
    const inner = fake.http();
    const sent: HttpRequest[] = [];
    const got: HttpReply[] = [];
    const http: Http = {
      async send(request) {
        sent.push(request);
        const reply = change(await inner.send(request), request);
        got.push(reply);
        return reply;
      },
    };
    const { awsCredentials = pair } = given;
    const provider = connected(lambda, adapter, {
      ...{ settings: { ...able, ...fake.settingsAt(at) }, http, awsCredentials },
      admin: { get: async () => new Secret("none"), refused: () => undefined },
      functions: { ...fake.functions, ...given.functions },
    });
    return { fake, provider, sent, got };
  }

  const [arn = ""] = Object.keys(lambdaFake().functions);
  const listed = lambdaFake().functions[arn];
  const answers = (field: string, value: unknown) => (reply: HttpReply, request: HttpRequest) =>
    request.url.endsWith("/invocations")
      ? { ...reply, json: { ...Object(reply.json), [field]: value } }
      : reply;

  test("is never handed a key in the clear, and answers with none", async () => {
    const { fake, provider, sent, got } = watched();
    const { secret } = await provider.mint({ name: "rekey/r-1/1" });
    expect(await provider.verify(secret)).toBe("valid");
    expect([...fake.texts().values()]).toEqual([secret.reveal()]);
    expect(JSON.stringify([sent, got])).not.toContain(secret.reveal());
  });

  test("is asked about its code once, and signed for Lambda in the version's own Region", async () => {
    const { provider, sent } = watched();
    await provider.list();
    await provider.list();
    expect(sent.map(({ url }) => url.split("/").at(-1))).toEqual([
      "configuration",
      "invocations",
      "invocations",
    ]);
    for (const { headers } of sent)
      expect(headers["authorization"]).toContain("/eu-central-1/lambda/aws4_request");
  });

  test("is called where its own Region and partition have Lambda", () => {
    const hostOf = (place: string) =>
      lambda.hosts({ function: `arn:aws-x:lambda:${place}:000000000000:function:fake:7` })[0];
    expect(["eu-central-1", "cn-north-1"].map(hostOf)).toEqual([
      "lambda.eu-central-1.amazonaws.com",
      "lambda.cn-north-1.amazonaws.com.cn",
    ]);
  });

  test("is not called when its code is not what the deployment says", async () => {
    const { provider, sent } = watched(undefined, {
      functions: { [arn]: { ...listed, codeSha256: `${"EVIL".repeat(10)}EVI=` } },
    });
    await expect(provider.mint({ name: "rekey/r-1/1" })).rejects.toMatchObject({ name: "PolicyInvalid" });
    expect(sent).toHaveLength(1);
  });

  test("is not called when the deployment does not list it", () => {
    expect(() => watched(undefined, { functions: { [arn]: undefined } })).toThrow(/providerFunctions/);
    const settings = { ...able, ...lambdaFake().settingsAt(at) };
    const policy = { provider: { account: "own", kind: "lambda", settings } };
    const [store, ledger] = [memoryStore(), ledgerOn(memoryTable())];
    const given = { store, ledger, clock: systemClock, providerHosts: [], allowLoopback: true };
    expect(() => providerFor(given)(policy as unknown as Policy)).toThrow(/providerFunctions/);
    expect(
      providerFor({ ...given, functions: { [arn]: listed } })(policy as unknown as Policy),
    ).toBeDefined();
  });

  test.each([
    [
      "another version answers",
      (reply: HttpReply) => ({
        ...reply,
        headers: { ...reply.headers, "x-amz-executed-version": "8" },
      }),
    ],
    ["the contract is another", answers("contract", "rekey-provider/2")],
    ["the key was sealed to nobody", answers("sealed", "A".repeat(120))],
    ["the key's id is a path", answers("keyId", "../other")],
  ])("leaves a mint unknown when %s", async (_, change) => {
    const { provider } = watched(change);
    await expect(provider.mint({ name: "rekey/r-1/1" })).rejects.toMatchObject({
      name: "MintOutcomeUnknown",
    });
  });

  test.each([
    ["throttled", "ProviderThrottled"],
    ["quota", "QuotaReached"],
    ["denied", "AdminCredentialRefused"],
    ["settings", "PolicyInvalid"],
    ["person", "NeedsHuman"],
    ["unavailable", "MintOutcomeUnknown"],
    ["sk-FAKE-words-of-its-own", "MintOutcomeUnknown"],
  ])("that says %s to a mint is %s", async (error, name) => {
    const { provider } = watched(answers("error", error));
    const mint = provider.mint({ name: "rekey/r-1/1" });
    await expect(mint).rejects.toMatchObject({ name });
    await expect(mint).rejects.not.toMatchObject({ message: expect.stringContaining("sk-FAKE") });
  });

  test("that AWS does not let Rekey call is a refused credential, in words without AWS's own", async () => {
    const { provider } = watched((reply) => ({
      ...reply,
      status: 403,
      headers: { "x-amzn-errortype": "AccessDeniedException" },
      json: { Message: "User arn:aws:sts::000000000000:assumed-role/x is not authorized" },
    }));
    await expect(provider.list()).rejects.toMatchObject({
      name: "AdminCredentialRefused",
      message: "AWS does not let Rekey's role read its configuration (AccessDeniedException)",
    });
  });

  test("needs a role to sign with", async () => {
    const connectedWithout = watched(undefined, {
      awsCredentials: async () => Promise.reject(new Error("FAKE-secret")),
    });
    const list = connectedWithout.provider.list();
    await expect(list).rejects.toBeInstanceOf(Error);
    await expect(list).rejects.not.toMatchObject({ message: expect.stringContaining("FAKE-secret") });
  });
});

describe("a sealed key", () => {
  const pair = callPair();
  const box = sealTo(pair.publicKey, { text: "fake_FAKE-key", about: "mint" });

  test("opens for its recipient and its operation only", () => {
    expect(pair.open(box, "mint")?.reveal()).toBe("fake_FAKE-key");
    expect(pair.open(box, "verify")).toBeUndefined();
    expect(callPair().open(box, "mint")).toBeUndefined();
  });

  test("that was changed anywhere, or is none, does not open", () => {
    const bytes = Buffer.from(box, "base64url");
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(pair.open(changed.toString("base64url"), "mint")).toBeUndefined();
    }
    for (const none of ["", "AAAA", "A".repeat(80), "A".repeat(200), "not base64url!"])
      expect(pair.open(none, "mint")).toBeUndefined();
  });

  test("is another box each time", () => {
    expect(sealTo(pair.publicKey, { text: "fake_FAKE-key", about: "mint" })).not.toBe(box);
  });
});

describe("a key that can be guessed", () => {
  const why = (text: string) => whyGuessable(new Secret(text));

  test.each([
    "hunter2",
    "postgresql://db.example.com:5432/shop?user=shop_a&password=summer2026",
    "correct-horse-battery-staple-and-three-more-words-2026",
    "a".repeat(64),
    "1234567890".repeat(6),
    "shop_database_password_of_the_production_environment_1",
  ])("has no fingerprint: %s", (text) => {
    expect(why(text)).toContain("32 random letters and digits");
    expect(() => assertKeyOf("lambda", new Secret(text))).toThrow(
      expect.objectContaining({ name: "SecretUnusable" }),
    );
  });

  test("is none that a generator made", () => {
    for (let nth = 0; nth < 200; nth++) {
      const text = createHash("sha512").update(String(nth)).digest("base64url").slice(0, 43);
      expect(why(`postgresql://db.example.com/shop?user=shop_a&password=${text}`)).toBeUndefined();
    }
  });
});
