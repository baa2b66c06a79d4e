import { SecretUnusable } from "../../core/errors.ts";
import { awaitKey } from "../../functions/rotation/await-key.ts";
import { openRotation } from "../../functions/rotation/open-rotation.ts";
import { kitAgeMaxMs, newestKitAt } from "../../functions/sealed-kit/entries.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import { instancesIn } from "../../ledger/instances.ts";
import { keyIn } from "../../stores/value.ts";
import { type AdminWorld, ANNA, adminWorld, arnOf, fileWith, NOON_MS } from "../contract/admin-world.ts";
import { memoryCheckpoints } from "../contract/checkpoint-world.ts";
import { appliedWorld, rekey } from "./cli-world.ts";

const day = 86_400_000;

async function open(world: AdminWorld, rotationId = "r-1") {
  const executionArn = `arn:aws:states:eu-west-1:111122223333:execution:rekey-rotation:${rotationId}`;
  const input = { secretArn: arnOf("billing-key"), rotationId, executionArn, trigger: "test", at: NOON_MS };
  return openRotation.run(input, world.depsOf("open-rotation"));
}

describe("apply", () => {
  test("a dry run shows what would change and changes nothing", async () => {
    const world = adminWorld();
    world.secret("billing-key");
    const files = { "rekey.yml": fileWith({ secrets: { "billing-key": "" } }) };
    const shown = await rekey(world, "apply --dry-run", { files });
    const [policy, schedule, fires, last] = shown.out.split("\n");
    expect([policy, schedule, last]).toEqual([
      "+  policy    billing-key",
      "+  schedule  billing-key-9aba2220105c",
      "2 changes, 0 unchanged; nothing was applied",
    ]);
    expect(fires).toMatch(/^ +fires 2026-1[12]-\d\d \d\d:\d\d:\d\dZ, /);
    expect(await world.ledger.policies()).toEqual([]);
  });

  test("the keys that were adopted are shown, and that nothing was rotated", async () => {
    const { world, file, keys } = await appliedWorld();
    const again = await rekey(world, "apply", { files: { "rekey.yml": file } });
    expect(again.out).toBe(
      [
        `billing-key  unchanged  ${keys["billing-key"]?.keyId}`,
        "1 secret applied; no rotation was started",
      ].join("\n"),
    );
  });

  test("every mistake is shown with its place, before AWS is asked anything", async () => {
    const files = {
      "rekey.yml":
        "version: 1\nenvironment: production\naccount: '111122223333'\nproviders: {}\nsecrets:\n  a: { arn: b }\n",
    };
    const shown = await rekey(adminWorld(), "apply", { files, admin: false });
    expect(shown.code).toBe(2);
    expect(shown.out).toBe("");
    expect(shown.err).toBe(
      [
        "rekey.yml:6:3: secrets.a.provider: provider is missing: name one of this file",
        "rekey.yml:6:3: secrets.a.rotate: rotate is missing: say when, or `rotate: manual`",
        "rekey.yml:6:3: secrets.a.consumers: no consumers: name them, or say `consumers: none` if nothing uses the key",
        "rekey.yml:6:13: secrets.a.arn: this is not the full ARN of a secret: aws secretsmanager describe-secret shows it",
        "rekey: error: rekey.yml has 4 mistakes, and nothing was applied",
        "rekey: hint: every field is described in docs/policy.md",
      ].join("\n"),
    );
  });

  test("mistakes are in the JSON too", async () => {
    const shown = await rekey(adminWorld(), "apply --json", { files: { "rekey.yml": "version: 2" } });
    expect(shown.json()).toMatchObject({
      type: "error",
      mistakes: expect.arrayContaining([expect.objectContaining({ line: 1 })]),
    });
  });

  test("a file that is not there is said to be missing", async () => {
    const shown = await rekey(adminWorld(), "apply other.yml");
    expect(shown.code).toBe(2);
    expect(shown.err).toBe(
      "rekey: error: cannot read other.yml (ENOENT)\nrekey: hint: name policy files or folders, or begin with examples/rekey.yml",
    );
  });

  test("a secret that could not be applied makes the exit code 1 and says why", async () => {
    const world = adminWorld();
    world.secret("good");
    world.store.create(arnOf("empty"));
    const files = { "rekey.yml": fileWith({ secrets: { good: "", empty: "" } }) };
    const shown = await rekey(world, "apply", { files });
    expect(shown.code).toBe(1);
    expect(shown.out).toContain("empty  failed   ");
    expect(shown.out).toContain("1 secret of 2 could not be applied and keep what they had");
  });

  test("without the admin function a dry run still checks the file", async () => {
    const files = { "rekey.yml": fileWith({ secrets: { a: "" } }) };
    const shown = await rekey(adminWorld(), "apply --dry-run", { files, admin: false });
    expect(shown.code).toBe(0);
    expect(shown.out).toContain("the file is valid: 1 secret");
    expect((await rekey(adminWorld(), "apply", { files, admin: false })).err).toContain(
      "rekey: hint: set REKEY_ADMIN_URL",
    );
  });

  test("what one call did not reach, the next one does", async () => {
    const world = adminWorld();
    world.secret("a");
    world.secret("b");
    let reads = 0;
    // Each look at the clock is ten seconds later: every call has time for one secret.
    const clock = { ...world.deps.clock, nowMs: () => NOON_MS + 10_000 * reads++ };
    Object.assign(world.deps, { clock });
    const files = { "rekey.yml": fileWith({ secrets: { a: "", b: "" } }) };
    const shown = await rekey(world, "apply --json", { files });
    expect(shown.err).toBe("1 secret still to come");
    expect(shown.json()).toMatchObject({
      outcome: "applied",
      secrets: [{ outcome: "created" }, { outcome: "created" }],
    });
  });
});

