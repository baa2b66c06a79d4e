import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { BoundFunction } from "../bound-function.ts";
import type { FakeReply } from "../fake.ts";
import {
  type FakeOptions,
  type FakeRoute,
  fakeText,
  hintOf,
  json,
  type ProviderFake,
  pageOf,
  providerFake,
  type RouteContext,
  type World,
  type WorldKey,
} from "../fake-world.ts";
import { contract, type Operation } from "./contract.ts";
import { pairOf, sealTo } from "./sealed.ts";

const arn = "arn:aws:lambda:eu-central-1:000000000000:function:fake-provider:7";
const codeSha256 = `${"FAKE".repeat(10)}FAK=`;

export interface LambdaFake extends ProviderFake {
  /** What the deployment says about the function. */
  readonly functions: Readonly<Record<string, BoundFunction>>;
  readonly privateKey: KeyObject;
}

/** A stateful stand-in for Lambda with one function version behind it that keeps the contract. */
export function lambdaFake(options: FakeOptions & { readonly privateKey?: KeyObject } = {}): LambdaFake {
  const { privateKey = generateKeyPairSync("x25519").privateKey } = options;
  const own = pairOf(privateKey);
  const fake = providerFake(options, {
    adminKey: "FAKE-role-secret-0000",
    credentialOf: ({ headers }) => (headers["authorization"] ?? "").replace(/^Bearer /, ""),
    refused: () => json(401, { message: "no such key" }),
    routes: routesOf(privateKey),
    consumer: { path: "/query", header: "authorization", scheme: "Bearer " },
    settingsAt: (origin) => ({ baseUrl: origin, function: arn }),
    keyIdOf: (number) => `key-${number}`,
    textOf: (number, random) => fakeText("fake_FAKE", { number, random, length: 40 }),
  });
  return { ...fake, privateKey, functions: { [arn]: { codeSha256, publicKey: own.publicKey } } };
}

function routesOf(privateKey: KeyObject): readonly FakeRoute[] {
  const path = `/2015-03-31/functions/${encodeURIComponent(arn)}`;
  const routeOf = (
    operation: string,
    method: string,
    rest: string,
    answer: FakeRoute["answer"],
  ): FakeRoute => ({
    ...{ operation, method, path: new RegExp(`^${path.replaceAll(".", "\\.")}${rest}$`), as: "nobody" },
    answer: (context, key) => (isSigned(context) ? answer(context, key) : unsigned),
  });
  const operations = Object.entries(functionOf(privateKey)).map(([operation, does]) => ({
    ...routeOf(operation, "POST", "/invocations", (context) => payload(does(context))),
    isFor: ({ body }: RouteContext["request"]) => Object(body)["operation"] === operation,
  }));
  return [
    routeOf("configuration", "GET", "/configuration", () =>
      json(200, { FunctionArn: arn, Version: "7", CodeSha256: codeSha256, State: "Active" }),
    ),
    ...operations,
    { operation: "use", method: "POST", path: /^\/query$/, as: "key", answer: () => json(200, { rows: [] }) },
  ];
}

const unsigned = json(403, { message: "Missing Authentication Token" });

/** The stand-in does not know the role's secret; a real signature is checked by AWS. */
function isSigned({ request: { headers } }: RouteContext): boolean {
  return /^AWS4-HMAC-SHA256 Credential=/.test(headers["authorization"] ?? "");
}

function payload(reply: object): FakeReply {
  const answer = json(200, { contract, ...reply });
  return { ...answer, headers: { ...answer.headers, "x-amz-executed-version": "7" } };
}

/** What the function does, by operation. */
function functionOf(privateKey: KeyObject): Record<Operation, (context: RouteContext) => object> {
  const pair = pairOf(privateKey);
  return {
    mint: ({ world, body }) => {
      if (world.listed().length >= world.keysMax) return { error: "quota" };
      const made = world.add({ name: String(body["name"]) });
      const recipient = String(body["sealTo"]);
      return { keyId: made.keyId, sealed: sealTo(recipient, { text: made.text, about: "mint" }) };
    },
    list: ({ world, body }) => {
      const start = Number(body["after"] ?? 0);
      const { page, nextStart } = pageOf(world.listed(), { start, size: world.pageMax });
      const next = nextStart === undefined ? {} : { next: String(nextStart) };
      return { keys: page.map(listed), nowMs: world.nowMs(), ...next };
    },
    verify: ({ world, body }) => {
      const text = pair.open(String(body["sealed"]), "verify")?.reveal();
      const key = [...world.keys.values()].find((each) => each.text === text);
      return { answer: key !== undefined && world.isAccepted(key) ? "valid" : "refused" };
    },
    disable: (context) => ({
      outcome: setDisabled(context, context.world.nowMs()) ? "disabled" : "notThere",
    }),
    enable: (context) => ({ outcome: setDisabled(context, undefined) ? "enabled" : "notThere" }),
    revoke: ({ world, body }) => {
      const key = world.listedKey(String(body["keyId"]));
      if (key === undefined) return { outcome: "alreadyGone" };
      key.revokedAtMs = world.nowMs();
      return { outcome: "revoked" };
    },
    lastUse: ({ world, body }) => usedSince(world, body),
  };
}

function listed({ keyId, name, text, createdAtMs, disabledAtMs }: WorldKey) {
  const status = disabledAtMs === undefined ? "active" : "disabled";
  return { keyId, name, status, createdAtMs, hint: hintOf(text) };
}

function setDisabled({ world, body }: RouteContext, atMs: number | undefined): boolean {
  const key = world.listedKey(String(body["keyId"]));
  if (key === undefined) return false;
  key.disabledAtMs = atMs;
  return true;
}

function usedSince(world: World, body: RouteContext["body"]): object {
  const key = world.listedKey(String(body["keyId"]));
  if (key === undefined) return { outcome: "notThere", nowMs: world.nowMs() };
  const uses = key.usesMs;
  const last = uses.at(-1);
  const requests = uses.filter((atMs) => atMs >= Number(body["sinceMs"])).length;
  return {
    outcome: "seen",
    nowMs: world.nowMs(),
    requests,
    ...(last !== undefined && { lastUsedAtMs: last }),
  };
}
