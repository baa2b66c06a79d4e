import { deploymentChain } from "../../audit/chain.ts";
import { parsePolicyFile } from "../../events/policy-text.ts";
import { declaredKinds } from "../../providers/declared-kinds.ts";
import { stores } from "../../stores/index.ts";
import { rekey } from "../cli/cli-world.ts";
import { type AdminWorld, adminWorld, arnOf, fileWith, NOON_MS } from "./admin-world.ts";

const block =
  "{ kind: federated, issuer: openai, identity: svc_FAKE, audience: openai-FAKE, ttl: 30m, owner: platform, consumers: [{ name: search }] }";

const fileOf = (secrets: Readonly<Record<string, string>>, keyed: Readonly<Record<string, string>> = {}) =>
  [fileWith({ secrets: keyed }), ...Object.entries(secrets).map(([name, text]) => `  ${name}: ${text}`)].join(
    "\n",
  );

const apply = (world: AdminWorld, text: string, more = "") =>
  rekey(world, `apply rekey.yml ${more}`.trim(), { files: { "rekey.yml": text } });

const declared = {
  ...{ reference: "federated://openai/search", name: "search", environment: "production", file: "rekey" },
  ...{ owner: "platform", issuer: "openai", identity: "svc_FAKE", audience: "openai-FAKE", ttlMs: 1_800_000 },
  consumers: [{ name: "search", environment: "production", account: "111122223333" }],
};

async function log(world: AdminWorld) {
  const lines = [];
  for await (const { action, detail } of world.audit.entries(deploymentChain)) lines.push({ action, detail });
  return lines;
}

describe("a secret's block with kind: federated", () => {
  test("is recorded, with nothing of it scheduled, read from a store or asked of a provider", async () => {
    const world = adminWorld();
    const shown = await apply(world, fileOf({ search: block }));
    expect(shown).toMatchObject({ code: 0, err: "" });
    expect(shown.out).toMatch(/search +created +no key: short-lived credentials of openai/);
    expect(await world.ledger.federated()).toEqual([declared]);
    expect([await world.ledger.policies(), [...world.schedules.stored.values()]]).toEqual([[], []]);
    expect(await log(world)).toEqual([
      {
        action: "FederatedApplied",
        detail: { name: "search", issuer: "openai", identity: "svc_FAKE", consumers: "search" },
      },
    ]);
    expect((await apply(world, fileOf({ search: block }))).out).toMatch(/search +unchanged/);
    expect(await log(world)).toHaveLength(1);
  });

  test("is shown by status, inventory and lint as having no key", async () => {
    const world = adminWorld();
    world.secret("billing-key");
    await apply(world, fileOf({ search: block }, { "billing-key": "" }));
    const says = "no key: short-lived credentials of openai";
    expect((await rekey(world, "status")).out).toMatch(new RegExp(`search +production +none .*${says}`));
    expect((await rekey(world, "status search")).out).not.toContain("billing-key");
    expect((await rekey(world, "inventory")).out).toMatch(/search +platform +openai +no key/);
    expect((await rekey(world, "inventory search --format csv")).out).toContain(says);
    expect((await rekey(world, "inventory --json")).json()).toMatchObject({ federated: [declared] });
    const linted = await rekey(world, "lint rekey.yml", {
      files: { "rekey.yml": fileOf({ search: block }) },
    });
    expect(linted.out).toContain(says);
    expect((await rekey(world, "rotate search --reason x")).code).not.toBe(0);
  });

  test.each([
    ["rotate search --reason x", "search has no key"],
    ["retire federated://openai/search --reason x", "search has no key"],
    ["history search", "search has no key"],
    ["compromise search --reason x", "disable svc_FAKE at openai"],
    ["compromise --consumer search --reason x", "disable svc_FAKE at openai"],
  ])("`%s` is told that there is no key, also where a secret of this name had one", async (line, says) => {
    const world = adminWorld();
    const { secretArn } = world.secret("search");
    await world.ledger.putFormerSecret({
      ...{ secretArn, name: "search", environment: "production", by: "arn:aws:sts::1:x/anna", atMs: NOON_MS },
    });
    await apply(world, fileOf({ search: block }));
    const shown = await rekey(world, line);
    expect(shown.code).not.toBe(0);
    expect(shown.err).toContain(says);
  });

  test("a dry run says what would change, and writes nothing", async () => {
    const world = adminWorld();
    const shown = await apply(world, fileOf({ search: block }), "--dry-run");
    expect(shown.out).toMatch(/\+ +federated +search/);
    expect(shown.out).toContain("1 change, 0 unchanged; nothing was applied");
    expect(await world.ledger.federated()).toEqual([]);
  });

  test("that is gone from its file stays until it is pruned, and other files' stay anyway", async () => {
    const world = adminWorld();
    world.secret("billing-key");
    await apply(world, fileOf({ search: block }));
    const without = fileOf({}, { "billing-key": "" });
    await rekey(world, "apply other.yml --prune", { files: { "other.yml": without } });
    expect(await world.ledger.federated()).toHaveLength(1);
    const renamed = fileOf({ chat: block });
    expect((await apply(world, renamed)).out).toMatch(/search +left/);
    expect((await apply(world, renamed, "--prune")).out).toMatch(/search +removed/);
    expect((await world.ledger.federated()).map(({ name }) => name)).toEqual(["chat"]);
    expect((await log(world)).at(-1)).toMatchObject({ action: "FederatedRemoved" });
  });

  test("belongs to the file that declares it", async () => {
    const world = adminWorld();
    await apply(world, fileOf({ search: block }));
    const files = { "other.yml": fileOf({ search: block }) };
    expect((await rekey(world, "apply other.yml", { files })).err).toContain(
      "the file rekey declares search",
    );
    expect(await rekey(world, "apply other.yml --replaces rekey", { files })).toMatchObject({ code: 0 });
  });
});

