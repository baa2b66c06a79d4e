import { Secret } from "../../core/secret.ts";
import { connect } from "../../stores/azure-key-vault/connect.ts";
import {
  type AzureAnswer,
  AzureFake,
  type AzureRequest,
  azureFetch,
} from "../../stores/azure-key-vault/fake.ts";
import { azureKeyVault } from "../../stores/azure-key-vault/index.ts";
import { federated } from "../../stores/azure-key-vault/login.ts";
import { secretsOf } from "../../stores/azure-key-vault/secrets.ts";
import { azureSettings } from "../../stores/azure-key-vault/settings.ts";
import { storeOnVersions } from "../../stores/azure-key-vault/store.ts";
import { commandsOf } from "../../stores/commands.ts";
import { type StoreWorld, storeContract, versionIdOf } from "./store-contract.ts";

const [v1, v2] = [versionIdOf(1), versionIdOf(2)];
const address = "https://shop-fake.vault.azure.net";

type Strike = (request: AzureRequest, answer: () => AzureAnswer) => AzureAnswer | "lost";
const usual: Strike = (_request, answer) => answer();

function company(strike: Strike = usual) {
  const time = { nowMs: Date.parse("2026-01-01T00:00:00Z") };
  const fake = new AzureFake(address, () => time.nowMs);
  const settings = azureSettings.parse({ address, tenant: fake.tenant, client: fake.client });
  const struck = { by: strike };
  const requests: AzureRequest[] = [];
  const fetch = azureFetch(fake, (request, answer) => {
    requests.push(request);
    return struck.by(request, answer);
  });
  const assertion = async () => new Secret("FAKE-statement-of-aws");
  const token = federated({ settings, fetch, nowMs: () => time.nowMs, assertion });
  const store = storeOnVersions(secretsOf({ address, token, fetch }));
  return { fake, time, store, struck, requests };
}

const nameOf = (arn: string) => arn.replace("azure://main/", "");
let made = 0;

function fakeWorld(): StoreWorld & ReturnType<typeof company> {
  const world = company();
  const { fake } = world;
  return {
    ...world,
    missing: "azure://main/missing",
    async create(text) {
      const name = `s${++made}`;
      fake.put(name, text ?? "FAKE-disabled");
      for (const version of fake.at(name).versions) version.enabled = text !== undefined;
      return `azure://main/${name}`;
    },
    async setCurrent(arn, text) {
      world.time.nowMs += 1_000;
      fake.put(nameOf(arn), text);
    },
    setPending: async (arn, text) => `akv-${fake.put(`${nameOf(arn)}-rekey-pending`, text)}`,
  };
}

describe("Azure Key Vault behind the stand-in", () => storeContract(fakeWorld));

const real = process.env["REKEY_TEST_AZURE"];
(real === undefined ? describe.skip : describe)("the vault that REKEY_TEST_AZURE names", () =>
  storeContract(() => realWorld(real ?? "")),
);

/** `https://<vault>.vault.azure.net`, with an access token for it in REKEY_TEST_AZURE_TOKEN. */
function realWorld(at: string): StoreWorld {
  const text = process.env["REKEY_TEST_AZURE_TOKEN"] ?? "";
  const token = { get: async () => text, refused: () => undefined };
  const secrets = secretsOf({ address: at, token, fetch });
  const put = (name: string, value: string) => secrets.put(name, { text: new Secret(value), tags: {} });
  return {
    store: storeOnVersions(secrets),
    missing: "azure://main/rekey-test-missing",
    async create(value) {
      const name = `rekey-test-${process.pid}-${++made}-${Date.now()}`;
      const version = await put(name, value ?? "FAKE-disabled");
      if (value === undefined) await secrets.update({ name, version }, { tags: {}, isEnabled: false });
      return `azure://main/${name}`;
    },
    async setCurrent(arn, value) {
      await put(nameOf(arn), value);
    },
    setPending: async (arn, value) => `akv-${await put(`${nameOf(arn)}-rekey-pending`, value)}`,
  };
}

async function staged(world = fakeWorld()) {
  const arn = await world.create("FAKE-one");
  const before = (await world.store.current(arn)).versionId;
  world.time.nowMs += 1_000;
  await world.store.write({ secretArn: arn, versionId: v1, text: new Secret("FAKE-two") });
  await world.store.markPending({ secretArn: arn, versionId: v1 });
  world.time.nowMs += 1_000;
  return { ...world, arn, before, name: nameOf(arn) };
}