describe("rotate and watch", () => {
  test("a rotation is started under an id that can be followed", async () => {
    const { world } = await appliedWorld();
    const shown = await rekey(world, ["rotate", "billing-key", "--reason", "left the company"]);
    expect(shown.out).toBe(
      "rotation billing-key-id1 is started\nfollow it with: rekey watch billing-key-id1",
    );
    expect(world.executions.started).toMatchObject([{ name: "billing-key-id1" }]);
  });

  test("a rotation that only finishes what an earlier one left says so", async () => {
    const { world, keys } = await appliedWorld();
    const old = { keyId: "k-old", versionId: "v-old", fingerprint: "sha256:old" };
    await world.ledger.changeSecret(arnOf("billing-key"), (record) => ({
      ...record,
      keys: [
        { ...old, name: "k-old", state: "retiring" as const },
        ...record.keys.map((key) => ({ ...key, rotationId: "r-0" })),
      ],
    }));
    const shown = await rekey(world, "rotate billing-key");
    expect(keys["billing-key"]?.keyId).toBeDefined();
    expect(shown.out.split("\n")).toEqual([
      "rotation billing-key-id1 is started",
      "it makes no new key: it only finishes what an earlier rotation left, the revoke of k-old",
      "once that is done, the same command makes a new key",
      "follow it with: rekey watch billing-key-id1",
    ]);
  });

  test("an unknown secret is named, with the nearest one", async () => {
    const { world } = await appliedWorld();
    const shown = await rekey(world, "rotate biling-key");
    expect(shown.code).toBe(1);
    expect(shown.err).toBe(
      'rekey: error: no policy is about "biling-key"\nrekey: hint: did you mean billing-key?',
    );
  });

  test("a second rotation while one runs points to it", async () => {
    const { world } = await appliedWorld();
    await open(world);
    const shown = await rekey(world, "rotate billing-key");
    expect(shown.err).toBe(
      "rekey: error: billing-key: r-1 holds the secret\nrekey: hint: follow it with `rekey watch r-1`",
    );
  });

  test("watching tells each step once and ends with the proof", async () => {
    const { world } = await appliedWorld();
    await open(world);
    const end = async () => {
      await world.ledger.changeRotation({ secretArn: arnOf("billing-key"), rotationId: "r-1" }, (known) => {
        if (known === undefined) throw new Error("not opened");
        const death = {
          keyId: "k1",
          fingerprint: "sha256:FAKE",
          revokedAtMs: 1,
          deadAtMs: 2,
          how: "refused" as const,
          probes: 5,
        };
        return { ...known, outcome: "rotated", closedAtMs: NOON_MS + 90_000, death };
      });
    };
    const shown = await rekey(world, "watch r-1", {
      meanwhile: async (pauses) => (pauses < 3 ? undefined : end()),
    });
    expect(shown.code).toBe(0);
    expect(shown.err).toBe("12:00:00 making the incoming key");
    expect(shown.out).toBe("r-1: rotated after 1 min\nthe retiring key k1 was refused 5 times");
  });

  test("a rotation that did not rotate makes the exit code 1", async () => {
    const { world } = await appliedWorld();
    await open(world);
    await world.ledger.changeRotation({ secretArn: arnOf("billing-key"), rotationId: "r-1" }, (known) => {
      if (known === undefined) throw new Error("not opened");
      return { ...known, outcome: "needsHuman", reason: "RevokeRefused: held" };
    });
    const shown = await rekey(world, "watch billing-key --json");
    expect(shown.code).toBe(1);
    expect(shown.json()).toMatchObject({ type: "rotation", rotationId: "r-1", outcome: "needsHuman" });
  });

  test("an id that no secret knows is refused", async () => {
    const { world } = await appliedWorld();
    expect((await rekey(world, "watch r-9")).err).toContain(
      'rekey: error: no rotation, no incident and no campaign is called "r-9"',
    );
  });
});

