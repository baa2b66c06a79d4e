import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { Secret } from "../../core/secret.ts";
import { parsePolicyFile } from "../../events/policy-text.ts";
import * as adapter from "../../providers/http/adapter.ts";
import { declaredFake } from "../../providers/http/fake.ts";
import { http } from "../../providers/http/index.ts";
import { httpPlan } from "../../providers/http/settings.ts";
import { providers } from "../../providers/kinds.ts";
import { stores } from "../../stores/index.ts";
import { adminCredential, makeFakeWorld, underContract } from "./fake-provider-world.ts";
import { describeProvider } from "./provider-contract.ts";

const page = readFileSync(new URL("../../docs/providers/declared.md", import.meta.url), "utf8");
const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
const { kind: _, ...block } = parse(example).providers.gateway;
const settings = { ...block, adminCredential };
const subject = { kind: http, adapter, settings, fake: declaredFake(httpPlan(settings)) };

describeProvider(
  "kind http, as docs/providers/declared.md declares one, over a socket",
  underContract(
    subject,
    {
      revokeOperation: "revoke",
      skips: { usagePerKey: "declarations read no usage", expiry: "declarations set no expiry" },
    },
    { overSocket: true },
  ),
);

test("the example of the page is a policy file without a mistake", () => {
  expect(parsePolicyFile({ text: example }, { kinds: providers, stores, nowMs: 0 })).not.toHaveProperty(
    "mistakes",
  );
});

/** What is said about the example with another value at one place of its declaration. */
function mistakesWith(place: string, value: unknown): readonly string[] {
  const file = parse(example);
  const steps = place.split(" ");
  const last = steps.pop() ?? "";
  let inside = file.providers.gateway.declaration;
  for (const step of steps) inside = inside[step];
  inside[last] = value;
  const read = parsePolicyFile({ text: JSON.stringify(file) }, { kinds: providers, stores, nowMs: 0 });
  return "mistakes" in read ? read.mistakes.map(({ message }) => message) : [];
}

describe("a declaration is refused", () => {
  const basic = { method: "GET", path: "/x" };
  test.each<[string, string, unknown, string]>([
    [
      "that puts the admin credential into a path",
      ...(["list path", "/keys/{{admin}}"] as const),
      "declaration.list.path: {{admin}} is allowed only in a header or a body",
    ],
    [
      "that puts the key into a query",
      ...(["verify query", { key: "{{key.1}}" }] as const),
      "declaration.verify.query.key: {{key.1}} is allowed only in a header or a body",
    ],
    [
      "that sends the admin credential with the verification",
      ...(["verify headers authorization", "Bearer {{admin}}"] as const),
      "declaration.verify.headers.authorization: {{admin}} is no variable of this request",
    ],
    [
      "with a variable that nobody fills",
      ...(["mint body label", "{{nmae}}"] as const),
      "declaration.mint.body.label: {{nmae}} is no variable of this request; did you mean {{name}}?",
    ],
    [
      "with a line break in a header",
      ...(["admin headers x-api-key", "{{admin}}\r\nx-other: 1"] as const),
      "declaration.admin.headers.x-api-key: a text is printable ASCII in one line",
    ],
    [
      "whose path holds a query",
      ...(["revoke path", "/keys?id={{keyId}}"] as const),
      "declaration.revoke.path: a path begins with / and has no ?",
    ],
    [
      "that takes a status alone for a proof of death",
      ...(["verify table", [{ status: 401, means: "refused" }]] as const),
      "`refused` proves a key dead, so it needs the provider's own words",
    ],
    [
      "with a pointer that is none",
      ...(["list items", "data"] as const),
      "declaration.list.items: a JSON pointer is empty or begins with /",
    ],
    [
      "that makes up keys which its list cannot show",
      ...(["newSecret", { prefix: "sk-", length: 40 }] as const),
      "declaration.list.sha256: with `newSecret` the list has to show each key's `sha256`",
    ],
    [
      "with a field that does not exist",
      ...(["revoke", { ...basic, bodyy: {} }] as const),
      'unknown field "bodyy": did you mean body?',
    ],
  ])("%s", (_title, place, value, message) => {
    expect(mistakesWith(place, value).join("\n")).toContain(message);
  });
});

describe("a declared call", () => {
  test("carries a value in a path as one segment, and none that climbs", async () => {
    const world = await makeFakeWorld({
      ...subject,
      settings: { ...settings, parameters: { ...settings.parameters, team: ".." } },
    });
    await expect(world.provider.list()).rejects.toMatchObject({ name: "InputInvalid" });
    expect(world.fake.counters().calls).toBe(0);
  });

  test("follows no redirect: an answer of 302 is no answer", async () => {
    const world = await makeFakeWorld(subject, { overSocket: true });
    const { secret } = world.foreignKey();
    world.inject(
      { kind: "answer", status: 302, headers: { location: "http://127.0.0.1:9/" } },
      { kind: "answer", status: 302, headers: { location: "http://127.0.0.1:9/" } },
    );
    expect(await world.provider.verify(secret)).toBe("inconclusive");
    await expect(world.provider.list()).rejects.toMatchObject({ retry: "later" });
    expect(world.fake.counters().calls).toBe(2);
    await world.close();
  });

  test("a live key that lacks a scope is alive", async () => {
    const world = await makeFakeWorld(subject);
    world.inject({ kind: "says", status: 403, json: { error: { code: "missing_scope" } } });
    expect(await world.provider.verify(new Secret("gw-FAKE-anything"))).toBe("notPermitted");
  });

  test("a list with more keys than it shows is an error", async () => {
    const { list, ...rest } = settings.declaration;
    const declaration = { ...rest, list: { ...list, paging: { kind: "none", count: "/total" } } };
    const counted = { ...settings, declaration };
    const world = await makeFakeWorld({
      ...subject,
      settings: counted,
      fake: declaredFake(httpPlan(counted)),
    });
    world.foreignKey();
    expect(await world.provider.list()).toHaveLength(1);
    world.inject({
      ...{ kind: "rewrite", on: "list" },
      rewrite: ({ headers, json }) => ({ headers, json: { ...json, total: 2 } }),
    });
    await expect(world.provider.list()).rejects.toMatchObject({ name: "ProviderGarbled" });
  });
});
