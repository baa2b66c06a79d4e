import type { Policy } from "../../core/policy.ts";
import { mistakesIn } from "../../core/policy.ts";
import { Secret } from "../../core/secret.ts";
import { connectLater } from "../../providers/connect.ts";
import { fakeHttp } from "../../providers/fake.ts";
import { type FaultKind, faultsOf } from "../../providers/fake-faults.ts";
import { json } from "../../providers/fake-world.ts";
import { saying } from "../../providers/http/fake-replies.ts";
import { providers } from "../../providers/kinds.ts";
import type { ProviderKind } from "../../providers/provider.ts";
import { describeShape } from "./shape-contract.ts";

/** Issuers without an API for keys: what there is to call is the verification, with the key itself. */
const assisted = Object.values(providers).filter((kind) => {
  try {
    const { shape, revoke } = kind.facts({}).capabilities;
    return shape.kind === "assisted" && !revoke;
  } catch {
    return false; // it wants settings
  }
});

test("every issuer without an API for keys is here", () => {
  expect(assisted.map(({ kind }) => kind).sort()).toEqual([
    ...["assemblyai", "cohere", "github", "groq", "huggingface", "paddle", "postmark", "replicate"],
    ...["stability", "stripe", "together"],
  ]);
});

const working = "FAKE-working-key-0123456789";

/** Knows one key, wherever a request carries it. */
function worldOf(kind: ProviderKind) {
  const faults = faultsOf();
  let calls = 0;
  const http = fakeHttp((request) => {
    calls += 1;
    return faults.strike({ operation: "verify", request, nth: calls }, () => {
      if (request.method !== "GET") return json(405, {});
      const sent = Object.values(request.headers).some((value) => value.split(" ").at(-1) === working);
      return saying(sent ? "valid" : "refused", kind.verifyTable);
    });
  });
  const admin = {
    get: () => Promise.reject(new Error("no credential is asked for")),
    refused: () => undefined,
  };
  const provider = connectLater(kind, { settings: {}, admin, http });
  return { provider, inject: faults.inject, calls: () => calls };
}

const unanswered: readonly FaultKind[] = [
  ...(["lostReply", "dropped", "throttled", "garbage", "truncated", "oversized", "deep"] as const).map(
    (kind) => ({ kind }),
  ),
  { kind: "serverError", effect: true },
];

for (const kind of assisted) {
  describe(`${kind.kind}, of which people make the keys`, () => {
    test("a working key is valid, and a made-up one is refused", async () => {
      const { provider } = worldOf(kind);
      expect(await provider.verify(new Secret(working))).toBe("valid");
      expect(await provider.verify(new Secret(`${working}x`))).toBe("refused");
    });

    test.each(unanswered)("an answer distorted by %p proves nothing", async (fault) => {
      const { provider, inject } = worldOf(kind);
      inject(fault);
      expect(await provider.verify(new Secret(working))).toBe("inconclusive");
    });

    test("nothing is claimed of a key that nobody can see, and the person is told where to go", async () => {
      const { provider, calls } = worldOf(kind);
      const place = expect.objectContaining({
        name: "NeedsHuman",
        message: expect.stringContaining(kind.byHand.console ?? "no console"),
      });
      await expect(provider.find("some-key")).rejects.toEqual(place);
      await expect(provider.revoke("some-key")).rejects.toEqual(place);
      expect(await provider.quarantine({ keyId: "some-key" })).toBe("cannot");
      expect(calls()).toBe(0);
    });

    test("a policy that would rotate its keys is refused, and one that watches them is not", () => {
      const policy = { provider: { account: "main" }, consumers: "none", signals: [] };
      const mistakes = (mode: Policy["mode"]) =>
        mistakesIn({ ...policy, mode } as unknown as Policy, kind.facts({}));
      expect(mistakes("rotate").map(({ message }) => message)).toContainEqual(
        expect.stringContaining("use `mode: index`"),
      );
      expect(
        mistakes("index")
          .map(({ message }) => message)
          .join(),
      ).not.toContain("mode: index");
    });
  });
  describeShape(kind.kind, { kind: "assisted" }, async () => ({
    ...worldOf(kind),
    currentKey: () => ({ keyId: "some-key", secret: new Secret(working) }),
    listed: () => [],
    advance: () => undefined,
  }));
}

/** Bodies that people saw: who complains of scopes knows the key, and who says nothing about the key proves nothing. */
const answers = [
  ["stripe", 401, { error: { message: "Invalid API Key provided: sk_live_****FAKE" } }, "refused"],
  ["stripe", 401, { error: { code: "api_key_expired", message: "Expired API Key provided" } }, "refused"],
  ["stripe", 401, { error: { message: "You did not provide an API key." } }, "inconclusive"],
  ["stripe", 403, { error: { message: "'rk_' does not have the required permissions" } }, "notPermitted"],
  ["stripe", 429, { error: { code: "rate_limit" } }, "inconclusive"],
  ["huggingface", 200, { type: "user", name: "somebody" }, "valid"],
  ["huggingface", 401, { error: "Invalid credentials in Authorization header" }, "refused"],
  ["huggingface", 401, { error: 'User Access Token "ci" is expired' }, "refused"],
  ["huggingface", 401, { error: "Invalid username or password." }, "inconclusive"],
  ["huggingface", 403, { error: "The token lacks the required permissions" }, "notPermitted"],
  ["github", 401, { message: "Bad credentials" }, "refused"],
  ["github", 401, { message: "Requires authentication" }, "inconclusive"],
  ["github", 403, { message: "Resource not accessible by personal access token" }, "notPermitted"],
  ["github", 403, { message: "Resource protected by organization SAML enforcement." }, "notPermitted"],
  ["github", 403, { message: "API rate limit exceeded for user ID 1." }, "inconclusive"],
  ["github", 403, { message: "Maximum number of login attempts exceeded." }, "inconclusive"],
] as const;

test.each(answers)("%s: a %s with %j means %s", async (name, status, json, meaning) => {
  const { provider, inject } = worldOf(providers[name] as ProviderKind);
  inject({ kind: "says", status, json });
  expect(await provider.verify(new Secret(working))).toBe(meaning);
});