test("status shows each secret, what is odd about it, and what is stopped", async () => {
  const { world, keys } = await appliedWorld({ "billing-key": "", partner: "provider: main, mode: index" });
  await rekey(world, ["hold", "billing-key", "--reason", "launch day"]);
  await rekey(world, ["stop", "--provider", "main", "--reason", "provider trouble"]);
  const { out } = await rekey(world, "status");
  expect(out.split("\n").map((line) => line.replace(/ +/g, " "))).toEqual([
    "SECRET ENVIRONMENT KEY AGE NEXT OVERDUE STATE",
    `billing-key production ${keys["billing-key"]?.keyId} 0 s in 28 days in 31 days on hold by anna as operator: launch day`,
    "partner production - - - - watched for leaks",
    "stopped for provider/main by anna as operator: provider trouble",
  ]);
});

test("status says when a cron fires next, in its own time zone", async () => {
  const rotate = 'rotate: { cron: "0 3 1 * ? *", timezone: Europe/Berlin }';
  const { world } = await appliedWorld({
    "billing-key": `provider: main, ${rotate}, consumers: [{ name: a }]`,
  });
  const { secrets } = (await rekey(world, "status --json")).json() as { secrets: { nextAtMs: number }[] };
  expect(secrets[0]?.nextAtMs).toBe(Date.UTC(2026, 11, 1, 2));
  expect((await rekey(world, "status")).out).toContain("in 8 days");
});

test("status says whom an open rotation waits for, and until when", async () => {
  const { world } = await appliedWorld();
  await open(world);
  expect((await rekey(world, "status")).out).toContain("making the incoming key");
  const secretArn = arnOf("billing-key");
  const deadlineAtMs = NOON_MS + 2_820_000;
  await world.ledger.changeSecret(secretArn, (record) => {
    if (record.run === undefined) throw new Error("no run");
    const incoming = { keyId: "key_FAKEnew", versionId: "v2", fingerprint: "sha256:2" };
    const run = { ...record.run, phase: "promoted" as const, incoming, promotedAtMs: NOON_MS, deadlineAtMs };
    return { ...record, run };
  });
  const reason = { consumer: "search", instance: "search-2", source: "client", reason: "HoldsRetiringKey" };
  const gate = { verdict: "waiting", decision: "d", blockers: [], askedAtMs: NOON_MS };
  await world.ledger.changeRotation(
    { secretArn, rotationId: "r-1" },
    (rotation) =>
      ({
        ...rotation,
        gate: { ...gate, reasons: [{ ...reason, detail: "holds the retiring key" }] },
      }) as RotationRecord,
  );

  expect((await rekey(world, "status billing-key")).out).toContain("waits for search-2, at most 47 min more");
});

test("inventory and status show the secrets of one block together, under its name", async () => {
  const { world } = await appliedWorld({ "ai.web": "", other: "", "ai.jobs": "" });
  const policies = await world.ledger.policies();
  for (const policy of policies) {
    const [, name] = policy.name.split(".");
    const [first] = policy.consumers === "none" ? [] : policy.consumers;
    if (name === undefined || first === undefined) continue;
    await world.ledger.putPolicy({ ...policy, consumers: [{ ...first, name }] });
  }
  for (const command of ["inventory", "status"]) {
    const [, ...lines] = (await rekey(world, command)).out.split("\n");
    expect(lines.map((line) => /^ *\S+/.exec(line)?.[0])).toEqual(["ai", "  ai.jobs", "  ai.web", "other"]);
  }
});

