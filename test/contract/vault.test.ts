import { Secret } from "../../core/secret.ts";
import { sign } from "../../sdk/client/sigv4.ts";
import { connect } from "../../stores/vault/connect.ts";
import {
  type SignedRequest,
  type VaultAnswer,
  VaultFake,
  type VaultRequest,
  vaultFetch,
} from "../../stores/vault/fake.ts";
import { kvOf } from "../../stores/vault/kv.ts";
import { vaultSettings } from "../../stores/vault/settings.ts";
import { storeOnKv } from "../../stores/vault/store.ts";
import { type StoreWorld, storeContract, versionIdOf } from "./store-contract.ts";

const credential = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rekey/vault/main-AbCdEf";
const [first, second] = ["https://vault-1.example.com:8200", "https://vault-2.example.com:8200"];
const v1 = versionIdOf(1);
const awsCredentials = {
  accessKeyId: "AKIDFAKE",
  secretAccessKey: "FAKE-secret",
  sessionToken: "FAKE-session",
};

type Strike = (request: VaultRequest, answer: () => VaultAnswer) => VaultAnswer | "lost";

function faulty(
  options: { readonly login?: unknown; readonly strike?: Strike; readonly namespace?: string } = {},
) {
  const time = { nowMs: Date.parse("2026-01-01T00:00:00Z") };
  const fake = new VaultFake(() => time.nowMs);
  const other = new VaultFake(() => time.nowMs);
  fake.namespace = options.namespace ?? "";
  other.state = "standby";
  const settings = vaultSettings.parse({
    addresses: [first, second],
    ...(options.namespace !== undefined && { namespace: options.namespace }),
    login: options.login ?? { method: "approle", roleId: fake.roleId, credential },
  });
  const reads: string[] = [];
  const kv = kvOf({
    settings,
    fetch: vaultFetch({ [first]: fake, [second]: other }, options.strike),
    nowMs: () => time.nowMs,
    credential: async (arn) => {
      reads.push(arn);
      return new Secret(fake.secretId);
    },
    awsCredentials: async () => awsCredentials,
  });
  return { fake, other, time, reads, store: storeOnKv(kv, settings.staging) };
}

let made = 0;

