import * as z from "zod";
import { useNotQuiet } from "../../core/adoption/quiet.ts";
import { adminQuietMs, keyRole } from "../../core/own-credential.ts";
import { policiesIn } from "../../events/policy-file.ts";
import { policiesInFiles } from "../../events/policy-files.ts";
import { declaredKinds } from "../../providers/declared-kinds.ts";
import { stores } from "../../stores/index.ts";

const arn = (name: string) => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}-AbCdEf`;
const own = arn("rekey/admin/openai");

const providers = {
  "openai-main": {
    kind: "openai",
    adminCredential: own,
    project: "proj_FAKE",
    serviceAccount: "svc_acct_FAKE",
  },
  "openai-admin": { kind: "openai-admin", adminCredential: own },
  "other-admin": { kind: "openai-admin", adminCredential: arn("rekey/admin/other") },
};

function read(secret: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const block = { arn: own, provider: "openai-admin", rotate: { every: "30d" }, ...secret };
  const value = {
    ...{
      version: 1,
      environment: "production",
      account: "111122223333",
      providers: { ...providers, ...more },
    },
    secrets: { "openai-admin-key": block },
  };
  const file = policiesIn({ value }, { kinds: declaredKinds, stores, nowMs: 0 });
  return "mistakes" in file ? file.mistakes.map(({ message }) => message) : file.policies;
}

test("an admin credential is rotated where its secret says that it is one, and its account is its own", () => {
  expect(read({ consumers: "rekey" })).toMatchObject([
    { consumers: "none", isAdminCredential: true, signals: ["provider"], quietMs: 30 * 60_000 },
  ]);
});

test("where the provider tells no use, the functions' own time is what is waited for", () => {
  const times = { propagation: { usageLagMs: 0 } };
  const told = { "openai-admin": { ...providers["openai-admin"], ...times } };
  expect(read({ consumers: "rekey" }, told)).toMatchObject([{ quietMs: adminQuietMs }]);
});

test.each([
  [
    "without saying so",
    { consumers: "none" },
    /Rekey would lock itself out, unless the secret has `consumers: rekey`/,
  ],
  [
    "with another account's provider",
    { consumers: "rekey", provider: "other-admin" },
    /`adminCredential` of other-admin itself/,
  ],
  [
    "at a kind that says why not",
    { consumers: "rekey", provider: "openai-main" },
    /own credentials at openai: use a provider of kind/,
  ],
  ["in a field", { consumers: "rekey", field: "key" }, /the whole text of its secret/],
  [
    "with a quiet shorter than its functions' time",
    { consumers: "rekey", quiet: "30m", signals: [] },
    undefined,
  ],
  [
    "for a secret that is no admin credential",
    { consumers: "rekey", arn: arn("api-keys/a") },
    /which it is not/,
  ],
])("a policy for an admin credential %s is judged", (_how, secret, says) => {
  const found = read(secret);
  if (says === undefined) expect(found).toMatchObject([{ isAdminCredential: true }]);
  else expect(found).toContainEqual(expect.stringMatching(says));
});

test("a quiet under the time for which a function may hold the former credential is refused", () => {
  const told = { "openai-admin": { ...providers["openai-admin"], propagation: { usageLagMs: 0 } } };
  expect(read({ consumers: "rekey", quiet: "19m" }, told)).toContainEqual(expect.stringContaining("20m"));
});

test("a kind that says nothing has its credential replaced by a person", () => {
  const settings = z.strictObject({ adminCredential: z.string() });
  const { facts } = declaredKinds["openai-admin"] ?? {};
  if (facts === undefined) throw new Error("there is no openai-admin");
  const mute = { settings, facts: () => facts({ adminCredential: own }) };
  const value = {
    ...{ version: 1, environment: "production", account: "111122223333" },
    providers: { mute: { kind: "mute", adminCredential: own } },
    secrets: { it: { arn: own, provider: "mute", rotate: "manual", consumers: "rekey" } },
  };
  const file = policiesIn({ value }, { kinds: { mute }, stores, nowMs: 0 });
  expect("mistakes" in file && file.mistakes.map(({ message }) => message)).toContainEqual(
    expect.stringContaining("at mute: a person replaces it"),
  );
});

test("several files may share the credential, if the one that rotates it says that it is Rekey's own", () => {
  const data = (name: string, secrets: Record<string, unknown>) => {
    const value = { version: 1, environment: "production", account: "111122223333", providers, secrets };
    return { path: `${name}.yml`, value };
  };
  const world = { kinds: declaredKinds, stores, nowMs: 0 };
  const key = { arn: own, provider: "openai-admin", rotate: "manual", consumers: "rekey" };
  const other = { arn: arn("api-keys/a"), provider: "openai-main", rotate: "manual", consumers: "none" };
  const files = [data("a", { key }), data("b", { other })];
  for (const order of [files, [...files].reverse()])
    expect(policiesInFiles(order, world)).toMatchObject({ names: order.map(({ path }) => path.slice(0, 1)) });
});

test("with no signal, the former credential still lives for the functions' own time", () => {
  const at = (nowMs: number) => {
    const policy = {
      consumers: "none",
      signals: [],
      quietMs: adminQuietMs,
      isAdminCredential: true,
    } as const;
    const place = { keyId: "k", versionId: "v", fingerprint: "sha256:f" };
    return useNotQuiet({ policy, retiring: place, incoming: place, promotedAtMs: 0, nowMs, evidence: [] });
  };
  expect(at(adminQuietMs - 1)).toMatchObject([{ reason: "QuietWindowOpen", remainingMs: 1 }]);
  expect(at(adminQuietMs)).toEqual([]);
});

test("what a secret's keys are to Rekey", () => {
  expect(keyRole({ mode: "rotate", isAdminCredential: true })).toBe("admin");
  expect(keyRole({ mode: "rotate" })).toBe("rotated");
  expect(keyRole({ mode: "observe" })).toBe("index");
});
