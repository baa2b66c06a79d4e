import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as errors from "../../core/errors.ts";
import type { IncidentRecord, KeyInScope, PageReason } from "../../core/incident/record.ts";
import { pageReasons, runbookFor, runbooks, topicOf } from "../../functions/incident/paging/runbook.ts";
import { manualOf } from "../../providers/manual.ts";

const root = new URL("../../", import.meta.url);
const folder = new URL("docs/runbooks/", root);
const pages = readdirSync(folder).filter((name) => name.endsWith(".md") && name !== "README.md");
const textOf = (path: string) => readFileSync(new URL(path, root), "utf8");

/** Errors that no second try helps. */
const neverRetried = Object.values(errors)
  .filter((value) => value !== errors.RotationError && value.prototype instanceof errors.RotationError)
  .map((Failure) => new (Failure as new (message: string) => errors.RotationError)("any"))
  .filter(({ retry }) => retry === "never")
  .map(({ name }) => name);

test("every error that no second try helps has a page of its own", () => {
  expect(neverRetried.length).toBeGreaterThan(15);
  const found = neverRetried.map((name) => runbookFor(name));

  expect(new Set(found).size).toBe(neverRetried.length);
  for (const [index, path] of found.entries()) expect(textOf(path)).toContain(`\`${neverRetried[index]}\``);
});

test("every reason of a page leads to a page about it", () => {
  for (const reason of pageReasons) expect(textOf(runbookFor(reason))).toContain(`\`${reason}\``);
});

/** What an incident pages about, by what its key is. */
const keys: Readonly<Record<string, Partial<IncidentRecord>>> = {
  AdminCredentialLeaked: { keys: [keyThat({ role: "admin" })] },
  IntakeCredentialLeaked: { keys: [keyThat({ role: "intake" })] },
  DeploymentCredentialLeaked: { keys: [keyThat({ role: "slackWebhook" })] },
  ProviderWithoutRevoke: { keys: [keyThat({ keyId: "k1", byHand: true })] },
  SpentKeyIsCurrent: { keys: [keyThat({ currentAgain: { places: [], lookAgainAtMs: 0 } })] },
  UnknownKey: { match: { by: "none", text: "sha256:FAKE" } },
};

function keyThat(facts: Partial<KeyInScope>): KeyInScope {
  return { standing: "current", state: "needsPerson", probes: 0, refusals: 0, ...facts };
}

function topicAbout(facts: Partial<IncidentRecord>, due: { reason: PageReason; error?: string }): string {
  const match = { by: "fingerprint", text: "sha256:FAKE" };
  const record = { subject: "key/main/k1", match, keys: [keyThat({ keyId: "k1" })], ...facts };
  return topicOf(record as IncidentRecord, due);
}

test.each(Object.keys(keys))("a page about such a key leads to %s, whatever it waits for", (topic) => {
  for (const reason of ["needsPerson", "notAccepted", "deadlinePassed", "settled", "asked"] as const)
    expect(topicAbout(keys[topic] ?? {}, { reason, error: "PolicyInvalid" })).toBe(topic);
  expect(topicAbout(keys[topic] ?? {}, { reason: "held" })).toBe("held");
});

test.each(neverRetried)("a page that %s stops containment leads to it", (error) => {
  expect(topicAbout({}, { reason: "needsPerson", error })).toBe(error);
  expect(topicAbout({}, { reason: "notAccepted", error })).toBe("notAccepted");
});

test("a page that says nothing more leads to its reason", () => {
  expect(topicAbout({}, { reason: "needsPerson" })).toBe("needsPerson");
  expect(topicAbout({}, { reason: "needsPerson", error: "TypeError" })).toBe("needsPerson");
});

/** What alarms, campaigns, notices and the events of rotations are called; none of them pages an incident. */
const alarms = [
  ...["AdoptionOverdue", "SpentKeyIsCurrent", "SyntheticLeakAbsent", "UnexpectedRead"],
  ...["secondPerson", "campaign"],
];

test("no runbook is left that nothing leads to, and the index names each once", () => {
  const causes = [...neverRetried, ...alarms, ...Object.keys(keys), ...pageReasons];
  const reached = new Set(causes.map((reason) => runbookFor(reason)));
  const index = textOf("docs/runbooks/README.md");

  expect([...reached].sort()).toEqual(pages.map((name) => `docs/runbooks/${name}`).sort());
  expect(Object.keys(runbooks).filter((reason) => !causes.includes(reason))).toEqual([]);
  for (const name of pages) expect(index.split(`(${name})`)).toHaveLength(2);
});

test.each(pages)("%s says what happened, what is safe, what to do and whom to call", (name) => {
  const text = textOf(`docs/runbooks/${name}`);
  const titles = [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title);

  expect(titles).toEqual(["What happened", "What is safe", "What to do", "When to call whom"]);
  expect(text).toMatch(/^1\. /m);
  for (const [, link = ""] of text.matchAll(/\]\(([^)#]+)\)/g))
    expect(existsSync(new URL(link, folder))).toBe(true);
});

test("a reason that nobody foresaw still leads to a page", () => {
  expect(pages).toContain(runbookFor("SomethingNew").replace("docs/runbooks/", ""));
  expect(runbookFor("__proto__")).toBe(runbookFor("SomethingNew"));
});

test("manual steps name this key at this provider, and a strange id is in no command", () => {
  const key = { provider: "anthropic", keyId: "apikey_FAKE" };

  expect(manualOf(key)).toMatchObject({
    place: expect.stringContaining("https://platform.claude.com/settings/keys"),
    command: expect.stringMatching(/^read -rs ANTHROPIC_ADMIN_KEY && curl .*api_keys\/apikey_FAKE/),
    asks: "paste ANTHROPIC_ADMIN_KEY; the shell does not show it",
  });
  expect(manualOf({ ...key, keyId: "$(reboot)" }).command).toBeUndefined();
  expect(manualOf({ ...key, provider: "nobody-knows" }).place).toBe(
    "delete the key apikey_FAKE in nobody-knows's console",
  );
});

test("a command names what the policy says of the account; without it no command is shown", () => {
  const key = { provider: "openai", keyId: "key_FAKE" };

  expect(manualOf({ ...key, settings: { project: "proj_FAKE" } }).command).toContain(
    "/projects/proj_FAKE/api_keys/key_FAKE",
  );
  for (const settings of [{}, { project: "$(reboot)" }, { project: 7 }])
    expect(manualOf({ ...key, settings }).command).toBeUndefined();
});
