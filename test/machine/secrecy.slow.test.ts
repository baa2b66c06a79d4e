import { inspect } from "node:util";
import { Secret } from "../../core/secret.ts";
import type { Fault } from "../../providers/fake-faults.ts";
import { leakSearch } from "./leak-search.ts";
import { calls, open, type Story, type StoryOptions } from "./rotation/story.ts";

/** Characters that every escape changes, so that each form of it differs from the text itself. */
const adminKey = 'sk-admin-FAKE-"quoted\\slashed/plus+percent%and&equals=CANARY0123456789';
/** As awkward as a key of its issuer can be: a value of another form is not adopted. */
const awkwardKey = "sk-svcacct-FAKE-hyphens_and_underscores-CANARY9876543210";

/** Everything that leaves a function, a machine or a table, each as the text that a reader of it would see. */
async function sinksOf({ world, ends }: Story): Promise<ReadonlyMap<string, string>> {
  const runs = [...world.runs.values()];
  const deep = { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: null } as const;
  return new Map([
    ["state data and history", JSON.stringify(runs.map(({ history }) => history))],
    ["outcomes", JSON.stringify(runs.map(({ outcome }) => outcome))],
    ["logs", world.logs.map((line) => JSON.stringify(line)).join("\n")],
    ["events", JSON.stringify(world.events)],
    ["pages and reports", JSON.stringify([world.pages, world.reports])],
    ["the table, with audit and debts", JSON.stringify(world.table.dump())],
    ["errors and their causes", ends.map((end) => inspect(end, deep)).join("\n")],
  ]);
}

async function expectNoLeak(told: Story): Promise<void> {
  const keys = [...told.world.provider.texts().values(), told.world.provider.adminKey];
  const search = leakSearch(keys);
  const leaks = [...(await sinksOf(told))].flatMap(([sink, text]) => {
    const found = search(text);
    return found === undefined ? [] : [`${found} in ${sink}`];
  });
  expect(leaks).toEqual([]);
}

/** A run from beginning to end under these circumstances; the first key is an awkward one in a JSON secret. */
async function tell(options: StoryOptions, work?: (story: Story) => unknown): Promise<Story> {
  const told = await open({ field: "apiKey", ...options, provider: { adminKey, ...options.provider } });
  const { secret } = told.world.provider.addKey({ secret: awkwardKey, name: "awkward" });
  told.world.store.setCurrent(told.secretArn, JSON.stringify({ apiKey: secret.reveal(), note: "kept" }));
  await work?.(told);
  return told;
}

test.each([
  ["as it is", (key: string) => `before ${key} after`],
  ["escaped for JSON", (key: string) => JSON.stringify({ key })],
  ["escaped twice", (key: string) => JSON.stringify({ cause: JSON.stringify({ key }) })],
  ["escaped for a URL", (key: string) => `https://example.com/?key=${encodeURIComponent(key)}`],
  ["escaped for a form", (key: string) => new URLSearchParams({ key }).toString()],
  ["in base64, at the start", (key: string) => Buffer.from(key).toString("base64")],
  ["in base64, one byte in", (key: string) => Buffer.from(`:${key}`).toString("base64")],
  ["in base64, two bytes in", (key: string) => Buffer.from(`a:${key}:b`).toString("base64")],
  ["in base64url", (key: string) => Buffer.from(`a:${key}`).toString("base64url")],
  ["in hexadecimal", (key: string) => Buffer.from(key).toString("hex")],
  ["with its start cut off", (key: string) => `...${key.slice(-20)}`],
])("the search finds a key %s", (_how, written) => {
  for (const key of [adminKey, "sk-svcacct-FAKE-0002abcdefghijklmnopqrst"]) {
    expect(leakSearch([key])(written(key))).toMatch(/ of a key$/);
  }
  expect(leakSearch([adminKey])("sha256:00ff sk-admin-FAKE-other")).toBeUndefined();
});

test("a rotation that succeeds shows no key anywhere", async () => {
  const told = await tell({});

  const run = await told.rotate();

  expect(run.outcome?.status).toBe("SUCCEEDED");
  expect(told.world.provider.texts().size).toBe(3);
  await expectNoLeak(told);
});

