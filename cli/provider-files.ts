/** As a constant is written: acme-cloud becomes acmeCloud. */
export function constantOf(name: string): string {
  return name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * The files of docs/providers/adding.md by their path. They speak an invented API that passes the contract suite, so that
 * an author changes the adapter and its stand-in step by step with the suite green.
 */
export function providerFiles(name: string): Readonly<Record<string, string>> {
  const words = { name, constant: constantOf(name), Type: capital(constantOf(name)) };
  const fill = (text: string) =>
    text
      .replaceAll("@name", words.name)
      .replaceAll("@constant", words.constant)
      .replaceAll("@Type", words.Type);
  return Object.fromEntries(
    Object.entries(templates).map(([path, text]) => [fill(path), `${fill(text).trim()}\n`]),
  );
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

const templates: Readonly<Record<string, string>> = {
  "providers/@name/index.ts": `
import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf, usualPropagation } from "../settings.ts";
import { @TypeSettings, usualUrl } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export const @constant: ProviderKind = {
  kind: "@name",
  title: "@Type",
  keyTexts: [],
  byHand: {},
  settings: @TypeSettings,
  facts(settings) {
    const { propagation } = parseSettings(@TypeSettings, settings);
    return {
      capabilities: {
        shape: { kind: "sideBySide" },
        quarantine: "no",
        quarantineContains: false,
        revoke: true,
        lastUsed: false,
        usagePerKey: false,
        expiry: false,
      },
      propagation: { ...usualPropagation, ...propagation },
    };
  },
  hosts: (settings) => hostsOf(parseSettings(@TypeSettings, settings).baseUrl),
  defaultHosts: hostsOf(usualUrl),
  verifyTable,
  docs: {
    about: "Keys of one account, made and deleted by its API.",
    limits: ["It tells no last use, so consumers have to testify."],
  },
  adapter: () => import("./adapter.ts"),
};
`,
  "providers/@name/settings.ts": `
import * as z from "zod";
import { secretArnSetting } from "../provider.ts";
import { baseUrlSetting, propagationSetting } from "../settings.ts";

export const usualUrl = "https://api.@name.example";

export const @TypeSettings = z.strictObject({
  adminCredential: secretArnSetting,
  baseUrl: baseUrlSetting(usualUrl),
  propagation: propagationSetting,
});
`,
  "providers/@name/verify-table.ts": `
import type { VerifyTable } from "../verify-table.ts";

/** Rows for a live key that lacks a scope or money come first; refused needs the issuer's own words. */
export const verifyTable: VerifyTable = [
  { status: 200, where: [{ at: "/account", type: "string" }], means: "valid" },
  { status: 403, where: [{ at: "/error/code", is: ["missing_scope"] }], means: "notPermitted" },
  { status: 401, where: [{ at: "/error/code", is: ["unknown_key"] }], means: "refused" },
];
`,
  "providers/@name/adapter.ts": `
import * as z from "zod";
import { MintOutcomeUnknown, ProviderGarbled } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { adminApi } from "../admin-api.ts";
import { deleteKey, keyListing, keyNameText, pathId } from "../key-listing.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { providerCalls } from "../provider-calls.ts";
import { printable } from "../reply-text.ts";
import { verifyBy } from "../verify-table.ts";
import { @TypeSettings } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

const id = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);
const Minted = z.object({ id, key: z.string().regex(/^[\\x21-\\x7e]{8,4096}$/) });
const KeyPage = z.object({
  keys: z.array(z.object({ id, name: z.string().max(4096), hint: z.string().max(256) })).max(1000),
  next: z.string().max(256).nullish(),
});

const bearer = (credential: string) => ({ authorization: \`Bearer \${credential}\` });

export function connect({ settings, admin, http }: ConnectOptions): ProviderCalls {
  const { baseUrl } = parseSettings(@TypeSettings, settings);
  const api = adminApi(
    { kind: "@name", baseUrl, headers: bearer, codeAt: ["/error/code"], codes: ["unknown_key", "not_found"] },
    { admin, http },
  );
  const listing = keyListing(api.kind, async (after) => {
    const { json, dateMs } = await api.read(\`/v1/keys\${after === undefined ? "" : \`?after=\${after}\`}\`);
    const parsed = KeyPage.safeParse(json);
    if (!parsed.success) throw new ProviderGarbled("@name answered a list that is not its protocol");
    const { keys, next } = parsed.data;
    const items = keys.map(({ id: keyId, name, hint }) => ({
      key: { keyId, name: printable(name), hint: printable(hint), status: "active" as const },
      raw: undefined,
    }));
    return { items, next: next ?? undefined, dateMs };
  });

  return providerCalls(listing, {
    async mint({ name }) {
      const body = { name: keyNameText(name) };
      const { json } = await api.mint({ method: "POST", path: "/v1/keys", body });
      const parsed = Minted.safeParse(json);
      if (!parsed.success) throw new MintOutcomeUnknown("@name answered the mint with something else than a key");
      return { keyId: parsed.data.id, secret: new Secret(parsed.data.key) };
    },
    verify: (secret) =>
      verifyBy(secret, {
        ...{ http, table: verifyTable },
        request: (text) => ({ method: "GET", url: \`\${baseUrl}/v1/me\`, headers: bearer(text) }),
      }),
    revoke: async (keyId) =>
      deleteKey({ api, listing }, { keyId, call: { method: "DELETE", path: \`/v1/keys/\${pathId(keyId)}\` } }),
  });
}
`,
  "providers/@name/fake.ts": `
import { type FakeOptions, fakeText, hintOf, json, type ProviderFake, pageOf, providerFake } from "../fake-world.ts";

/** A stateful stand-in for @Type: its keys, and the call that a consumer makes. */
export function @constantFake(options: FakeOptions = {}): ProviderFake {
  return providerFake(options, {
    adminKey: "@name-admin-FAKE-0000000000",
    credentialOf: ({ headers }) => (headers["authorization"] ?? "").replace("Bearer ", ""),
    refused: () => json(401, { error: { code: "unknown_key" } }),
    consumer: { path: "/v1/work", header: "authorization", scheme: "Bearer " },
    settingsAt: (origin) => ({ baseUrl: origin }),
    keyIdOf: (number, random) => fakeText("key_FAKE", { number, random }),
    textOf: (number, random) => fakeText("@name-FAKE-", { number, random }),
    routes: [
      {
        ...{ operation: "mint", method: "POST", as: "admin", path: /^\\/v1\\/keys$/ },
        answer: ({ world, body }) => {
          const { keyId, text } = world.add({ name: String(body["name"]) });
          return json(200, { id: keyId, key: text });
        },
      },
      {
        ...{ operation: "list", method: "GET", as: "admin", path: /^\\/v1\\/keys$/ },
        answer: ({ world, request }) => {
          const start = Number(request.query.get("after") ?? 0);
          const { page, nextStart } = pageOf(world.listed(), { start, size: Math.min(world.pageMax, 100) });
          const keys = page.map(({ keyId, name, text }) => ({ id: keyId, name, hint: hintOf(text) }));
          return json(200, { keys, next: nextStart === undefined ? null : String(nextStart) });
        },
      },
      {
        ...{ operation: "revoke", method: "DELETE", as: "admin", path: /^\\/v1\\/keys\\/(?<key>[^/]+)$/ },
        answer: ({ world, at }) => {
          const key = world.listedKey(at["key"] ?? "");
          if (key === undefined) return json(404, { error: { code: "not_found" } });
          key.revokedAtMs = world.nowMs();
          return json(200, { id: key.keyId, deleted: true });
        },
      },
      {
        ...{ operation: "verify", method: "GET", as: "key", path: /^\\/v1\\/me$/ },
        answer: () => json(200, { account: "FAKE" }),
      },
      {
        ...{ operation: "use", method: "POST", as: "key", path: /^\\/v1\\/work$/ },
        answer: () => json(200, {}),
      },
    ],
  });
}
`,
  "providers/@name/README.md": `
# @Type

Settings: \`adminCredential\`, \`baseUrl\`, \`propagation\`.

Nothing here is true yet: the API in adapter.ts and fake.ts is invented.
Say what the provider can do, from which documentation and of which date, and what is configured because it is
not documented.
`,
  "test/contract/@name.test.ts": `
import * as adapter from "../../providers/@name/adapter.ts";
import { @constantFake } from "../../providers/@name/fake.ts";
import { @constant } from "../../providers/@name/index.ts";
import { adminCredential, underContract } from "./fake-provider-world.ts";
import { describeProvider } from "./provider-contract.ts";

const subject = { kind: @constant, adapter, fake: @constantFake, settings: { adminCredential } };
const claims = {
  skips: {
    quarantine: "its API disables no key",
    lastUsed: "its list shows no last use",
    usagePerKey: "it reports no usage",
    expiry: "it sets no expiry",
  },
};

describeProvider("@name over a socket", underContract(subject, claims, { overSocket: true }));
describeProvider("@name without a socket", underContract(subject, claims));
`,
};