/** Somebody writes just before the request that Azure answers as the first write of the real name. */
function slipIn({ fake, name, struck, time }: Awaited<ReturnType<typeof staged>>, texts: readonly string[]) {
  let isFirst = true;
  struck.by = (request, answer) => {
    if (request.method === "PUT" && request.url.pathname === `/secrets/${name}` && isFirst) {
      isFirst = false;
      for (const text of texts) fake.put(name, text, { contentType: "theirs" });
      time.nowMs += 1_000;
    }
    return answer();
  };
}

describe("without compare-and-swap, a change by somebody else in the moment of the promotion", () => {
  test("is put back with all that was beside it, and the promotion is heldElsewhere", async () => {
    const world = await staged();
    slipIn(world, ["FAKE-theirs"]);
    const { store, arn, before, fake, name } = world;

    expect(await store.promote({ secretArn: arn, from: before, to: v1 })).toBe("heldElsewhere");

    expect((await store.current(arn)).text.reveal()).toBe("FAKE-theirs");
    expect(fake.at(name).versions.map(({ value }) => value)).toEqual([
      ...["FAKE-one", "FAKE-theirs", "FAKE-two", "FAKE-theirs"],
    ]);
    expect(fake.at(name).versions.at(-1)?.contentType).toBe("theirs");
  });

  test("is put back by the repeat of a promotion that ended before it looked", async () => {
    const world = await staged();
    const { store, arn, before, struck, name } = world;
    slipIn(world, ["FAKE-theirs"]);
    const slip = struck.by;
    let isWritten = false;
    struck.by = (request, answer) => {
      if (isWritten) return "lost";
      isWritten = request.method === "PUT" && request.url.pathname === `/secrets/${name}`;
      return slip(request, answer);
    };
    const promotion = { secretArn: arn, from: before, to: v1 };
    await expect(store.promote(promotion)).rejects.toMatchObject({ name: "StoreUnavailable" });
    struck.by = usual;

    expect((await store.current(arn)).versionId).toBe(v1);
    expect(await store.promote(promotion)).toBe("heldElsewhere");
    expect((await store.current(arn)).text.reveal()).toBe("FAKE-theirs");
  });

  test("is left to a person where two came in one second: Azure does not say which was the last", async () => {
    const world = await staged();
    slipIn(world, ["FAKE-theirs", "FAKE-theirs-too"]);
    const failed = await world.store
      .promote({ secretArn: world.arn, from: world.before, to: v1 })
      .catch((error: Error) => `${error.name} ${error.message}`);
    expect(failed).toMatch(/^VersionMoved .*changed by somebody else/);
    expect(failed).not.toContain("FAKE");
  });

  test("after it stays, and is not taken for one in between", async () => {
    const { store, arn, before, setCurrent } = await staged();
    const promotion = { secretArn: arn, from: before, to: v1 };
    await store.promote(promotion);
    await setCurrent(arn, "FAKE-later");
    expect(await store.promote(promotion)).toBe("heldElsewhere");
    expect((await store.current(arn)).text.reveal()).toBe("FAKE-later");
  });
});

test("a lost answer of the promotion's write makes no second version", async () => {
  const { store, arn, before, struck, name, fake } = await staged();
  struck.by = (request, answer) => {
    const answered = answer();
    return request.method === "PUT" && request.url.pathname === `/secrets/${name}` ? "lost" : answered;
  };
  const promotion = { secretArn: arn, from: before, to: v1 };
  await expect(store.promote(promotion)).rejects.toMatchObject({ name: "StoreUnavailable" });
  expect(await store.promote(promotion)).toBe("promoted");
  expect(fake.at(name).versions.map(({ value }) => value)).toEqual(["FAKE-one", "FAKE-two"]);
});

test("a lost answer of a write is found by its repeat, which makes no second version", async () => {
  const { store, fake, struck, create } = fakeWorld();
  const arn = await create("FAKE-one");
  struck.by = (request, answer) => {
    const answered = answer();
    return request.method === "PUT" ? "lost" : answered;
  };
  const write = { secretArn: arn, versionId: v1, text: new Secret("FAKE-two") };
  await expect(store.write(write)).rejects.toMatchObject({ name: "StoreUnavailable" });
  await store.write(write);
  expect(fake.at(`${nameOf(arn)}-rekey-pending`).versions).toHaveLength(1);
});