test("inventory names the owner, when the key is overdue and what is owed; as CSV for a spreadsheet", async () => {
  const { world, keys } = await appliedWorld({
    "billing-key":
      "owner: =Team Billing, provider: main, rotate: { every: 30d }, consumers: [{ name: search }]",
    partner: "provider: main, mode: index",
  });
  const secretArn = arnOf("billing-key");
  const { keyId = "" } = keys["billing-key"] ?? {};
  const debt = {
    kind: "RevokeOwed",
    secretArn,
    keyId,
    rotationId: "r-0",
    reason: "AdoptionOverdue",
  } as const;
  await world.ledger.putDebt({ ...debt, sinceMs: NOON_MS });

  const shown = await rekey(world, "inventory");
  expect(shown.out.split("\n").map((line) => line.replace(/ +/g, " "))).toEqual([
    "SECRET OWNER PROVIDER MODE AGE NEXT OVERDUE SEEN OWED",
    `billing-key =Team Billing openai rotate 0 s in 28 days in 31 days never RevokeOwed ${keyId}`,
    "partner - openai index - - - never -",
  ]);
  const [titles, first] = (await rekey(world, "inventory billing-key --format csv")).out.split("\n");
  expect(titles).toMatch(/^name,environment,owner,/);
  expect(first).toContain('production,"\'=Team Billing",openai,main,rotate,');
  expect(first).toContain(secretArn);
  expect((await rekey(world, "inventory --json")).json()).toMatchObject({
    type: "inventory",
    secrets: [
      { name: "billing-key", owner: "=Team Billing", debts: [`RevokeOwed ${keyId}`] },
      { name: "partner" },
    ],
  });
  expect(await rekey(world, "inventory --format xml")).toMatchObject({
    code: 2,
    err: expect.stringContaining("it is table or csv"),
  });
});

test("consumers shows who holds which key, who is a stranger and who was never seen", async () => {
  const { world } = await appliedWorld();
  const secretArn = arnOf("billing-key");
  const { keys } = await world.ledger.secret(secretArn);
  const holds = { fingerprint: keys[0]?.fingerprint ?? "", versionId: "v1" };
  await instancesIn(world.ledger.documents).putInstance(secretArn, {
    ...{ kind: "client", consumer: "cron\u001b[2J", environment: "production", account: "111122223333" },
    ...{
      instance: "i-1",
      sequence: 1,
      maxStaleMs: 1,
      holds,
      uses: [],
      ended: false,
      observedAtMs: NOON_MS - 60_000,
    },
  });
  const { out } = await rekey(world, "consumers billing-key");
  expect(out).not.toContain("\u001b");
  expect(out.split("\n").map((line) => line.replace(/ +/g, " "))).toEqual([
    "CONSUMER ENVIRONMENT INSTANCE SOURCE KEY SEEN",
    "cron [2J production i-1 client current 1 min ago (undeclared)",
    "billing production - client - never",
  ]);
});

