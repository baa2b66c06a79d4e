import { Secret } from "../../core/secret.ts";
import { connect } from "../../stores/google-secret-manager/connect.ts";
import { crc32c } from "../../stores/google-secret-manager/crc32c.ts";
import {
  type GoogleAnswer,
  GoogleFake,
  type GoogleRequest,
  googleFetch,
  type SignedQuestion,
} from "../../stores/google-secret-manager/fake.ts";
import { federated } from "../../stores/google-secret-manager/federation.ts";
import { secretsOf } from "../../stores/google-secret-manager/secrets.ts";
import { googleSettings } from "../../stores/google-secret-manager/settings.ts";
import { storeOnAliases } from "../../stores/google-secret-manager/store.ts";
import { credentials, signer } from "./google-signer.ts";
import { type StoreWorld, storeContract, versionIdOf } from "./store-contract.ts";

const [v1, v2] = [versionIdOf(1), versionIdOf(2)];

type Strike = (request: GoogleRequest, answer: () => GoogleAnswer) => GoogleAnswer | "lost";
const usual: Strike = (_request, answer) => answer();

let made = 0;

function company(strike: Strike = usual, given: Readonly<Record<string, unknown>> = {}) {
  const time = { nowMs: Date.parse("2026-01-01T00:00:00Z") };
  const location = given["location"] as string | undefined;
  const fake = new GoogleFake("shop-fake", () => time.nowMs, location);
  const signed: SignedQuestion[] = [];
  fake.identify = (question) => {
    signed.push(question);
    return signer(fake, question);
  };
  const settings = googleSettings.parse({
    ...{ project: "shop-fake", audience: fake.audience, serviceAccount: fake.serviceAccount },
    ...given,
  });
  const fetch = googleFetch(fake, (request, answer) => struck.by(request, answer));
  const struck = { by: strike };
  const token = federated({
    settings,
    fetch,
    nowMs: () => time.nowMs,
    awsCredentials: async () => credentials,
  });
  const store = storeOnAliases(secretsOf({ project: settings.project, location, token, fetch }));
  return { fake, time, signed, store, struck };
}

function fakeWorld(given: Readonly<Record<string, unknown>> = {}): StoreWorld & ReturnType<typeof company> {
  const world = company(usual, given);
  const { fake } = world;
  const nameOf = (arn: string) => arn.replace("google://main/", "");
  return {
    ...world,
    missing: "google://main/missing",
    async create(text) {
      const name = `s${++made}`;
      fake.create(name);
      if (text !== undefined) fake.alias(name, "current", fake.add(name, text));
      return `google://main/${name}`;
    },
    async setCurrent(arn, text) {
      fake.alias(nameOf(arn), "current", fake.add(nameOf(arn), text));
    },
    async setPending(arn, text) {
      const number = fake.add(nameOf(arn), text);
      fake.alias(nameOf(arn), "pending", number);
      return `gsm-${number}`;
    },
  };
}

describe("Google Secret Manager behind the stand-in", () => storeContract(() => fakeWorld()));

describe("its secrets of one location behind the stand-in", () =>
  storeContract(() => fakeWorld({ location: "europe-west3" })));

const real = process.env["REKEY_TEST_GOOGLE"];
(real === undefined ? describe.skip : describe)("the project that REKEY_TEST_GOOGLE names", () =>
  storeContract(() => realWorld(real ?? "")),
);

/** With an access token in REKEY_TEST_GOOGLE_TOKEN, as `gcloud auth print-access-token` gives it. */
function realWorld(project: string): StoreWorld {
  const text = process.env["REKEY_TEST_GOOGLE_TOKEN"] ?? "";
  const secrets = secretsOf({ project, fetch, token: { get: async () => text, refused: () => undefined } });
  const alias = async (arn: string, name: string, number: number) => {
    const seen = await secrets.describe(arn);
    await secrets.update(arn, { ...seen, aliases: { ...seen.aliases, [name]: number } });
  };
  const setCurrent = async (arn: string, value: string) =>
    alias(arn, "current", await secrets.add(arn, new Secret(value)));
  return {
    ...{ store: storeOnAliases(secrets), missing: "google://main/rekey-test-missing", setCurrent },
    async create(value) {
      const name = `rekey-test-${process.pid}-${++made}-${Date.now()}`;
      await fetch(`https://secretmanager.googleapis.com/v1/projects/${project}/secrets?secretId=${name}`, {
        ...{
          method: "POST",
          headers: { authorization: `Bearer ${text}`, "content-type": "application/json" },
        },
        body: '{"replication":{"automatic":{}}}',
      });
      if (value !== undefined) await setCurrent(`google://main/${name}`, value);
      return `google://main/${name}`;
    },
    async setPending(arn, value) {
      const number = await secrets.add(arn, new Secret(value));
      await alias(arn, "pending", number);
      return `gsm-${number}`;
    },
  };
}

async function staged(world = fakeWorld()) {
  const arn = await world.create("FAKE-one");
  const before = (await world.store.current(arn)).versionId;
  await world.store.write({ secretArn: arn, versionId: v1, text: new Secret("FAKE-two") });
  return { ...world, arn, before, name: arn.replace("google://main/", "") };
}

