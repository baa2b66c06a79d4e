import * as z from "zod";
import type { ProviderFacts } from "../../core/policy.ts";
import type { Shape } from "../../core/ports.ts";
import { parsePolicyFile } from "../../events/policy-text.ts";
import { stores } from "../../stores/index.ts";

const arn = (name: string) => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}-AbCdEf`;

function factsOf(shape: Shape): ProviderFacts {
  return {
    capabilities: {
      ...{ shape, quarantine: "no", quarantineContains: false, revoke: true },
      ...{ lastUsed: true, usagePerKey: false, expiry: false },
    },
    propagation: {
      ...{ activateMs: 0, dieMs: 0, deadProbes: 1, deadWindowMs: 0 },
      ...{ probeEveryMs: 1, usageLagMs: 0 },
    },
  };
}

function read(blocks: string, shape: Shape = { kind: "sideBySide" }) {
  const kinds = { acme: { settings: z.strictObject({}), facts: () => factsOf(shape) } };
  const text = `version: 1
environment: production
account: "111122223333"
providers: { main: { kind: acme } }
${blocks}`;
  return parsePolicyFile({ text }, { kinds, stores, nowMs: 0 });
}

function mistakesOf(blocks: string, shape?: Shape): readonly string[] {
  const file = read(blocks, shape);
  return "mistakes" in file ? file.mistakes.map(({ message }) => message) : [];
}

const consumers = (...names: readonly string[]) =>
  `consumers: [${names.map((name) => `{ name: ${name}, arn: "${arn(name)}" }`).join(", ")}]`;
const block = (more: string) =>
  `secrets: { ai: { keys: per-consumer, provider: main, rotate: { every: 30d }, scopes: [chat], ${more} } }`;

test("each consumer gets a policy of its own, with everything that the block says", () => {
  const file = read(block(consumers("web", "jobs")));
  if ("mistakes" in file) throw new Error(JSON.stringify(file.mistakes));
  const shared = { schedule: "rate(30 days)", scopes: ["chat"], provider: { account: "main" } };
  expect(file.policies).toMatchObject([
    { name: "ai.web", secretArn: arn("web"), ...shared, consumers: [{ name: "web" }] },
    { name: "ai.jobs", secretArn: arn("jobs"), ...shared, consumers: [{ name: "jobs" }] },
  ]);
  expect(file.policies.map((policy) => policy.consumers.length)).toEqual([1, 1]);
  expect(file.policies[0]).not.toHaveProperty("keys");
  expect(file.policies[0]?.consumers[0]).not.toHaveProperty("arn");
});

test("a consumer's own key may be named", () => {
  const file = read(block(`consumers: [{ name: web, arn: "${arn("web")}", currentKeyId: key_1 }]`));
  expect(file).toMatchObject({ policies: [{ name: "ai.web", currentKeyId: "key_1" }] });
});

test.each([
  [
    "a consumer without a secret",
    block("consumers: [{ name: web }]"),
    "secrets.ai.consumers.0.arn: arn is missing: give the secret's full ARN; `rekey issue` makes a new secret from a template",
  ],
  [
    "a consumer without a name",
    block(`consumers: [{ arn: "${arn("web")}" }]`),
    "secrets.ai.consumers.0.name: name is missing: every consumer has one",
  ],
  [
    "no consumers",
    block("consumers: none"),
    "secrets.ai.consumers: with `keys: per-consumer` every consumer is listed, each with an arn of its own",
  ],
  [
    "a secret for all of them",
    block(`arn: "${arn("all")}", ${consumers("web")}`),
    "secrets.ai.arn: with `keys: per-consumer` each consumer has arn of its own: write it there",
  ],
  [
    "one consumer twice",
    block(`consumers: [{ name: web, arn: "${arn("a")}" }, { name: web, arn: "${arn("b")}" }]`),
    "secrets.ai.consumers.1.name: web is listed twice: two secrets would be called ai.web",
  ],
  [
    "a mistake that all of them share, once",
    block(`overlap: 1h, quiet: 2h, ${consumers("web", "jobs")}`),
    "secrets.ai.overlap: the overlap of 1h ends before the quiet window of 2h can",
  ],
])("%s is refused", (_what, blocks, message) => {
  expect(mistakesOf(blocks).filter((each) => each === message)).toHaveLength(1);
});

test("two consumers in one secret would have one key", () => {
  const both = `consumers: [{ name: web, arn: "${arn("a")}" }, { name: jobs, arn: "${arn("a")}" }]`;
  expect(mistakesOf(block(both))).toContainEqual(expect.stringContaining("ai.web has this secret already"));
});

test("another secret may not have the name that a consumer's gets", () => {
  const other = `ai.web: { arn: "${arn("x")}", provider: main, rotate: manual, consumers: none }`;
  const blocks = block(consumers("web")).replace("secrets: {", `secrets: { ${other},`);
  expect(mistakesOf(blocks)).toContain("secrets.ai.web: two secrets of this file would have this name");
});

test("without per-consumer keys a consumer has no secret of its own", () => {
  const blocks = block(consumers("web")).replace("keys: per-consumer", `arn: "${arn("all")}"`);
  expect(mistakesOf(blocks)).toEqual([
    "secrets.ai.consumers.0.arn: a consumer has arn of its own only with `keys: per-consumer`",
  ]);
});

test.each<[Shape, string | undefined]>([
  [{ kind: "assisted" }, "no call of this provider makes a key"],
  [{ kind: "slots", idleIsFree: true }, "two places for all consumers together"],
  [{ kind: "atMost", keys: 2 }, "2 consumers and one incoming key need 3 keys, and this provider allows 2"],
  [{ kind: "atMost", keys: 3 }, undefined],
])("what the provider cannot do is refused: %j", (shape, message) => {
  const found = mistakesOf(block(consumers("web", "jobs")), shape);
  expect(found).toEqual(message === undefined ? [] : [expect.stringContaining(message)]);
});

test("an application is listed as a consumer, because the block is several secrets", () => {
  const taking = `applications: { shop: { to: cluster, takes: { KEY: ai } } }`;
  expect(mistakesOf(`${block(consumers("web"))}\n${taking}`)).toEqual([
    "applications.shop: takes ai, and its keys are per consumer: list the application there, with copies",
  ]);
});