describe("supply", () => {
  async function waitingWorld() {
    const applied = await appliedWorld({ "billing-key": "" }, false);
    const opened = await open(applied.world);
    const ticket = { secretArn: arnOf("billing-key"), rotationId: "r-1", fence: opened.fence, at: NOON_MS };
    await awaitKey.run({ ...ticket, token: "token-s" }, applied.world.depsOf("await-key"));
    return { ...applied, made: applied.world.provider.addKey({ name: "made in the console" }) };
  }

  test("the key goes from the pipe into the store as the pending version, and nowhere else", async () => {
    const { world, made } = await waitingWorld();
    const shown = await rekey(world, "supply billing-key", { stdin: `  ${made.secret.reveal()}\n` });
    expect(shown.err).toBe("");
    expect(shown.out).toBe(`key ${made.keyId} is supplied\nfollow it with: rekey watch r-1`);
    const labels = await world.store.labels(arnOf("billing-key"));
    const pending = Object.entries(labels).find(([, stages]) => stages.includes("AWSPENDING"));
    expect(pending?.[1]).toContain("REKEY_INCOMING");
    const { text } = await world.store.read(arnOf("billing-key"), pending?.[0]);
    expect(keyIn(text).reveal()).toBe(made.secret.reveal());
    expect(JSON.stringify([shown, world.logs, world.table.dump()])).not.toContain(made.secret.reveal());
  });

  test("a wrong key is put aside, and the right one can still be supplied", async () => {
    const { world, made } = await waitingWorld();
    const wrong = await rekey(world, "supply billing-key", {
      stdin: "sk-svcacct-FAKE-another-project-1111111111",
    });
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain("rekey: hint: supply another key: this one was put aside");
    expect((await rekey(world, "supply billing-key", { stdin: made.secret.reveal() })).code).toBe(0);
  });

  test("somebody else's pending version is not taken", async () => {
    const { world, made } = await waitingWorld();
    const secretArn = arnOf("billing-key");
    const before = await world.store.read(secretArn);
    const hand = world.store.setCurrent(secretArn, "sk-svcacct-FAKE-hand");
    world.store.setCurrent(secretArn, before.text.reveal());
    world.store.moveByHand({ secretArn, label: "AWSPENDING", to: hand });
    const shown = await rekey(world, "supply billing-key", { stdin: made.secret.reveal() });
    expect(shown.err).toContain("another version of billing-key is pending");
    expect((await world.store.labels(secretArn))[hand]).toContain("AWSPENDING");
    expect(Object.values(await world.store.labels(secretArn)).flat()).not.toContain("REKEY_INCOMING");
  });

  test("nothing is read and nothing is put while no rotation waits", async () => {
    const { world } = await appliedWorld();
    const shown = await rekey(world, "supply billing-key", { stdin: "sk-FAKE-0000000000000" });
    expect(shown.err).toBe(
      "rekey: error: no rotation of billing-key waits for a key\nrekey: hint: start one with `rekey rotate billing-key`",
    );
    expect(world.store.versions(arnOf("billing-key")).length).toBe(1);
  });

  test("what is no key is refused without being shown", async () => {
    const { world } = await waitingWorld();
    const shown = await rekey(world, "supply billing-key", { stdin: "two words-FAKE" });
    expect(shown.code).toBe(2);
    expect(shown.err).not.toContain("FAKE");
  });
});

describe("audit verify", () => {
  test("every chain is proven, the deployment's own too", async () => {
    const { world } = await appliedWorld();
    await rekey(world, ["stop", "--all", "--reason", "trouble"]);
    const shown = await rekey(world, "audit verify --json");
    expect(shown.code).toBe(0);
    expect(shown.json()).toMatchObject({ type: "audit", verified: true, entries: 2 });
  });

  test("a changed entry is found and makes the exit code 1", async () => {
    const { world } = await appliedWorld();
    const [entry] = world.table.dump().filter(({ kind }) => kind === "AUDIT");
    if (entry === undefined) throw new Error("nothing was told");
    await world.table.put({ ...entry, revision: 2, body: { ...(entry.body as object), actor: "nobody" } });
    const shown = await rekey(world, "audit verify billing-key");
    expect(shown.code).toBe(1);
    expect(shown.out).toContain("BROKEN at entry 1: entry 1 was changed after it was written");
  });

  test("says which checkpoint each log rests on, its time, and how much it covers", async () => {
    const { world } = await appliedWorld();
    const checkpoints = memoryCheckpoints(world.audit, () => NOON_MS);
    await checkpoints.write(arnOf("billing-key"));
    await rekey(world, ["hold", "billing-key", "--reason", "x"]);
    await rekey(world, ["stop", "--all", "--reason", "trouble"]);
    const shown = await rekey(world, "audit verify", { checkpoints });
    expect([shown.code, shown.err]).toEqual([0, ""]);
    expect(shown.out.split("\n")).toEqual([
      "billing-key   2 entries  verified  checkpoint 1 of 2026-11-22 12:00:00Z covers 1 of 2 entries",
      "(deployment)  1 entry    verified  no checkpoint yet",
      "(intake)      0 entries  verified  nothing to cover",
    ]);
    expect((await rekey(world, "audit verify --json", { checkpoints })).json()).toMatchObject({
      checkpointsRead: true,
      chains: expect.arrayContaining([
        expect.objectContaining({
          checkpoint: expect.objectContaining({
            ...{ seq: 1, atMs: NOON_MS, name: expect.stringMatching(/\/000000000001\.json$/) },
          }),
        }),
      ]),
    });
  });

  test("the log of a removed secret is verified too, and status says that it was removed", async () => {
    const { world } = await appliedWorld({ "billing-key": "", "search-key": "" });
    const files = { "rekey.yml": fileWith({ secrets: { "search-key": "" } }) };
    expect((await rekey(world, "apply --prune", { files })).code).toBe(0);
    const line = "billing-key (removed)  2 entries  verified";
    expect((await rekey(world, "audit verify")).out).toContain(line);
    for (const named of ["billing-key", arnOf("billing-key")])
      expect(await rekey(world, `audit verify ${named}`)).toMatchObject({ code: 0, out: line });
    expect((await rekey(world, "audit verify biling-key")).err).toContain("no policy is about");
    expect((await rekey(world, "status billing-key")).err).toContain(
      "rekey: error: billing-key is no longer rotated: anna took it out of the policy on 2026-11-22 12:00:00Z",
    );
  });

  test("a log that was deleted with everything that names it is broken, by name and ARN", async () => {
    const { world } = await appliedWorld({ "billing-key": "", "search-key": "" });
    const checkpoints = memoryCheckpoints(world.audit, () => NOON_MS);
    await checkpoints.write(arnOf("billing-key"));
    for (const record of world.table.dump())
      if (JSON.stringify(record).includes(arnOf("billing-key"))) await world.table.remove(record);

    for (const command of ["audit verify", "audit verify billing-key"]) {
      const { code, out, err } = await rekey(world, command, { checkpoints });
      expect([code, err]).toEqual([1, ""]);
      expect(out).toContain(`billing-key ${arnOf("billing-key")}`);
      expect(out).toContain("BROKEN at entry 1: the log ends at entry 0, but a checkpoint holds entry 1");
    }
  });

  test("a log that was cut off behind its checkpoint is found", async () => {
    const { world } = await appliedWorld();
    const checkpoints = memoryCheckpoints(world.audit, () => NOON_MS);
    await checkpoints.write(arnOf("billing-key"));
    const [entry] = world.table.dump().filter(({ kind }) => kind === "AUDIT");
    if (entry === undefined) throw new Error("nothing was told");
    await world.table.remove(entry);
    expect(await rekey(world, "audit verify billing-key", { checkpoints })).toMatchObject({
      code: 1,
      out: expect.stringContaining("BROKEN at entry 1: the log ends at entry 0"),
    });
    expect(await rekey(world, "audit verify billing-key")).toMatchObject({
      code: 0,
      err: expect.stringContaining("rekey: checkpoints are not checked"),
    });
  });
});

