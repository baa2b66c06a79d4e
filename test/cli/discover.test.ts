import type { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { accountOf } from "../../cli/discover/account.ts";
import { issuerBy } from "../../cli/discover/issuer.ts";
import { cloudTrail } from "../../local/aws/cloudtrail.ts";
import { secretsManager } from "../../local/aws/secrets-manager.ts";
import type { Caller } from "../../local/aws/service.ts";
import { adminWorld, fileWith, NOON_MS } from "../contract/admin-world.ts";
import { appliedWorld, rekey } from "./cli-world.ts";

const account = "111122223333";
const caller = (role: string): Caller => ({
  ...{ accessKeyId: "ASIAFAKE", account },
  arn: `arn:aws:sts::${account}:assumed-role/${role}/session`,
});

interface Given {
  readonly tags?: Readonly<Record<string, string>>;
  readonly readBy?: readonly string[];
}

/** The stand-ins of Secrets Manager and CloudTrail, with these secrets and who read them. */
async function accountWith(secrets: Readonly<Record<string, Given>>) {
  const trail = cloudTrail({ now: () => NOON_MS });
  const service = secretsManager({
    ...{ region: "eu-west-1", account, now: () => NOON_MS },
    onCall: (record) => trail.record(record),
  });
  for (const [Name, { tags = {}, readBy = [] }] of Object.entries(secrets)) {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const input = { Name, SecretString: "FAKE", ClientRequestToken: crypto.randomUUID(), Tags };
    await service.call("CreateSecret", input, caller("admin"));
    for (const role of readBy) await service.call("GetSecretValue", { SecretId: Name }, caller(role));
  }
  const calls: string[] = [];
  const send = async (command: { readonly input: object }) => {
    const { input } = command;
    const operation = command.constructor.name.replace(/Command$/, "");
    calls.push(operation);
    const wire = JSON.parse(JSON.stringify(input), (_key, value: unknown) =>
      typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) / 1000 : value,
    ) as Record<string, unknown>;
    const answered = await (operation === "LookupEvents" ? trail : service).call(
      operation,
      wire,
      caller("me"),
    );
    return JSON.parse(JSON.stringify(answered), (key, value: unknown) =>
      key === "EventTime" ? new Date(Number(value) * 1000) : value,
    ) as object;
  };
  const found = accountOf({
    secretsManager: { send } as unknown as SecretsManagerClient,
    cloudTrail: { send } as unknown as CloudTrailClient,
    clock: { nowMs: () => NOON_MS, pause: async () => undefined },
  });
  return { account: found, calls };
}

const fleet = {
  "billing/openai": {
    tags: { owner: "team-billing" },
    readBy: ["billing", "billing", "invoice-batch", "rekey-production-sweep"],
  },
  "search/openrouter-key": {},
  "chat/groq": { readBy: ["chat"] },
  "db/password": { readBy: ["db"] },
};

test("every secret is graded, and the draft observes them all and passes lint", async () => {
  const { account: own, calls } = await accountWith(fleet);
  const world = adminWorld();
  const shown = await rekey(world, "discover", { account: own });
  expect(shown.code).toBe(0);
  expect(shown.out).toContain(
    "  # provable: 2 roles read it, and OpenAI shows when a key is used; better without a key: https://",
  );
  expect(shown.out).toContain(
    "  # needs attestation: nobody was seen reading it: somebody has to say who uses it",
  );
  expect(shown.out).toContain("  # cannot be proven: its name and tags say nothing about who issued the key");
  expect(shown.err).toContain("1 provable");
  expect(shown.out).toContain("owner: team-billing");
  expect(shown.out).toContain(`arn:aws:iam::${account}:role/invoice-batch`);
  expect(shown.out).not.toContain("role/rekey-production-sweep");
  expect(shown.out).not.toContain("FAKE\n");

  const lint = await rekey(world, "lint draft.yml --json", { files: { "draft.yml": shown.out } });
  expect(lint).toMatchObject({ code: 0, err: "" });
  const { secrets } = JSON.parse(lint.out) as { secrets: number };
  expect(secrets).toBe(3);
  expect(shown.out.match(/mode: observe/g)).toHaveLength(4);
  expect([...new Set(calls)]).toEqual(["ListSecrets", "LookupEvents"]);
});

