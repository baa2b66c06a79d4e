import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { Secret } from "../../core/secret.ts";
import type { Page } from "../../functions/deps.ts";
import { endIssued } from "../../functions/upkeep/end-issued.ts";
import { secretsManager } from "../../local/aws/secrets-manager.ts";
import { startCloud } from "../../local/aws/server.ts";
import { secretMaker } from "../../stores/secrets-manager/maker.ts";
import { rekey } from "../cli/cli-world.ts";
import { type AdminWorld, ANNA, adminWorld, arnOf, fileWith, NOON_MS } from "./admin-world.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const eve = "arn:aws:sts::111122223333:assumed-role/approver/eve";

const block = (more = "") =>
  `{ for: agent, secret: "agents/{name}", provider: main, owner: platform, endsAfter: 7d, scopes: [api.responses.write], rotate: { every: 30d }, consumers: [{ name: "{name}" }]${more} }`;

const file = (more = "", secrets: Readonly<Record<string, string>> = { "billing-key": "" }) =>
  `${fileWith({ secrets })}\ntemplates:\n  agent: ${block(more)}\n`;

/** A world in which the template is applied; its clock goes on with each pause, and when it is told to. */
async function issueWorld(more = "") {
  const world = adminWorld();
  const pages: Page[] = [];
  let nowMs = NOON_MS;
  const pass = (ms: number) => {
    nowMs += ms;
  };
  Object.assign(world.deps, {
    clock: { nowMs: () => nowMs, pause: async (ms: number) => pass(ms) },
    escalator: {
      page: async (page: Page) => {
        pages.push(page);
        return { delivered: ["topic"], failed: [] };
      },
    },
  });
  world.secret("billing-key");
  const applied = await rekey(world, "apply rekey.yml", { files: { "rekey.yml": file(more) } });
  expect(applied).toMatchObject({ code: 0, err: "" });
  const look = () => endIssued.run({ time: nowMs }, world.depsOf("end-issued"));
  /** Orders are signed at noon in this world. */
  const backToNoon = () => {
    nowMs = NOON_MS;
  };
  return { world, pages, pass, look, backToNoon };
}

const keysOf = (world: AdminWorld) =>
  world.provider
    .state()
    .filter(({ name, isListed }) => isListed && name.startsWith("rekey/"))
    .map(({ keyId }) => keyId);
const secretArn = arnOf("agents/scout");