describe("doctor", () => {
  test("a healthy deployment has no problem, and gets the advice that the best rotation is none", async () => {
    const { world } = await appliedWorld({
      "billing-key": "provider: main, rotate: manual, consumers: none",
    });
    const shown = await rekey(world, "doctor");
    expect(shown.code).toBe(0);
    expect(shown.out).toContain("advice: openai: 1 of its keys may need no rotation");
    expect(shown.out).toContain("1 secret looked at, 0 problems found");
  });

  test("a key that two environments share is found with what the other one's doctor printed", async () => {
    const { world } = await appliedWorld({
      "billing-key": "provider: main, rotate: manual, consumers: none",
    });
    const own = (await rekey(world, "doctor --json")).out;
    expect(own).not.toContain("sk-");
    expect(await rekey(world, "doctor --with same.json", { files: { "same.json": own } })).toMatchObject({
      code: 0,
    });
    const staging = own.replaceAll('"environment":"production"', '"environment":"staging"');
    const shown = await rekey(world, "doctor --with staging.json", { files: { "staging.json": staging } });
    expect(shown.code).toBe(1);
    expect(shown.out).toContain("problem: billing-key: its key is also the key of billing-key of staging");
    const other = await rekey(world, "doctor --with x.json", { files: { "x.json": "{}" } });
    expect(other).toMatchObject({
      code: 2,
      err: expect.stringContaining("is not what `rekey doctor --json` prints"),
    });
    expect((await rekey(world, "doctor --with none.json")).code).toBe(2);
  });

  test("keys without scopes are named once, and what was used of them is said to be unknown", async () => {
    const { world } = await appliedWorld({
      "billing-key": "provider: main, rotate: manual, consumers: none",
      "search-key": "provider: main, rotate: manual, consumers: none, scopes: [api.responses.write]",
    });
    const { out } = await rekey(world, "doctor");
    expect(out).toContain(
      "advice: openai: no scopes are declared for billing-key: their keys may do everything.",
    );
    expect(out).toContain("Which scopes were ever used is not known");
    expect(out).not.toContain("search-key");
  });

  test("a sealed kit of yesterday is well, an older one is a problem with its command", async () => {
    const { world } = await appliedWorld({
      "billing-key": "provider: main, rotate: manual, consumers: none",
    });
    const made = { contentSha256: "a", sha256: "b", publicKey: "c", secrets: 1 };
    const keep = (exportedAtMs: number) =>
      world.ledger.documents.write(newestKitAt, { ...made, kitId: "kit-1", exportedAtMs });
    await keep(NOON_MS - kitAgeMaxMs);
    expect(await rekey(world, "doctor")).toMatchObject({ code: 0, out: expect.not.stringContaining("kit") });

    await keep(NOON_MS - 3 * day);
    const shown = await rekey(world, "doctor");
    expect(shown.code).toBe(1);
    expect(shown.out).toContain("problem: sealed kit: kit-1 is 3 days old, and one is due each day");
    expect(shown.out).toContain("rekey kit export --to <file>");
  });

  test("what is wrong is found, each with a next step", async () => {
    const { world, keys } = await appliedWorld();
    const secretArn = arnOf("billing-key");
    world.schedules.stored.clear();
    world.provider.replaceAdminKey("sk-admin-FAKE-replaced-000000000");
    await world.ledger.putKey({
      secretArn,
      name: keys["billing-key"]?.keyId ?? "",
      keyId: keys["billing-key"]?.keyId ?? "",
      state: "current",
      atMs: NOON_MS - 99 * day,
    });
    await world.ledger.putDebt({
      secretArn,
      kind: "RevokeOwed",
      keyId: "k0",
      rotationId: "r-0",
      reason: "search is behind",
      sinceMs: NOON_MS - day,
    });
    await world.ledger.changeSecret(secretArn, (record) => ({
      ...record,
      hold: { by: ANNA, reason: "launch day" },
    }));
    const shown = await rekey(world, "doctor --json");
    expect(shown.code).toBe(1);
    const { findings } = shown.json() as { findings: { about: string; message: string; hint: string }[] };
    expect(findings.map(({ message }) => message)).toEqual([
      "its policy has a schedule, and EventBridge Scheduler has none",
      "billing is declared, and no client evidence of it was ever seen",
      expect.stringMatching(/^key .* is 99 days old, and its policy allows 31d$/),
      expect.stringContaining("held by"),
      "RevokeOwed of k0 for 24 h: search is behind",
      expect.stringContaining("AdminCredentialRefused"),
      expect.stringContaining("no scopes are declared"),
      expect.stringContaining("may need no rotation"),
    ]);
    expect(findings.every(({ hint }) => hint.length > 10)).toBe(true);
  });

  test("a secret that Rekey is denied is named, with the tag that it most often lacks", async () => {
    const { world } = await appliedWorld({
      "billing-key": "provider: main, rotate: manual, consumers: none",
    });
    const reason = "access denied: allow secretsmanager:DescribeSecret and the use of its KMS key";
    const versionsInUse = () => Promise.reject(new SecretUnusable(reason));
    Object.assign(world.store, { versionsInUse });
    const shown = await rekey(world, "doctor");
    expect(shown.code).toBe(1);
    expect(shown.out).toContain(`problem: billing-key: Rekey cannot reach it: ${reason}`);
    expect(shown.out).toContain(
      `aws secretsmanager tag-resource --secret-id ${arnOf("billing-key")} --tags Key=Environment,Value=production`,
    );
  });

  test("a wider grant on the admin function is a problem, and what may not be read is said", async () => {
    const { world } = await appliedWorld({
      "billing-key": "provider: main, rotate: manual, consumers: none",
    });
    const functionArn = "arn:aws:lambda:eu-west-1:111122223333:function:rekey-production-admin";
    const Statement = [{ Sid: "Any", Effect: "Allow", Action: "lambda:*", Resource: "*" }];
    const holders = [{ name: "role/tool", documents: [JSON.stringify({ Statement })] }];
    const grants = { functionArn, holders, unseen: ["the policy of the admin function (AccessDenied)"] };
    const shown = await rekey(world, "doctor", { grants });
    expect(shown.code).toBe(1);
    expect(shown.out).toContain("problem: role/tool: may invoke the admin function directly: Any");
    expect(shown.err).toContain("not looked at in the policy of the admin function (AccessDenied)");
  });

  test("without the admin function it says what it did not look at", async () => {
    const { world } = await appliedWorld();
    const shown = await rekey(world, "doctor", { admin: false });
    expect(shown.err).toContain("schedules and admin credentials are not looked at");
  });
});