test("as JSON it names grade, provider and readers of each", async () => {
  const { account: own } = await accountWith(fleet);
  const answer = JSON.parse((await rekey(adminWorld(), "--json discover", { account: own })).out);
  expect(answer).toMatchObject({
    ...{ type: "discover", environment: "production", records: "complete" },
    counts: { provable: 1, needsAttestation: 1, cannotBeProven: 2, needsNoKey: 0 },
  });
  expect(answer.secrets).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: "billing-openai", provider: "openai", isDeclared: true }),
      expect.objectContaining({ name: "db-password", isDeclared: false, grade: "cannotBeProven" }),
    ]),
  );
});

test("accounts of a file are taken over, and its provider's listing says what nobody holds", async () => {
  const { world } = await appliedWorld();
  world.provider.addKey({ name: "made by hand, long ago" });
  const { account: own } = await accountWith({ "search/openai": { readBy: ["search"] } });
  const files = { "rekey.yml": fileWith({ secrets: { "billing-key": "" } }) };
  const line = "discover --providers rekey.yml --listings --prefix search";
  const shown = await rekey(world, line, { account: own, files });
  expect(shown.out).toContain("provider: main");
  expect(shown.out).toContain("project: proj_FAKE");
  expect(shown.out).toMatch(/# it lists 2 keys, 1 in no secret of this deployment: key_/);
  expect(shown.out).not.toContain("FILL IN");
});

test("without access records nothing is called provable, and what was read of them is said", async () => {
  const { account: own } = await accountWith({ "billing/openai": { readBy: ["billing"] } });
  const shown = await rekey(adminWorld(), "discover --days 0", { account: own });
  expect(shown.out).toContain("# needs attestation: who reads it is not known");
  const failing = {
    ...own,
    reads: async () => ({ reads: [], ended: "failed", reachedBackToMs: 0, error: "AccessDenied" }) as const,
  };
  const refused = await rekey(adminWorld(), "discover", { account: failing });
  expect(refused.err).toContain("CloudTrail could not be read (AccessDenied)");
  const short = {
    ...own,
    reads: async () => ({ reads: [], ended: "timeBoxed", reachedBackToMs: NOON_MS }) as const,
  };
  expect((await rekey(adminWorld(), "discover", { account: short })).err).toContain(
    "read back to 2026-11-22",
  );
  expect(await rekey(adminWorld(), "discover --days 91", { account: own })).toMatchObject({ code: 2 });
});

test("names that are no names of a policy file, or twice the same, get one each", async () => {
  const { account: own } = await accountWith({ "a/openai": {}, "a-openai": {}, "/x openai": {} }).catch(() =>
    accountWith({ "a/openai": {}, "a-openai": {}, "/x-openai": {} }),
  );
  const shown = await rekey(adminWorld(), "discover --days 0", { account: own });
  expect(await rekey(adminWorld(), "lint d.yml", { files: { "d.yml": shown.out } })).toMatchObject({
    code: 0,
  });
  for (const name of ["a-openai:", "a-openai-2:", "s-x-openai:"]) expect(shown.out).toContain(name);
});

test.each([
  ["by a tag, whatever the name says", "search/openai", { "rekey:provider": "mistral" }, "mistral"],
  ["by a word of the name", "prod/OpenAiKey", {}, undefined],
  ["by the longer of two names", "prod/azure-openai/key", {}, "azure-openai"],
  ["not by part of a word", "prod/twilioish", {}, undefined],
  ["not where two are named", "openai-or-mistral", {}, undefined],
  ["not by a protocol", "http-basic-auth", {}, undefined],
])("who issued a key is told %s", (_how, name, tags, kind) => {
  expect(issuerBy({ name, tags })?.kind).toBe(kind);
});