describe("rekey issue", () => {
  test("makes no key for a name that is declared to have none", async () => {
    const { world } = await issueWorld();
    const federated =
      "  scout: { kind: federated, issuer: openai, identity: svc_FAKE, consumers: [{ name: a }] }";
    const text = file().replace("\ntemplates:", `\n${federated}\ntemplates:`);
    expect(await rekey(world, "apply rekey.yml", { files: { "rekey.yml": text } })).toMatchObject({
      code: 0,
    });

    const refused = await rekey(world, "issue agent scout --owner search");

    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain("scout is declared as having no key");
    expect(keysOf(world)).toEqual([]);
  });

  test("makes a key in a secret of its own, under the template's policy, and never shows it", async () => {
    const { world } = await issueWorld();
    const shown = await rekey(world, "issue agent scout --owner search --for 2d");

    expect(shown).toMatchObject({ code: 0, err: "" });
    expect(shown.out).toContain(`scout is issued: key`);
    expect(shown.out).toContain("search answers for it; it ends 2026-11-24");
    const [keyId] = keysOf(world);
    const policy = await world.ledger.policy(secretArn);
    expect(policy).toMatchObject({
      ...{ name: "scout", owner: "search", scopes: ["api.responses.write"], mode: "rotate" },
      consumers: [{ name: "scout" }],
      issued: { template: "agent", endsAtMs: NOON_MS + 2 * dayMs },
    });
    expect((await world.ledger.secret(secretArn)).keys).toMatchObject([{ keyId, state: "current" }]);
    const text = (await world.store.current(secretArn)).text.reveal();
    expect(world.provider.texts().get(keyId ?? "")).toBe(text);
    expect(world.provider.state().find((key) => key.keyId === keyId)).toMatchObject({ isAccepted: true });
    expect([...world.schedules.stored.values()].map((each) => each.secretArn)).toContain(secretArn);
    expect(await world.told("agents/scout")).toEqual(["PolicyApplied by anna", "SecretIssued by anna"]);
    const everything = JSON.stringify([shown, world.logs, await world.ledger.everyIssued()]);
    expect(everything).not.toContain(text);
  });

  test("says with --dry-run what it would make, and makes nothing", async () => {
    const { world } = await issueWorld();
    const shown = await rekey(world, "issue agent scout --dry-run");
    expect(shown.code).toBe(0);
    expect(shown.out).toContain("would make a key of main in a new secret agents/scout");
    expect(keysOf(world)).toEqual([]);
    expect(await world.ledger.everyIssued()).toEqual([]);
  });

  test.each([
    ["issue agnet scout", "did you mean agent?"],
    ["issue agent billing-key", "another secret has this name"],
    ["issue agent -- -x", "a name starts with a letter or digit"],
    ["issue agent scout --for 30d", "lives for 7d at most"],
    ["issue agent scout --for soon", "--for takes a duration"],
  ])("refuses `%s` in words", async (line, words) => {
    const { world } = await issueWorld();
    const shown = await rekey(world, line);
    expect(shown.code).not.toBe(0);
    expect(shown.err).toContain(words);
    expect(keysOf(world)).toEqual([]);
  });

  test("refuses whoever is not of a role that the deployment names, and anybody where it names none", async () => {
    const { world } = await issueWorld();
    const order = { command: "issue", template: "agent", name: "scout" };
    expect((await world.send(order, eve)).answer).toMatchObject({
      outcome: "refused",
      reason: "MayNotIssue",
    });
    Object.assign(world.deps, { issuers: [] });
    expect((await world.send(order, ANNA)).answer).toMatchObject({
      outcome: "refused",
      reason: "MayNotIssue",
    });
    expect(keysOf(world)).toEqual([]);
  });

  test("stops at the number that the template allows, until one is retired", async () => {
    const { world } = await issueWorld(", atMost: 1");
    expect((await rekey(world, "issue agent one")).code).toBe(0);
    expect((await rekey(world, "issue agent two")).err).toContain("1 secrets of agent live, and it allows 1");
    expect((await rekey(world, "retire one --reason done")).code).toBe(0);
    expect((await rekey(world, "issue agent two")).code).toBe(0);
  });

  test("waits for a second person where the template says so", async () => {
    const { world } = await issueWorld(", secondPerson: true");
    Object.assign(world.deps, { twoPeople: { mayAsk: ["operator"], mayApprove: ["approver"] } });
    const { answer } = await world.send({ command: "issue", template: "agent", name: "scout" });
    expect(answer).toMatchObject({
      outcome: "pending",
      what: { name: "scout", scopes: "api.responses.write" },
    });
    expect(keysOf(world)).toEqual([]);
    const { answer: shown } = await world.send({ command: "approve", order: answer["order"] }, eve);
    const confirm = { command: "approve", order: answer["order"], digest: shown["digest"] };
    expect((await world.send(confirm, eve)).answer).toMatchObject({ outcome: "issued", approvedBy: eve });
    expect(keysOf(world)).toHaveLength(1);
  });

  test("a name that somebody else's secret has in the store is refused before a key is made", async () => {
    const { world } = await issueWorld();
    await world.maker.make({
      name: "agents/scout",
      issueId: "i-other",
      versionId: "v".repeat(32),
      text: new Secret("FAKE"),
    });
    const shown = await rekey(world, "issue agent scout");
    expect(shown.err).toContain("a secret called agents/scout is there already");
    expect(keysOf(world)).toEqual([]);
  });

  test("a change of the template is a change of its secrets, with the next apply", async () => {
    const { world } = await issueWorld();
    await rekey(world, "issue agent scout --owner search");
    const files = { "rekey.yml": file(", overlap: 3h") };
    const again = await rekey(world, "apply rekey.yml --prune", { files });
    expect(again).toMatchObject({ code: 0 });
    expect(await world.ledger.policy(secretArn)).toMatchObject({ overlapMs: 3 * hourMs, owner: "search" });
  });
});

describe("an interrupted order", () => {
  test("whose mint lost its reply leaves one key after it is given again", async () => {
    const { world, pass } = await issueWorld();
    world.provider.inject({ kind: "lostReply", on: "mint" });
    const first = await rekey(world, "issue agent scout");
    expect(first.err).toContain("no usable answer to the mint");
    expect(keysOf(world)).toHaveLength(1);
    expect((await rekey(world, "issue agent scout")).err).toContain("being made already");
    pass(61_000);
    expect((await rekey(world, "issue agent scout")).code).toBe(0);
    expect(keysOf(world)).toHaveLength(1);
    const [key] = (await world.ledger.secret(secretArn)).keys;
    expect(keysOf(world)).toEqual([key?.keyId]);
  });

  test("whose admin function died after the secret was made is finished by the same order, with the same key", async () => {
    const { world } = await issueWorld();
    const { put } = world.schedules;
    world.schedules.put = async () => {
      throw new Error("the process ended");
    };
    await rekey(world, "issue agent scout");
    world.schedules.put = put;
    const made = keysOf(world);
    expect((await rekey(world, "issue agent scout")).code).toBe(0);
    expect(keysOf(world)).toEqual(made);
    expect(await world.ledger.issued("scout")).toMatchObject({ state: "issued" });
  });

  test("that nobody gives again is undone: its key ends, and its name is free", async () => {
    const { world, pass, look, backToNoon } = await issueWorld();
    world.provider.inject({ kind: "lostReply", on: "mint" });
    await rekey(world, "issue agent scout");
    pass(10 * 60_000);
    expect(await look()).toMatchObject({ undone: 0 });
    expect(keysOf(world)).toHaveLength(1);
    pass(11 * 60_000);
    expect(await look()).toMatchObject({ undone: 1, failed: 0 });
    expect(keysOf(world)).toEqual([]);
    backToNoon();
    expect(await rekey(world, "issue agent scout")).toMatchObject({ code: 0, err: "" });
  });

  test("by somebody else does not get the first one's secret", async () => {
    const { world } = await issueWorld();
    await rekey(world, "issue agent scout");
    const bob = "arn:aws:sts::111122223333:assumed-role/operator/bob";
    const { answer } = await world.send({ command: "issue", template: "agent", name: "scout" }, bob);
    expect(answer).toMatchObject({ outcome: "refused", reason: "NameTaken" });
  });
});

