import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { Secret } from "../../core/secret.ts";
import {
  type Login,
  Refused,
  type Server,
  withSession,
} from "../../examples/postgresql-passwords/connection.ts";
import { passwordsOf } from "../../examples/postgresql-passwords/function.ts";
import { rawOf } from "../../examples/postgresql-passwords/sealed.ts";
import { connected } from "../../providers/connect.ts";
import type { Http, HttpRequest } from "../../providers/http.ts";
import { assertKeyOf } from "../../providers/key-of.ts";
import * as adapter from "../../providers/lambda/adapter.ts";
import { lambda } from "../../providers/lambda/index.ts";
import { type Postgresql, startPostgresql } from "./postgresql.ts";

const arn = "arn:aws:lambda:eu-central-1:000000000000:function:shop-passwords:7";
const codeSha256 = `${"FAKE".repeat(10)}FAK=`;
const adminPassword = "FAKE-admin-password";
const firstPassword = "FAKEfakeFAKEfake0123456789abcdefGHIJKLMNOPQ";

const { privateKey } = generateKeyPairSync("x25519");
const publicKey = rawOf(createPublicKey(privateKey)).toString("base64url");

let database: Postgresql;
beforeAll(async () => {
  database = await startPostgresql();
  database.sql("CREATE DATABASE shop");
}, 60_000);
afterAll(() => database.close());

/** As the example's README says: an owner nobody logs in as, two users with its rights, and who may change them. */
beforeEach(() => {
  database.sql("DROP ROLE IF EXISTS shop_a, shop_b, shop_owner, rekey_admin");
  database.sql(`
    CREATE ROLE shop_owner NOLOGIN;
    CREATE ROLE shop_a LOGIN PASSWORD '${firstPassword}' IN ROLE shop_owner;
    CREATE ROLE shop_b NOLOGIN IN ROLE shop_owner;
    CREATE ROLE rekey_admin LOGIN CREATEROLE PASSWORD '${adminPassword}' IN ROLE pg_signal_backend;
  `);
});

function world(change: Partial<Parameters<typeof passwordsOf>[0]> = {}) {
  const server: Server = {
    host: "localhost",
    port: database.port,
    database: "shop",
    tls: { ca: database.ca },
  };
  const options = {
    ...{ server, privateKey, users: ["shop_a", "shop_b"] },
    admin: { user: "rekey_admin", password: adminPassword },
    log: () => undefined,
    ...change,
  };
  const answer = passwordsOf(options);
  const lost = new Set<string>();
  const sent: unknown[] = [];
  const http: Http = {
    async send(request: HttpRequest) {
      const headers = { date: new Date().toUTCString(), "x-amz-executed-version": "7" };
      if (request.url.endsWith("/configuration"))
        return { status: 200, headers, json: { CodeSha256: codeSha256, State: "Active" } };
      const event = JSON.parse(request.text?.content ?? "{}");
      const reply = JSON.parse(JSON.stringify(await answer(event)));
      sent.push(event, reply);
      if (lost.delete(event.operation)) return { status: 502, headers, json: undefined };
      return { status: 200, headers, json: reply };
    },
  };
  const provider = connected(lambda, adapter, {
    settings: { function: arn, keys: 2, disable: true, baseUrl: "http://127.0.0.1:1" },
    admin: { get: async () => new Secret("none"), refused: () => undefined },
    http,
    awsCredentials: async () => ({ accessKeyId: "AKIAFAKE", secretAccessKey: "FAKE" }),
    functions: { [arn]: { codeSha256, publicKey } },
  });
  const text = (user: string, password: string) =>
    new Secret(`postgresql://localhost:${database.port}/shop?user=${user}&password=${password}`);
  return {
    provider,
    server,
    sent,
    first: text("shop_a", firstPassword),
    text,
    lose: (name: string) => lost.add(name),
  };
}

/** As a consumer reads the address in its secret. */
function loginIn(secret: Secret): Login {
  const { searchParams } = new URL(secret.reveal());
  return { user: searchParams.get("user") ?? "", password: searchParams.get("password") ?? "" };
}

async function use(secret: Secret, server: Server): Promise<string> {
  return withSession(server, loginIn(secret), async (session) => {
    const [row] = await session.query("SELECT session_user");
    return row?.[0] ?? "";
  }).catch((error: unknown) => (error instanceof Refused ? error.code : String(error)));
}

test("two users take turns: both work until the old one is ended, and it is proven dead", async () => {
  const { provider, server, first, sent } = world();
  const [retiring] = await provider.list();
  expect(await provider.candidates(first)).toEqual([retiring]);

  const second = await provider.mint({ name: "rekey/r-1/1", retiring: retiring?.keyId ?? "" });
  expect([await use(first, server), await use(second.secret, server)]).toEqual(["shop_a", "shop_b"]);
  expect([await provider.verify(first), await provider.verify(second.secret)]).toEqual(["valid", "valid"]);
  expect(await provider.list({ namePrefix: "rekey/r-1/" })).toMatchObject([
    { keyId: second.keyId, status: "active" },
  ]);

  expect(await provider.revoke(retiring?.keyId ?? "")).toBe("revoked");
  expect([await use(first, server), await use(second.secret, server)]).toEqual(["28P01", "shop_b"]);
  expect(await provider.verify(first)).toBe("refused");
  expect(await provider.verify(provider.neverIssued(second.secret))).toBe("refused");

  const third = await provider.mint({ name: "rekey/r-2/1", retiring: second.keyId });
  expect(await use(third.secret, server)).toBe("shop_a");
  expect(await provider.revoke(retiring?.keyId ?? "")).toBe("alreadyGone");
  expect(await provider.verify(third.secret)).toBe("valid");
  expect(() => assertKeyOf("lambda", third.secret)).not.toThrow();
  expect(database.log()).toContain("ALTER ROLE");
  for (const secret of [second.secret, third.secret]) {
    const password = new URL(secret.reveal()).searchParams.get("password");
    expect(`${JSON.stringify(sent)} ${database.log()}`).not.toContain(password);
  }
});