describe("stop and resume", () => {
  test("hold, release, stop and resume say what they did and how to undo it", async () => {
    const { world } = await appliedWorld();
    expect((await rekey(world, ["hold", "billing-key", "--reason", "x"])).out).toBe(
      "billing-key is held\nlift it with: rekey release billing-key",
    );
    expect((await rekey(world, "release billing-key")).out).toBe("billing-key is released");
    expect((await rekey(world, ["stop", "--environment", "production", "--reason", "x"])).out).toBe(
      "stopped for environment/production: 1 secret",
    );
    expect((await rekey(world, "resume --all")).out).toBe(
      "nothing was stopped for all\nstill stopped for environment/production",
    );
    expect((await rekey(world, "resume --environment production")).out).toBe(
      "resumed for environment/production",
    );
  });

  test("attest says that there is nothing to attest", async () => {
    const { world } = await appliedWorld();
    expect((await rekey(world, "attest billing-key billing")).err).toBe(
      "rekey: error: no rotation of billing-key waits for its consumers\nrekey: hint: see where it stands with `rekey status billing-key`",
    );
  });
});

describe("wrong usage", () => {
  test.each([
    ["stats", "rekey: error: unknown command 'stats'\nrekey: hint: did you mean status?"],
    [
      "hold billing-key",
      "rekey: error: required option '--reason <text>' not specified\nrekey: hint: see `rekey hold --help`",
    ],
    ["rotate", "rekey: error: missing required argument 'secret'\nrekey: hint: see `rekey rotate --help`"],
    [
      "incident note i-1",
      "rekey: error: required option '--reason <text>' not specified\nrekey: hint: see `rekey incident note --help`",
    ],
    ["stop --reason x", "rekey: error: say what: one secret, --all, --provider or --environment"],
    ["status --jsn", "rekey: error: unknown option '--jsn'\nrekey: hint: did you mean --json?"],
  ])("%s", async (line, err) => {
    const { world } = await appliedWorld();
    const shown = await rekey(world, line);
    expect(shown.code).toBe(2);
    expect(shown.err).toBe(err);
  });

  test("colour is for terminals only", async () => {
    const { err } = await rekey(adminWorld(), "stats", { isColoured: true });
    expect(err).toBe(
      "rekey: \u001b[31merror\u001b[39m: unknown command 'stats'\nrekey: \u001b[36mhint\u001b[39m: did you mean status?",
    );
  });

  test("help names the exit codes and every setting", async () => {
    const { code, out } = await rekey(adminWorld(), "--help");
    expect(code).toBe(0);
    expect(out).toContain("Exit codes: 0 done;");
    expect(out).toContain("REKEY_ADMIN_URL");
  });

  test.each(["", "compromise", "scan", "pull", "incident"])("help of %j fits 60 columns", async (of) => {
    const { out } = await rekey(adminWorld(), `${of} --help`.trim(), { width: 60 });
    expect(out.split("\n").filter((line) => line.length > 60)).toEqual([]);
  });
});