function fakeWorld(): StoreWorld & ReturnType<typeof faulty> {
  const world = faulty();
  const { fake } = world;
  const path = (arn: string) => arn.replace("vault://main/", "").replace(/#.*/, "");
  return {
    ...world,
    missing: "vault://main/app/missing#api_key",
    async create(text) {
      made += 1;
      const name = `app/s${made}`;
      fake.create(name, text === undefined ? undefined : JSON.stringify({ api_key: text, other: 1 }));
      return `vault://main/${name}#api_key`;
    },
    async setCurrent(arn, text) {
      fake.put(path(arn), JSON.stringify({ api_key: text, other: 1 }));
    },
    async setPending(arn, text) {
      const id = versionIdOf(90);
      const beside = `rekey/${path(arn)}/api_key`;
      const known = JSON.parse(fake.secrets.get(beside)?.versions.at(-1)?.fields ?? '{"versions":[]}');
      const theirs = { id, digest: "theirs", text };
      fake.put(beside, JSON.stringify({ ...known, versions: [...known.versions, theirs], pending: id }));
      return id;
    },
  };
}

describe("KV v2 behind the stand-in", () => storeContract(fakeWorld));

const address = process.env["REKEY_TEST_VAULT"];
(address === undefined ? describe.skip : describe)("KV v2 of the server that REKEY_TEST_VAULT names", () =>
  storeContract(() => realWorld(address ?? "")),
);

/** `vault server -dev` or `bao server -dev`: KV v2 is at secret/, and REKEY_TEST_VAULT_TOKEN is its root token. */
function realWorld(at: string): StoreWorld {
  const token = process.env["REKEY_TEST_VAULT_TOKEN"] ?? "";
  const store = connect({
    servers: { main: { addresses: [at], login: { method: "token", credential } } },
    credential: async () => new Secret(token),
    awsCredentials: async () => awsCredentials,
  });
  const send = async (path: string, body: unknown) => {
    const headers = { "X-Vault-Token": token, "Content-Type": "application/json" };
    await fetch(`${at}/v1/secret/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  };
  const path = (arn: string) => arn.replace("vault://main/", "").replace(/#.*/, "");
  return {
    store,
    missing: "vault://main/rekey-test/missing#api_key",
    async create(text) {
      const name = `rekey-test/${process.pid}-${Date.now()}-${++made}`;
      if (text === undefined) await send(`metadata/${name}`, {});
      else await send(`data/${name}`, { data: { api_key: text } });
      return `vault://main/${name}#api_key`;
    },
    setCurrent: (arn, text) => send(`data/${path(arn)}`, { data: { api_key: text } }),
    async setPending(arn, text) {
      const id = versionIdOf(90);
      const beside = `rekey/${path(arn)}/api_key`;
      const headers = { "X-Vault-Token": token };
      const reply = await fetch(`${at}/v1/secret/data/${beside}`, { headers });
      const known = reply.status === 200 ? ((await reply.json()) as Known).data : undefined;
      const document = known?.data ?? { versions: [] };
      const versions = [...document.versions, { id, digest: "theirs", text }];
      await send(`data/${beside}`, {
        options: { cas: known?.metadata.version ?? 0 },
        data: { ...document, versions, pending: id },
      });
      return id;
    },
  };
}

interface Known {
  readonly data: {
    readonly data: { readonly versions: unknown[] };
    readonly metadata: { readonly version: number };
  };
}

async function staged(world = fakeWorld()) {
  const arn = await world.create("FAKE-one");
  const before = (await world.store.current(arn)).versionId;
  await world.store.write({ secretArn: arn, versionId: v1, text: new Secret("FAKE-two") });
  return { ...world, arn, before };
}

test("the other fields keep every byte, and numbers that no double can hold", async () => {
  const { store, fake, arn } = await staged();
  const path = arn.slice("vault://main/".length, -"#api_key".length);
  fake.put(path, '{"big":12345678901234567890, "api_key":"FAKE-one","z":[1.0,{"a":null}]}');
  const { versionId: from } = await store.current(arn);
  await store.promote({ secretArn: arn, from, to: v1 });

  expect(fake.secrets.get(path)?.versions.at(-1)?.fields).toBe(
    '{"big":12345678901234567890, "api_key":"FAKE-two","z":[1.0,{"a":null}]}',
  );
});

test("a pinned version outlives Vault's own ten", async () => {
  const { store, fake, arn, before, setCurrent } = await staged();
  await store.pin({ secretArn: arn, versionId: before });
  for (let change = 0; change < 15; change++) await setCurrent(arn, `FAKE-change-${change}`);

  expect(fake.secrets.get(arn.slice(13, -8))?.versions).toHaveLength(10);
  expect((await store.read(arn, before)).text.reveal()).toBe("FAKE-one");
  await store.unpin({ secretArn: arn, versionId: before });
  await expect(store.read(arn, before)).rejects.toMatchObject({ name: "SecretUnusable" });
});

test("pending keys are in no version that a consumer may read, and discarded ones in none at all", async () => {
  const { store, fake, arn } = await staged();
  const texts = () =>
    [...fake.secrets].flatMap(([path, { versions }]) => versions.map(({ fields }) => [path, fields]));
  const holding = () => texts().flatMap(([path, fields]) => (fields?.includes("FAKE-two") ? [path] : []));
  expect(holding()).toEqual([expect.stringMatching(/^rekey\//)]);

  await store.discard({ secretArn: arn, versionId: v1 });
  expect(holding()).toEqual([]);
});

test("a promotion whose reply was lost is found done by its repeat", async () => {
  let lose = "";
  const strike: Strike = (request, answer) => {
    const answered = answer();
    const isHit = lose !== "" && request.method === "POST" && request.path.includes(lose);
    if (isHit) lose = "";
    return isHit ? "lost" : answered;
  };
  const world = faulty({ strike });
  world.fake.create("app/x", '{"api_key":"FAKE-one"}');
  const arn = "vault://main/app/x#api_key";
  const { versionId: from } = await world.store.current(arn);
  await world.store.write({ secretArn: arn, versionId: v1, text: new Secret("FAKE-two") });
  lose = "data/app/x";

  await expect(world.store.promote({ secretArn: arn, from, to: v1 })).rejects.toMatchObject({
    name: "StoreUnavailable",
  });
  expect((await world.store.versionsInUse(arn)).current).toBe(v1);
  expect(await world.store.promote({ secretArn: arn, from, to: v1 })).toBe("promoted");
  expect(world.fake.secrets.get("app/x")?.versions).toHaveLength(2);
});

test("a secret whose newest version is deleted has no value, and is not taken for a new one", async () => {
  const { store, fake, arn, before } = await staged();
  fake.delete(arn.slice(13, -8));
  await expect(store.current(arn)).rejects.toMatchObject({ name: "SecretUnusable" });
  expect(await store.promote({ secretArn: arn, from: before, to: v1 })).toBe("heldElsewhere");
});

describe("the servers", () => {
  test("a sealed one and one on standby are passed over; a token goes to no other address", async () => {
    const { store, fake, other, arn } = await staged();
    fake.state = "standby";
    await expect(store.current(arn)).rejects.toMatchObject({
      name: "StoreUnavailable",
      message: expect.stringContaining("307"),
    });
    other.state = "active";
    other.create("app/y", '{"api_key":"FAKE-there"}');
    expect((await store.current("vault://main/app/y#api_key")).text.reveal()).toBe("FAKE-there");
  });

  test.each<[string, Strike]>([
    ["breaks off", () => "lost"],
    ["answers 500", () => ({ status: 500, text: "{}" })],
    ["is sealed", () => ({ status: 503, text: "{}" })],
    ["is throttled", () => ({ status: 429, text: "{}" })],
  ])("a cluster that %s may answer later", async (_what, strike) => {
    const { store } = faulty({ strike });
    await expect(store.current("vault://main/app/x#api_key")).rejects.toMatchObject({
      name: "StoreUnavailable",
    });
  });

  test("an error shows neither a key nor a token", async () => {
    const strike: Strike = (request, answer) => {
      if (!request.path.includes("/data/")) return answer();
      return {
        status: 400,
        text: JSON.stringify({ errors: [request.text, request.headers["x-vault-token"]] }),
      };
    };
    const { store } = faulty({ strike });
    const error = await store
      .write({ secretArn: "vault://main/app/x#api_key", versionId: v1, text: new Secret("FAKE-two") })
      .catch((thrown: Error) => `${thrown.name} ${thrown.message} ${thrown.stack}`);
    expect(error).toContain("InputInvalid");
    expect(error).not.toMatch(/FAKE/);
  });
});

describe("the token", () => {
  const arn = "vault://main/app/x#api_key";

  test.each([
    ["approle", { method: "approle", roleId: "role-FAKE", credential }],
    ["jwt", { method: "jwt", role: "role-FAKE", credential }],
    [
      "jwt below another mount of that name",
      { method: "jwt", mount: "kubernetes", role: "role-FAKE", credential },
    ],
  ])("is got by %s", async (_what, login) => {
    const { store, fake, reads } = faulty({ login });
    fake.create("app/x", '{"api_key":"FAKE-one"}');
    expect((await store.current(arn)).text.reveal()).toBe("FAKE-one");
    expect([fake.counts.logins, reads]).toEqual([1, [credential]]);
  });

  test("is renewed after 70 % of its life, and got anew at its maximum", async () => {
    const { store, fake, time } = faulty();
    fake.create("app/x", '{"api_key":"FAKE-one"}');
    await store.current(arn);
    time.nowMs += 690_000;
    await store.current(arn);
    expect(fake.counts).toEqual({ logins: 1, renewals: 0 });
    time.nowMs += 20_000;
    await store.current(arn);
    expect(fake.counts).toEqual({ logins: 1, renewals: 1 });
    for (let use = 0; use < 10; use++) {
      time.nowMs += 400_000;
      await store.current(arn);
    }
    expect(fake.counts.logins).toBeGreaterThan(1);
  });

  test("that was revoked is replaced by one new login, and a policy's refusal is told", async () => {
    const { store, fake } = faulty();
    fake.create("app/x", '{"api_key":"FAKE-one"}');
    await store.current(arn);
    fake.tokens.clear();
    expect((await store.current(arn)).text.reveal()).toBe("FAKE-one");
    expect(fake.counts.logins).toBe(2);
    fake.namespace = "elsewhere";
    await expect(store.current(arn)).rejects.toThrow(/refused the login|does not allow/);
  });

  test("is sent with the namespace", async () => {
    const { store, fake } = faulty({ namespace: "team-a" });
    fake.create("app/x", '{"api_key":"FAKE-one"}');
    expect((await store.current(arn)).text.reveal()).toBe("FAKE-one");
  });
});

describe("a login by AWS", () => {
  const arn = "vault://main/app/x#api_key";
  const login = { method: "aws", role: "role-FAKE", serverId: "vault.example.com" };

  /** As STS does it: the request is signed once more with what is known of the access key. */
  function checked(fake: VaultFake): SignedRequest[] {
    const seen: SignedRequest[] = [];
    fake.serverId = "vault.example.com";
    fake.create("app/x", '{"api_key":"FAKE-one"}');
    fake.identify = (signed) => {
      seen.push(signed);
      const { authorization = "", "x-amz-date": date = "", ...headers } = signed.headers;
      const region = /\/(\d{8})\/([\w-]+)\/sts\//.exec(authorization)?.[2] ?? "";
      const plain = Object.entries(headers).filter(([name]) => !/^(host|x-amz-security-token)$/.test(name));
      const again = sign({
        ...{ method: "POST", url: new URL(signed.url), body: signed.body, service: "sts", region },
        nowMs: Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z")),
        ...{ headers: Object.fromEntries(plain), credentials: awsCredentials },
      });
      const signature = (text = "") => /Signature=(\w+)$/.exec(text)?.[1];
      return signature(again["authorization"]) === signature(authorization) ? fake.principal : undefined;
    };
    return seen;
  }

  test.each([
    ["sts.amazonaws.com", {}],
    ["sts.eu-west-1.amazonaws.com", { region: "eu-west-1" }],
  ])("hands over a question to %s that is signed, and no credential", async (host, more) => {
    const { store, fake, reads } = faulty({ login: { ...login, ...more } });
    const seen = checked(fake);
    expect((await store.current(arn)).text.reveal()).toBe("FAKE-one");
    expect([seen.map(({ url }) => new URL(url).host), reads]).toEqual([[host], []]);
    expect(JSON.stringify(seen)).not.toContain("FAKE-secret");
  });

  test("is refused by another server than the one that it was signed for", async () => {
    const { store, fake } = faulty({ login: { ...login, serverId: "other.example.com" } });
    const seen = checked(fake);
    await expect(store.current(arn)).rejects.toThrow("Vault refused the login by aws (400)");
    expect(seen).toEqual([]);
  });
});

describe("OpenBao's count of the metadata's changes", () => {
  const secretArn = "vault://main/app/x#api_key";
  const write = { secretArn, versionId: v1, text: new Secret("FAKE-two") };

  test("is named where the server has one, so that nobody's change of it is lost", async () => {
    let sent: unknown;
    const { store, fake } = faulty({
      strike: (request, answer) => {
        if (request.method === "POST" && request.path.includes("/metadata/")) sent = JSON.parse(request.text);
        return answer();
      },
    });
    fake.hasMetadataCas = true;
    fake.create("app/x", '{"api_key":"FAKE-one"}');
    fake.create("rekey/app/x/api_key");
    await store.write(write);
    expect(sent).toEqual({ max_versions: 1, cas_required: true, metadata_cas: 0 });
    expect(fake.secrets.get("rekey/app/x/api_key")).toMatchObject({ maxVersions: 1, metadataVersion: 1 });
  });

  test("that moved meanwhile is no failure, and what is already as it should be is not written", async () => {
    let changes = 0;
    const { store, fake } = faulty({
      strike: (request, answer) => {
        const isChange = request.method === "POST" && request.path.includes("/metadata/");
        if (!isChange) return answer();
        changes += 1;
        const beside = fake.secrets.get("rekey/app/x/api_key");
        if (beside) Object.assign(beside, { metadataVersion: 7, maxVersions: 1, casRequired: true });
        return answer();
      },
    });
    fake.hasMetadataCas = true;
    fake.create("app/x", '{"api_key":"FAKE-one"}');
    fake.create("rekey/app/x/api_key");
    await store.write(write);
    expect((await store.read(secretArn, v1)).text.reveal()).toBe("FAKE-two");
    fake.secrets.get("rekey/app/x/api_key")?.versions.splice(0);
    Object.assign(fake.secrets.get("rekey/app/x/api_key") ?? {}, { next: 1 });
    await store.write(write);
    expect(changes).toBe(1);
  });
});

describe("references", () => {
  const reach = {
    ...{ servers: {}, credential: async () => new Secret("none") },
    awsCredentials: async () => awsCredentials,
  };

  test("lead only to servers of the deployment, and never out of the mount", async () => {
    await expect(connect(reach).current("vault://main/app/x#api_key")).rejects.toThrow(
      "no Vault server called main",
    );
    await expect(connect(reach).current("vault://main/../sys/seal#x")).rejects.toMatchObject({
      name: "InputInvalid",
    });
    await expect(faulty().store.current("vault://main/rekey/app/x#api_key")).rejects.toMatchObject({
      name: "InputInvalid",
    });
  });
});