test("a session that was opened with the ended password is ended as well, and others go on", async () => {
  const { provider, server, first } = world();
  const second = await provider.mint({ name: "rekey/r-1/1" });
  const revoked = Promise.withResolvers<void>();
  const open = async (secret: Secret) => {
    const opened = Promise.withResolvers<void>();
    const end = withSession(server, loginIn(secret), async (session) => {
      await session.query("SELECT 1");
      opened.resolve();
      await revoked.promise;
      return session.query("SELECT 1");
    }).then(
      () => "goes on",
      (error: unknown) => (error instanceof Refused ? error.code : String(error)),
    );
    await opened.promise;
    return { end };
  };
  const [old, young] = [await open(first), await open(second.secret)];

  await provider.revoke("shop_a-by-hand");
  revoked.resolve();
  expect([await old.end, await young.end]).toEqual(["57P01", "goes on"]);
});

test("with both users in use there is no room, and neither password changes", async () => {
  const { provider, server, first } = world();
  const second = await provider.mint({ name: "rekey/r-1/1" });
  await expect(provider.mint({ name: "rekey/r-1/2" })).rejects.toMatchObject({ name: "QuotaReached" });
  expect([await use(first, server), await use(second.secret, server)]).toEqual(["shop_a", "shop_b"]);
});

test("a disabled password serves nobody, makes room when it is ended, and comes back as it was", async () => {
  const { provider, server, first } = world();
  const [key] = await provider.list();
  const settings = { keyId: key?.keyId ?? "" };
  expect([await provider.quarantine(settings), await provider.quarantine(settings)]).toEqual([
    "quarantined",
    "quarantined",
  ]);
  expect([await use(first, server), await provider.verify(first)]).toEqual(["28000", "refused"]);
  expect(await provider.list()).toMatchObject([{ keyId: settings.keyId, status: "disabled", owner: "shop" }]);
  await provider.restore(settings);
  await provider.restore(settings);
  expect([await use(first, server), await provider.verify(first)]).toEqual(["shop_a", "valid"]);
});

test("a mint whose reply was lost is found by its name, and ended before the next", async () => {
  const { provider, server, lose } = world();
  lose("mint");
  await expect(provider.mint({ name: "rekey/r-1/1" })).rejects.toMatchObject({ name: "MintOutcomeUnknown" });
  const [stray] = await provider.list({ namePrefix: "rekey/r-1/" });
  expect(await provider.revoke(stray?.keyId ?? "")).toBe("revoked");
  const { secret } = await provider.mint({ name: "rekey/r-1/2" });
  expect(await use(secret, server)).toBe("shop_b");
});

test("what a working password is not allowed is alive, and a server that is not there proves nothing", async () => {
  const { provider, first } = world();
  database.sql("ALTER ROLE shop_a CONNECTION LIMIT 0");
  expect(await provider.verify(first)).toBe("notPermitted");
  const elsewhere = world({ server: { host: "localhost", port: 1, database: "shop", tls: "system" } });
  await expect(elsewhere.provider.list()).rejects.toMatchObject({ name: "ProviderUnavailable" });
});

test("a key that names another server, another user or SQL leads to no connection", async () => {
  const { provider, first, text } = world();
  const asks = (secret: string) => provider.verify(new Secret(secret));
  expect(await asks(first.reveal().replace("localhost", "collector.example"))).toBe("inconclusive");
  expect(await provider.verify(text("postgres", firstPassword))).toBe("inconclusive");
  expect(await provider.verify(text("shop_a", `${firstPassword}';DROP`))).toBe("inconclusive");
  expect(await provider.verify(text("shop_a", `${firstPassword}x`))).toBe("refused");
});

test("an impostor without the server's certificate is sent nothing", async () => {
  const untrusted = world({
    server: { host: "localhost", port: database.port, database: "shop", tls: "system" },
  });
  await expect(untrusted.provider.list()).rejects.toMatchObject({ name: "ProviderUnavailable" });
  const plain = world({ server: { host: "localhost", port: database.port, database: "shop", tls: "off" } });
  await expect(plain.provider.list()).rejects.toMatchObject({ name: "ProviderUnavailable" });
});

test("a wrong admin password is a refused credential, and a missing user is named as unavailable", async () => {
  const wrong = world({ admin: { user: "rekey_admin", password: "FAKE-wrong" } });
  await expect(wrong.provider.list()).rejects.toMatchObject({ name: "AdminCredentialRefused" });
  const missing = world({ users: ["shop_a", "shop_c"] });
  await expect(missing.provider.list()).rejects.toMatchObject({ name: "ProviderUnavailable" });
});

test("two mints at once give two users, never one twice", async () => {
  database.sql("ALTER ROLE shop_a NOLOGIN PASSWORD NULL");
  const { provider, server } = world();
  const made = await Promise.all(["rekey/r-1/1", "rekey/r-2/1"].map((name) => provider.mint({ name })));
  const users = await Promise.all(made.map(({ secret }) => use(secret, server)));
  expect(users.sort()).toEqual(["shop_a", "shop_b"]);
});