test("a promotion moves both aliases in one change, so no reader finds a secret without a current version", async () => {
  const { store, arn, before, fake, name, struck } = await staged();
  const patches: unknown[] = [];
  struck.by = (request, answer) => {
    if (request.method === "PATCH")
      patches.push((request.body as { versionAliases: unknown }).versionAliases);
    return answer();
  };
  await store.promote({ secretArn: arn, from: before, to: v1 });
  expect(patches).toEqual([{ current: "2", previous: "1" }]);
  expect(fake.secrets.get(name)?.aliases).toEqual({ current: "2", previous: "1" });
});

test("somebody's move of the alias between the look and the change is not lost: theirs stays", async () => {
  const { store, arn, before, fake, name, struck } = await staged();
  let isFirst = true;
  struck.by = (request, answer) => {
    if (request.method === "PATCH" && isFirst) {
      isFirst = false;
      fake.alias(name, "current", fake.add(name, "FAKE-theirs"));
    }
    return answer();
  };
  expect(await store.promote({ secretArn: arn, from: before, to: v1 })).toBe("heldElsewhere");
  expect((await store.current(arn)).text.reveal()).toBe("FAKE-theirs");
});

test.each(["answer of the added version", "note of its number"])(
  "a write that lost the %s is finished by its repeat, with no second version",
  async (what) => {
    const { store, fake, struck, create } = fakeWorld();
    const arn = await create("FAKE-one");
    let patches = 0;
    struck.by = (request, answer) => {
      if (request.method === "PATCH") patches += 1;
      const isAdd = request.url.pathname.endsWith(":addVersion");
      const isHit = what.startsWith("answer") ? isAdd : request.method === "PATCH" && patches === 2;
      if (isHit && !what.startsWith("answer")) return "lost";
      const answered = answer();
      return isHit ? "lost" : answered;
    };
    const write = { secretArn: arn, versionId: v1, text: new Secret("FAKE-two") };
    await expect(store.write(write)).rejects.toMatchObject({ name: "StoreUnavailable" });
    struck.by = usual;
    await store.write(write);
    await store.write({ ...write, versionId: v2, text: new Secret("FAKE-three") });

    const versions = fake.secrets.get(arn.replace("google://main/", ""))?.versions ?? [];
    expect(versions.map(({ data }) => Buffer.from(data, "base64").toString())).toEqual([
      ...["FAKE-one", "FAKE-two", "FAKE-three"],
    ]);
    expect((await store.read(arn, v1)).text.reveal()).toBe("FAKE-two");
  },
);

describe("what arrives", () => {
  test("damaged is not taken for the key", async () => {
    const { store, arn, struck } = await staged();
    struck.by = (request, answer) => {
      const { status, json } = answer();
      if (!request.url.pathname.endsWith(":access")) return { status, json };
      const { payload } = json as { payload: { dataCrc32c: string } };
      return { status, json: { payload: { ...payload, data: Buffer.from("FAKE-onf").toString("base64") } } };
    };
    await expect(store.current(arn)).rejects.toMatchObject({
      ...{ name: "StoreUnavailable", message: expect.stringContaining("arrived damaged") },
    });
  });

  test("is checked with Castagnoli's polynomial", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
    expect(crc32c(Buffer.from(""))).toBe(0);
  });

  test("of a disabled version, or a throttled project, is said without a value", async () => {
    const { store, arn, fake, name, struck } = await staged();
    const [first] = fake.secrets.get(name)?.versions ?? [];
    if (first) first.state = "DISABLED";
    await expect(store.current(arn)).rejects.toMatchObject({ name: "SecretUnusable" });
    struck.by = () => ({ status: 429, json: { error: { message: "FAKE-two" } } });
    const failed = await store.current(arn).catch((error: Error) => `${error.name} ${error.message}`);
    expect(failed).toBe("StoreUnavailable secretmanager.googleapis.com answered 429");
  });
});

describe("the login", () => {
  test("exchanges a question that this AWS role signed, bound to the provider, and sends no credential", async () => {
    const { store, arn, fake, signed } = await staged();
    await store.current(arn);
    expect(fake.counts).toEqual({ exchanges: 1, impersonations: 1 });
    expect(signed[0]?.url).toBe(
      "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
    );
    expect(signed[0]?.headers).toMatchObject({ "x-goog-cloud-target-resource": fake.audience });
    expect(JSON.stringify(signed)).not.toContain("FAKE-secret");
  });

  test("is made anew before its token ends, and once where it was revoked", async () => {
    const { store, arn, fake, time } = await staged();
    time.nowMs += 54 * 60_000;
    await store.current(arn);
    expect(fake.counts.exchanges).toBe(1);
    time.nowMs += 2 * 60_000;
    await store.current(arn);
    expect(fake.counts.exchanges).toBe(2);
    fake.forgetTokens();
    await store.current(arn);
    expect(fake.counts.exchanges).toBe(3);
  });

  test("of a role that the provider does not trust is refused by name", async () => {
    const { store, fake } = company();
    fake.create("x");
    fake.identify = () => undefined;
    await expect(store.current("google://main/x")).rejects.toThrow(
      /Google's STS refused this AWS role for \/\/iam/,
    );
  });
});

test("a reference leads only to projects of the deployment", async () => {
  const store = connect({ projects: {}, awsCredentials: async () => credentials });
  await expect(store.current("google://main/x")).rejects.toThrow("no Google project called main");
  await expect(store.current("google://main/../x")).rejects.toMatchObject({ name: "InputInvalid" });
});