describe("sweep", () => {
  test("says that nothing is left over, and what it looked at", async () => {
    const world = adminWorld();

    const { code, out } = await rekey(world, "sweep --dry-run");

    expect({ code, out }).toEqual({ code: 0, out: "0 secrets looked at: nothing is left over" });
  });
});

test("an error that nobody thought of is one sentence, and says how to see more", async () => {
  const failing = () => {
    throw new TypeError("answer.items is not iterable");
  };
  const { code, err, json } = await rekey({ ...adminWorld(), depsOf: failing }, "sweep --dry-run --json");

  expect(err).toBe(
    "rekey: error: an unexpected error: TypeError: answer.items is not iterable\nrekey: hint: an order may have taken effect: see `rekey status`; with REKEY_TRACE=1 it shows where it broke",
  );
  expect({ code, type: json()["type"], error: json()["error"] }).toEqual({
    ...{ code: 1, type: "error", error: "TypeError" },
  });
});

test("an error and its hint are broken between words, under their own text, where a terminal is narrow", async () => {
  const { world } = await appliedWorld();
  const { err } = await rekey(world, "lint no-such-file.yml", { width: 40 });

  expect(Math.max(...err.split("\n").map((line) => line.length))).toBeLessThanOrEqual(40);
  expect(err.replaceAll(/\n +/g, " ")).toContain(
    "hint: name policy files or folders, or begin with examples/rekey.yml",
  );
});