describe("a team goes from a key to none", () => {
  test("not while its key is alive: apply says what to do, and changes nothing", async () => {
    const world = adminWorld();
    const { keyId } = world.secret("search");
    await apply(world, fileOf({}, { search: "" }));
    for (const more of ["", "--dry-run", "--prune"]) {
      const refused = await apply(world, fileOf({ search: block }), more);
      expect(refused.err).toContain(`search still has the live key ${keyId}`);
      expect(refused.err).toContain("`rekey retire search` revokes it");
    }
    expect(await world.ledger.federated()).toEqual([]);
    expect(await world.ledger.policy(arnOf("search"))).toBeDefined();
  });

  test("once its last key is retired and proven dead, and the log names the secret that held it", async () => {
    const world = adminWorld();
    world.secret("search");
    await apply(world, fileOf({}, { search: "" }));
    expect(await rekey(world, "retire search --reason moved")).toMatchObject({ code: 0 });
    expect((await apply(world, fileOf({ search: block }))).err).toContain("not yet proven dead");
    await world.ledger.changeIssued(
      "search",
      (issued) => ({ ...(issued as never as object), state: "ended" }) as never,
    );
    expect(await apply(world, fileOf({ search: block }))).toMatchObject({ code: 0 });
    expect((await log(world)).at(-1)).toMatchObject({
      ...{ action: "FederatedApplied", detail: { name: "search", insteadOf: arnOf("search") } },
    });
  });

  test("not while one of its consumers' own keys is alive", async () => {
    const world = adminWorld();
    const { keyId } = world.secret("search-web");
    const keys = `keys: per-consumer, provider: main, rotate: manual, consumers: [{ name: web, arn: "${arnOf("search-web")}" }]`;
    expect(await apply(world, fileOf({ search: `{ ${keys} }` }))).toMatchObject({ code: 0 });
    const refused = await apply(world, fileOf({ search: block }), "--prune");
    expect(refused.err).toContain(`search.web still has the live key ${keyId}`);
    expect(await world.ledger.policy(arnOf("search-web"))).toBeDefined();
    expect(await world.ledger.federated()).toEqual([]);
  });

  test("and back: a key of the same name takes the place of none, and is shown", async () => {
    const world = adminWorld();
    const { keyId } = world.secret("search");
    await apply(world, fileOf({ search: block }));
    const back = fileOf({}, { search: "" });
    expect((await apply(world, back, "--dry-run")).out).toMatch(/- +federated +search/);
    expect(await apply(world, back)).toMatchObject({ code: 0 });
    expect(await world.ledger.federated()).toEqual([]);
    expect((await log(world)).at(-1)).toMatchObject({ action: "FederatedRemoved" });
    expect((await rekey(world, "status search")).out).toContain(keyId);
  });

  test("nor may another file give a key to a name that has none", async () => {
    const world = adminWorld();
    world.secret("search");
    await apply(world, fileOf({ search: block }));
    const files = { "other.yml": fileOf({}, { search: "" }) };
    const refused = await rekey(world, "apply other.yml", { files });
    expect(refused.err).toContain("the file rekey declares search as having no key");
    expect(await world.ledger.policies()).toEqual([]);
    expect(await rekey(world, "apply other.yml --replaces rekey", { files })).toMatchObject({ code: 0 });
    expect(await world.ledger.federated()).toEqual([]);
  });

  test("a secret whose key Rekey never knew has to be left first", async () => {
    const world = adminWorld();
    world.secret("search");
    await apply(world, fileOf({}, { search: "provider: main, mode: index" }));
    const refused = await apply(world, fileOf({ search: block }));
    expect(refused.err).toContain("search has a policy for a secret whose key Rekey does not know");
  });
});