test("the new version keeps the tags and the content type of the one that it replaces", async () => {
  const { store, fake, create } = fakeWorld();
  const arn = await create("FAKE-zero");
  fake.put(nameOf(arn), "FAKE-one", { tags: { team: "shop" }, contentType: "text/plain" });
  const { versionId: from } = await store.current(arn);
  await store.write({ secretArn: arn, versionId: v1, text: new Secret("FAKE-two") });
  await store.promote({ secretArn: arn, from, to: v1 });
  expect(fake.at(nameOf(arn)).versions.at(-1)).toMatchObject({
    ...{ value: "FAKE-two", contentType: "text/plain", tags: { team: "shop" } },
  });
});

describe("what nobody may read any more", () => {
  const readable = (fake: AzureFake, name: string) =>
    fake.at(name).versions.flatMap(({ enabled, value }) => (enabled ? [value] : []));

  test("is the staged copy of a promoted version", async () => {
    const { store, fake, arn, before, name } = await staged();
    expect(readable(fake, `${name}-rekey-pending`)).toEqual(["FAKE-two"]);
    await store.promote({ secretArn: arn, from: before, to: v1 });
    await store.clearPending({ secretArn: arn, versionId: v1 });
    expect(readable(fake, `${name}-rekey-pending`)).toEqual([]);
    expect((await store.read(arn, v1)).text.reveal()).toBe("FAKE-two");
  });

  test("is a discarded version", async () => {
    const { store, fake, arn, name } = await staged();
    await store.discard({ secretArn: arn, versionId: v1 });
    expect(readable(fake, `${name}-rekey-pending`)).toEqual([]);
    await expect(store.read(arn, v1)).rejects.toMatchObject({ name: "SecretUnusable" });
  });
});

describe("a soft-deleted name", () => {
  test("is no secret without a value: it says how it comes back", async () => {
    const { store, fake, arn, name } = await staged();
    fake.at(name).isDeleted = true;
    await expect(store.current(arn)).rejects.toThrow(/was deleted: `az keyvault secret recover`/);
  });

  test("beside it stops the staging, and says which name", async () => {
    const { store, fake, create } = fakeWorld();
    const arn = await create("FAKE-one");
    const beside = `${nameOf(arn)}-rekey-pending`;
    fake.put(beside, "FAKE-old");
    fake.at(beside).isDeleted = true;
    const write = store.write({ secretArn: arn, versionId: v1, text: new Secret("FAKE-two") });
    await expect(write).rejects.toMatchObject({
      ...{ name: "SecretUnusable", message: expect.stringContaining(`${beside} was deleted`) },
    });
  });
});

test("a throttled vault may answer later, and a disabled newest version is not passed over", async () => {
  const { store, arn, struck, fake, name } = await staged();
  struck.by = () => ({ status: 429, json: { error: { message: "FAKE-two" } } });
  const failed = await store.current(arn).catch((error: Error) => `${error.name} ${error.message}`);
  expect(failed).toBe("StoreUnavailable shop-fake.vault.azure.net answered 429");
  struck.by = usual;
  fake.put(name, "FAKE-three");
  const newest = fake.at(name).versions.at(-1);
  if (newest) newest.enabled = false;
  await expect(store.current(arn)).rejects.toThrow("its newest version is disabled");
  expect((await store.versionsInUse(arn)).current).toBeUndefined();
});

test("a tag that somebody copied to another value makes no version of Rekey's of it", async () => {
  const { store, arn, before, fake, name } = await staged();
  await store.promote({ secretArn: arn, from: before, to: v1 });
  const tags = fake.at(name).versions.at(-1)?.tags ?? {};
  const copied = fake.put(name, "FAKE-other", { tags });
  expect((await store.current(arn)).versionId).toBe(`akv-${copied}`);
  expect((await store.read(arn, v1)).text.reveal()).toBe("FAKE-two");
});