describe("the end of an issued secret", () => {
  test("comes at its time: its key is revoked and proven dead, and no rotation opens any more", async () => {
    const { world, pass, look, backToNoon } = await issueWorld();
    await rekey(world, "issue agent scout --for 2d");
    const [keyId] = keysOf(world);
    pass(2 * dayMs - hourMs);
    expect(await look()).toMatchObject({ ended: 0 });
    pass(hourMs);
    expect(await look()).toMatchObject({ ended: 1, failed: 0 });
    expect(keysOf(world)).toEqual([]);
    expect(await world.ledger.policy(secretArn)).toBeUndefined();
    expect([...world.schedules.stored.values()].map((each) => each.secretArn)).not.toContain(secretArn);
    for (let looks = 0; looks < 30 && (await world.ledger.issued("scout"))?.state !== "ended"; looks += 1) {
      pass(15 * 60_000);
      await look();
    }
    expect(await world.ledger.issued("scout")).toMatchObject({ state: "ended" });
    expect(await world.ledger.keys(secretArn)).toContainEqual(
      expect.objectContaining({ keyId, state: "dead" }),
    );
    expect((await world.told("agents/scout")).slice(-3)).toEqual([
      "SecretRetired by rekey",
      "KeyEnded by rekey",
      "DeathRecorded by rekey",
    ]);
    backToNoon();
    const again = await rekey(world, "issue agent scout");
    expect(again.err).toContain("a secret called agents/scout is there already");
  });

  test("can be ordered for any secret, and is refused while a run or another secret has its key", async () => {
    const { world, look } = await issueWorld();
    const shown = await rekey(world, "retire billing-key --reason over");
    expect(shown).toMatchObject({ code: 0 });
    expect(shown.out).toContain("nothing takes its place");
    expect(await look()).toMatchObject({ failed: 0 });
    expect((await rekey(world, "rotate billing-key")).err).toContain("no longer rotated");
    expect((await rekey(world, "retire nothing --reason over")).code).toBe(1);
  });

  test("goes on after a crash between its record and its revoke", async () => {
    const { world, look } = await issueWorld();
    await rekey(world, "issue agent scout");
    world.provider.inject({ kind: "dropped", on: "revoke" }, { kind: "dropped", on: "revoke" });
    expect((await rekey(world, "retire scout --reason over")).code).not.toBe(0);
    expect(keysOf(world)).toHaveLength(1);
    await look();
    await look();
    expect(keysOf(world)).toEqual([]);
  });

  test("pages once when the key goes on working", async () => {
    const { world, pages, pass, look } = await issueWorld();
    await rekey(world, "issue agent scout");
    const provider = world.deps.provider;
    Object.assign(world.deps, {
      provider: (policy: never) => ({ ...provider(policy), verify: async () => "valid" as const }),
    });
    await rekey(world, "retire scout --reason over");
    pass(dayMs);
    await look();
    await look();
    expect(pages.map(({ title }) => title)).toEqual(["scout was retired, and its key is not seen dead"]);
  });
});

describe("a secret's maker at Secrets Manager", () => {
  test("tags a new secret, answers a repeat the same, goes on with its own, and leaves others' alone", async () => {
    const cloud = await startCloud({
      services: [secretsManager({ region: "eu-west-1", account: "111122223333" })],
    });
    const credentials = { accessKeyId: "FAKE", secretAccessKey: "FAKE" };
    const client = new SecretsManagerClient({ endpoint: cloud.url, region: "eu-west-1", credentials });
    const maker = secretMaker(client, { environment: "production" });
    const first = {
      name: "agents/a",
      issueId: "i-1",
      versionId: "00000000-0000-4000-8000-000000000001",
      text: new Secret("FAKE-one"),
    };
    const arn = await maker.make(first);
    expect(await maker.make(first)).toBe(arn);
    expect(await maker.find("agents/a")).toEqual({ secretArn: arn, issueId: "i-1" });
    const second = {
      ...first,
      versionId: "00000000-0000-4000-8000-000000000002",
      text: new Secret("FAKE-two"),
    };
    expect(await maker.make(second)).toBe(arn);
    await expect(
      maker.make({ ...second, issueId: "i-2", versionId: `${second.versionId}9` }),
    ).rejects.toThrow("is there already");
    expect(await maker.find("agents/b")).toBeUndefined();
    client.destroy();
    await cloud.close();
  });
});