describe("mistakes are said in whole sentences, at their place", () => {
  const mistakesIn = (text: string) => {
    const read = parsePolicyFile(
      { text: fileOf({ search: text }), path: "rekey.yml" },
      { kinds: declaredKinds, stores, nowMs: NOON_MS },
    );
    return "mistakes" in read ? read.mistakes.map(({ message }) => message) : [];
  };

  test.each([
    [block, []],
    [
      "{ kind: federated, issuer: openai, identity: svc_FAKE, consumers: [{ name: a }], rotate: { every: 30d }, arn: x }",
      [
        "secrets.search.rotate: a federated secret has no key, so it has no rotate: take it out",
        "secrets.search.arn: a federated secret has no key, so it has no arn: take it out",
      ],
    ],
    [
      "{ kind: federated }",
      [
        "secrets.search.issuer: issuer is missing: one of anthropic, azure, bedrock, google, openai",
        "secrets.search.identity: identity is missing: the service account, application or role",
        "secrets.search.consumers: no consumers: name the programs that have no key",
      ],
    ],
    [
      "{ kind: federated, issuer: other, identity: svc, consumers: [{}] }",
      [
        "secrets.search.issuer: issuer is one of anthropic, azure, bedrock, google, openai",
        "secrets.search.consumers.0.name: name is missing: every consumer has one",
      ],
    ],
    [
      "{ kind: federated, issuer: openai, identity: svc, ttl: 2d, consumers: [{ name: a }] }",
      ["secrets.search.ttl: a short-lived credential lives for at most 1d"],
    ],
    [
      "{ kind: federated, issuer: openai, identity: svc, consumers: [{ name: a, evidence: [client] }] }",
      ['secrets.search.consumers.0.evidence: unknown field "evidence"'],
    ],
    [
      `{ kind: none, arn: "${arnOf("x")}", provider: main, rotate: manual, consumers: none }`,
      ["secrets.search.kind: kind is key or federated"],
    ],
    [`{ kind: key, arn: "${arnOf("x")}", provider: main, rotate: manual, consumers: none }`, []],
  ])("%s", (text, said) => {
    expect(mistakesIn(text)).toEqual(said);
  });
});