test("more versions than one page shows are all seen, and a list that leads elsewhere gets no token", async () => {
  const { store, arn, before, fake, name, struck, requests } = await staged();
  for (let change = 0; change < 60; change++) fake.put(name, `FAKE-${change}`);
  expect((await store.read(arn, before)).text.reveal()).toBe("FAKE-one");
  struck.by = (request, answer) => {
    const { status, json } = answer();
    const isList = request.url.pathname.endsWith("/versions");
    return { status, json: isList ? { ...(json as object), nextLink: "https://evil.example/x" } : json };
  };
  await expect(store.current(arn)).rejects.toThrow("Azure's list leads elsewhere");
  expect(requests.filter(({ url }) => url.host === "evil.example")).toEqual([]);
});

describe("the login", () => {
  test("shows AWS's statement for Azure, and is made anew before its token ends and once where it was revoked", async () => {
    const { store, arn, fake, time, requests } = await staged();
    const login = requests.find(({ url }) => url.host === "login.microsoftonline.com");
    const form = Object.fromEntries(new URLSearchParams(login?.text));
    expect(form).toMatchObject({
      ...{ client_assertion: "FAKE-statement-of-aws", scope: "https://vault.azure.net/.default" },
    });
    expect(form).not.toHaveProperty("client_secret");
    time.nowMs += 56 * 60_000;
    await store.current(arn);
    expect(fake.counts.logins).toBe(2);
    fake.forgetTokens();
    await store.current(arn);
    expect(fake.counts.logins).toBe(3);
  });

  test("of a role that the application does not trust is refused by name", async () => {
    const { store, fake } = company();
    fake.put("x", "FAKE-one");
    fake.trusts = () => false;
    await expect(store.current("azure://main/x")).rejects.toThrow(
      /Azure gave the application 0f0f0f0f-.* no token \(401\)/,
    );
  });

  test("asks for a token for Azure and for nobody else", async () => {
    const asked: string[] = [];
    const { fake } = company();
    fake.put("x", "FAKE-one");
    const store = connect({
      vaults: { main: { address, tenant: fake.tenant, client: fake.client } },
      fetch: azureFetch(fake),
      async webIdentityToken({ audience }) {
        asked.push(audience);
        return new Secret("FAKE-statement-of-aws");
      },
    });
    fake.trusts = (statement) => statement === "FAKE-statement-of-aws";
    await expect(store.versionsInUse("azure://main/x")).resolves.toMatchObject({});
    expect(asked).toEqual(["api://AzureADTokenExchange"]);
  });
});

test("an error shows neither a key nor a token", async () => {
  const { store, arn, struck } = await staged();
  struck.by = (request, answer) =>
    request.method === "PUT"
      ? { status: 400, json: { error: { code: "BadParameter", message: request.text } } }
      : answer();
  const failed = await store
    .write({ secretArn: arn, versionId: v2, text: new Secret("FAKE-three") })
    .catch((thrown: Error) => `${thrown.name} ${thrown.message} ${thrown.stack}`);
  expect(failed).toContain("InputInvalid");
  expect(failed).not.toMatch(/FAKE-|eyFAKE/);
});

describe("a reference", () => {
  const nobody = async () => new Secret("none");

  test("leads only to vaults of the deployment, and never to what is staged", async () => {
    const store = connect({ vaults: {}, webIdentityToken: nobody });
    await expect(store.current("azure://main/x")).rejects.toThrow("no Azure vault called main");
    for (const wrong of ["azure://main/../x", "azure://main/x-rekey-pending", "azure://main/Openai"]) {
      await expect(store.current(wrong)).rejects.toMatchObject({ name: "InputInvalid" });
      expect(azureKeyVault.referenceMistake(wrong)).toContain("lower case");
    }
  });

  test("of a version that Rekey wrote or somebody else did has commands that name it", () => {
    const place = { secretArn: "azure://main/openai", versionId: v1 };
    const commands = commandsOf("azure://main/openai");
    const theirs = `akv-${"a".repeat(32)}`;
    expect(commands.makeCurrent(place, theirs)).toContain(`--version ${"a".repeat(32)} --query value`);
    expect(commands.makeCurrent(place, v1)).toContain("list-versions");
    expect(commands.endPending({ ...place, versionId: theirs })).toContain(
      `--name openai-rekey-pending --version ${"a".repeat(32)} --enabled false`,
    );
  });
});