const operations = ["find", "list", "mint", "models", "usage", "update", "revoke"] as const;
const kinds: readonly Fault[] = [
  { kind: "echo", status: 400 },
  { kind: "echo", status: 401 },
  { kind: "echo", status: 403 },
  { kind: "echo", status: 500 },
  { kind: "garbage" },
  { kind: "truncated" },
  { kind: "lostReply" },
];

test.each(operations)("no fault of the provider's %s makes a key appear anywhere", async (operation) => {
  for (const fault of kinds) {
    const faults = Array.from({ length: 2 }, () => ({ ...fault, on: operation }));
    const told = await tell({ provider: { faults }, scopes: ["api.all"] });

    await told.rotate();

    await expectNoLeak(told);
    told.close();
  }
});

const endings: readonly (readonly [string, StoryOptions, (story: Story) => unknown])[] = [
  ["never activates", { provider: { activateMs: 24 * 3_600_000 } }, () => undefined],
  ["never dies", { provider: { dieMs: 24 * 3_600_000 } }, () => undefined],
  [
    "is quarantined and given back",
    { scopes: ["api.all"] },
    (told) => told.before(calls.delete, () => told.hold("x")),
  ],
  [
    "meets an edit of another field",
    {},
    (told) =>
      told.before(calls.move("AWSCURRENT"), () =>
        told.world.store.setCurrent(told.secretArn, JSON.stringify({ apiKey: awkwardKey, note: "edited" })),
      ),
  ],
  [
    "meets a manual rotation",
    {},
    (told) =>
      told.before(calls.move("AWSCURRENT"), () =>
        told.world.store.setCurrent(
          told.secretArn,
          JSON.stringify({ apiKey: told.world.provider.addKey().secret.reveal() }),
        ),
      ),
  ],
  [
    "finds a secret that is no JSON",
    {},
    (told) => told.world.store.setCurrent(told.secretArn, `{"apiKey": "${told.textOf("k1")}`),
  ],
  [
    "finds the key in the wrong field",
    {},
    (told) => told.world.store.setCurrent(told.secretArn, JSON.stringify({ key: awkwardKey })),
  ],
  ["finds a key that it does not know", {}, (told) => told.world.provider.replaceAdminKey(`${adminKey}-2`)],
  [
    "meets an unforeseen error that quotes the key",
    {},
    (told) =>
      told.before(calls.put, () => {
        throw Object.assign(new Error(`cannot store ${awkwardKey}`, { cause: { sent: adminKey } }), {
          sent: awkwardKey,
        });
      }),
  ],
];

test.each(endings)("a run that %s shows no key anywhere", async (_what, options, prepare) => {
  const told = await tell(options, prepare);

  await told.rotate();
  await told.rotate();

  await expectNoLeak(told);
});

test("a run that waits, is stopped and is resumed shows no key anywhere", async () => {
  const told = await tell({});
  const run = told.start();
  await told.reaches(run, "AwaitEvidence");
  run.stop("a person stopped it");
  await told.finish(run);

  await told.rotate();

  await expectNoLeak(told);
});

test("a key pasted where an id belongs is named by its field, and not quoted", async () => {
  const told = await tell({});

  await told.world.time.run(
    told.world
      .invoke("mint-key", { secretArn: adminKey, rotationId: awkwardKey, fence: adminKey, at: awkwardKey })
      .catch(() => undefined),
  );

  expect(told.ends).toHaveLength(1);
  await expectNoLeak(told);
});

test("a key that is supplied by a person shows nowhere", async () => {
  const told = await tell({ mints: false });
  const run = told.start();
  await told.reaches(run, "AwaitKey");
  const { secret } = told.world.provider.addKey({ name: "made by ada" });
  const versionId = "a".repeat(36);
  const text = new Secret(JSON.stringify({ apiKey: secret.reveal() }));
  await told.world.store.put({ secretArn: told.secretArn, versionId, text, labels: ["AWSPENDING"] });
  await told.command({ command: "supply", secret: "billing-key", versionId });

  await told.finish(run);

  expect(run.outcome?.status).toBe("SUCCEEDED");
  await expectNoLeak(told);
});
