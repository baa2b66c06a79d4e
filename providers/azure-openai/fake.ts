import { createHash } from "node:crypto";
import { Secret } from "../../core/secret.ts";
import type { FakeReply } from "../fake.ts";
import {
  type FakeOptions,
  type FakeRoute,
  fakeText,
  json,
  type ProviderFake,
  providerFake,
  type RouteContext,
  seededRandom,
  type World,
} from "../fake-world.ts";

const adminToken = "eyFAKE.entra.token";
const application = { tenant: "tenant-fake", client: "client-fake" };
const clientSecret = "FAKE-client-secret-0000";
const account = "/Microsoft.CognitiveServices/accounts/(?<account>[^/]+)";
const places = ["key1", "key2"] as const;
type Place = (typeof places)[number];

/** A stateful stand-in for one account of Azure OpenAI: its two keys, Entra's token, and the account's endpoint. */
export function azureOpenAiFake(options: FakeOptions = {}): ProviderFake {
  const random = options.random ?? seededRandom(7);
  let world: World | undefined;
  const fake = providerFake(
    { ...options, random },
    {
      ...{ adminKey: clientSecret, adminToken, routes: routesWith(random) },
      credentialOf: ({ headers }) =>
        headers["api-key"] ?? (headers["authorization"] ?? "").replace(/^Bearer /, ""),
      refused: ({ as }) =>
        as === "admin"
          ? failure(401, "InvalidAuthenticationToken", "The access token is invalid.")
          : failure(
              401,
              "401",
              "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key.",
            ),
      consumer: {
        path: "/openai/deployments/gpt-fake/chat/completions",
        header: "api-key",
        scheme: "",
      },
      settingsAt: (origin) => ({ ...application, endpoint: origin, managementUrl: origin, loginUrl: origin }),
      keyIdOf: (number) => `unused-${number}`,
      textOf: (number, draw) => textOf(number, draw),
      begin(made) {
        world = made;
        for (const place of places) putKey(place, { world: made, random, isOld: true });
      },
    },
  );
  let asked = 0;
  return {
    ...fake,
    /** There is no third place: the keys that are there, the first place's first. */
    addKey() {
      const place = places[asked++ % places.length] ?? "key1";
      const { keyId, text } = keyIn(place, world);
      return { keyId, secret: new Secret(text) };
    },
  };
}

function keyIn(place: Place, world: World | undefined) {
  const key = world?.listed().find(({ name }) => name === place);
  if (key === undefined) throw new Error(`the stand-in has no key in ${place}`);
  return key;
}

function textOf(number: number, random: () => number): string {
  return fakeText("FAKEJQQJ99", { number, random, length: 70 });
}

/** The key that was in the place dies, after as long as the stand-in was told that dying takes. */
function putKey(
  place: Place,
  {
    world,
    random,
    isOld,
  }: { readonly world: World; readonly random: () => number; readonly isOld?: boolean },
): void {
  const former = world.listed().find(({ name }) => name === place);
  if (former !== undefined) former.revokedAtMs = world.nowMs();
  const text = textOf(world.keys.size + 1, random);
  const keyId = `${place}:${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
  const key = world.add({ name: place, keyId, text });
  if (isOld) key.activeAtMs = world.nowMs();
}

function failure(status: number, code: string, message: string): FakeReply {
  return json(status, { error: { code, message } });
}

function bothKeys(world: World): FakeReply {
  return json(200, { key1: keyIn("key1", world).text, key2: keyIn("key2", world).text });
}

function routesWith(random: () => number): readonly FakeRoute[] {
  return [
    {
      ...{ operation: "token", method: "POST", as: "nobody", path: /^\/tenant-fake\/oauth2\/v2\.0\/token$/ },
      answer: giveToken,
    },
    {
      ...{ operation: "list", method: "POST", as: "admin", path: new RegExp(`${account}/listKeys$`) },
      answer: ({ world }) => bothKeys(world),
    },
    {
      ...{ operation: "mint", method: "POST", as: "admin", path: new RegExp(`${account}/regenerateKey$`) },
      answer: ({ world, body }) => {
        const place = { Key1: "key1", Key2: "key2" }[String(body["keyName"])] as Place | undefined;
        if (place === undefined) return failure(400, "InvalidRequest", "keyName");
        putKey(place, { world, random });
        return bothKeys(world);
      },
    },
    {
      ...{ operation: "models", method: "GET", as: "key", path: /^\/openai\/deployments$/ },
      answer: () => json(200, { object: "list", data: [] }),
    },
    {
      ...{
        operation: "use",
        method: "POST",
        as: "key",
        path: /^\/openai\/deployments\/[^/]+\/chat\/completions$/,
      },
      answer: () => json(200, { id: "chatcmpl-FAKE", choices: [] }),
    },
  ];
}

function giveToken({ body }: RouteContext): FakeReply {
  const isKnown = body["client_id"] === application.client && body["client_secret"] === clientSecret;
  if (!isKnown || body["grant_type"] !== "client_credentials") return json(401, { error: "invalid_client" });
  return json(200, { token_type: "Bearer", expires_in: 3599, access_token: adminToken });
}
