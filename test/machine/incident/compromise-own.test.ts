import { containNow, waive, whyNotContainNow } from "../../../core/incident/orders.ts";
import type { OwnRole } from "../../../core/incident/record.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import { personSteps } from "../../../functions/incident/paging/person-steps.ts";
import { changeIncident } from "../../../functions/incident/record/change.ts";
import { secretArnOf } from "../../simulation/world/account.ts";
import { adminArn } from "../../simulation/world/declared-policy.ts";
import { World } from "../../simulation/world/world.ts";
import { effectsOf, onlyKey, secretArn } from "./compromise-story.ts";

const minute = 60_000;
const intakeArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:rekey/intake/github-FAKE00";
let world: World;
afterEach(() => world.close());

/** An alert about one of Rekey's own secrets, which the index knows as such. */
async function leakOf(place: { readonly secretArn: string; readonly role: OwnRole }) {
  const { text, versionId } = await world.store.read(place.secretArn);
  const fingerprint = fingerprintOf(text);
  await world.ledger.putHolder({ fingerprint, versionId, ...place });
  const [run] = await world.raise({ identity: { kind: "fingerprint", values: [fingerprint] } });
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(10 * minute);
  return run;
}

async function leakedAdminCredential() {
  world = new World();
  await world.secret();
  await world.secret({ name: "search-key" });
  return leakOf({ secretArn: adminArn, role: "admin" });
}

test("a leaked admin credential pages at once, as what it is, with what to do first", async () => {
  await leakedAdminCredential();

  const [page] = world.pages;
  expect(page).toMatchObject({
    ...{ reason: "needsPerson", severity: "page", runbook: "docs/runbooks/admin-credential.md" },
    title: "the openai admin credential of billing-key, search-key leaked: a person has to act",
    why: expect.stringContaining("it is the openai admin credential of billing-key, search-key"),
  });
  expect(page?.steps[0]).toContain(
    "delete the leaked credential now, in https://platform.openai.com/settings/organization/admin-keys",
  );
  expect(page?.steps.filter((step) => step.startsWith("read ") || step.startsWith("rekey "))).toEqual([
    expect.stringContaining(`put-secret-value --secret-id ${adminArn} `),
    "rekey doctor",
    "rekey sweep",
    expect.stringMatching(/^rekey incident waive i-\S+ --reason '/),
    expect.stringMatching(/^rekey incident show i-\S+$/),
  ]);
});

test("nothing replaces or revokes an admin credential, whatever the alert or a person says", async () => {
  const run = await leakedAdminCredential();

  expect(effectsOf(world).filter((effect) => /^(?:mint|delete|narrow|extend)/.test(effect))).toEqual([]);
  const record = await world.incidentOf(run);
  expect(record).toMatchObject({ plan: "person", keys: [{ role: "admin", state: "waiting" }] });
  expect(whyNotContainNow(record)).toMatchObject({ reason: "RekeysOwn" });
  expect(world.pages.map(({ reason }) => reason)).toEqual(["needsPerson", "notAccepted"]);
  expect(new Set(world.pages.map(({ runbook }) => runbook))).toEqual(
    new Set(["docs/runbooks/admin-credential.md"]),
  );
});

test("an incident about an admin credential ends when a person waives it", async () => {
  const run = await leakedAdminCredential();
  const { incidentId } = await world.incidentOf(run);
  const { fingerprint = "" } = await onlyKey(world, run);
  const word = { by: "ada", reason: "deleted in the console", atMs: world.time.nowMs() };

  await changeIncident(
    incidentId,
    (now) => waive(now, { ref: fingerprint, word }),
    world.depsOutside("admin"),
  );
  await world.finish(run);

  expect(await world.incidentOf(run)).toMatchObject({ status: "closed" });
  expect((await world.rotate(secretArn)).outcome?.status).toBe("SUCCEEDED");
});

test("a leaked signing secret of the intake says how to take it from its finder", async () => {
  world = new World();
  await world.secret();
  const versionId = world.store.create(intakeArn, "FAKE-signing-secret-of-github");
  const run = await leakOf({ secretArn: intakeArn, role: "intake" });

  const [page] = world.pages;
  expect(page).toMatchObject({
    title: "the intake's signing secret rekey/intake/github leaked: a person has to act",
    runbook: "docs/runbooks/intake-credential.md",
  });
  expect(page?.steps).toContainEqual(
    expect.stringContaining(`--version-stage AWSPREVIOUS --remove-from-version-id ${versionId}`),
  );
  expect(page?.steps).not.toContainEqual(expect.stringMatching(/console/));
  expect(personSteps(await world.incidentOf(run)).at(-1)?.command).toContain("rekey incident waive");
});

test.each<[OwnRole, string, string, RegExp]>([
  [
    "githubToken",
    "github-token",
    "the token that reads GitHub's alerts, rekey/github-token",
    /delete .* at GitHub/,
  ],
  [
    "pagerdutyKey",
    "pagerduty",
    "the PagerDuty key of the pages, rekey/pagerduty",
    /^in PagerDuty, add another/,
  ],
  ["slackWebhook", "slack", "the Slack webhook of the pages, rekey/slack", /Slack app, add another webhook/],
])(
  "a leaked %s is known as Rekey's own and says what a person does first",
  async (role, name, what, first) => {
    world = new World();
    await world.secret();
    const ownArn = `arn:aws:secretsmanager:eu-west-1:111122223333:secret:rekey/${name}-FAKE00`;
    world.store.create(ownArn, `FAKE-credential-of-${name}`);
    const run = await leakOf({ secretArn: ownArn, role });

    const [page] = world.pages;
    expect(page).toMatchObject({
      title: `${what} leaked: a person has to act`,
      runbook: "docs/runbooks/deployment-credential.md",
    });
    expect(page?.steps[0]).toMatch(first);
    expect(page?.steps).toContainEqual(expect.stringContaining(`put-secret-value --secret-id ${ownArn} `));
    expect(effectsOf(world).filter((effect) => /^(?:mint|delete|narrow|extend)/.test(effect))).toEqual([]);
    expect(whyNotContainNow(await world.incidentOf(run))).toMatchObject({ reason: "RekeysOwn" });
    expect(personSteps(await world.incidentOf(run)).at(-1)?.command).toContain("rekey incident waive");
  },
);

test("a key that is only watched is replaced by hand, and its steps lead to the end", async () => {
  world = new World();
  const policy = await world.secret();
  const watched = { secretArn: secretArnOf("watched-key"), name: "watched-key", mode: "index" as const };
  await world.ledger.putPolicy({ ...policy, ...watched });
  const versionId = world.store.create(watched.secretArn, "sk-FAKE-only-watched-0001");
  const fingerprint = fingerprintOf("sk-FAKE-only-watched-0001");
  await world.ledger.putHolder({ fingerprint, secretArn: watched.secretArn, versionId, role: "index" });
  const [run] = await world.raise({ identity: { kind: "fingerprint", values: [fingerprint] } });
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);

  expect(personSteps(await world.incidentOf(run)).map(({ what, command }) => command ?? what)).toEqual([
    "make a new key by hand, put it into watched-key, and let its consumers fetch it",
    expect.stringContaining("then open https://platform.openai.com/"),
    expect.stringMatching(/^rekey incident waive i-\S+ --reason '/),
  ]);
});

test("an unknown key's page leads to its own runbook, with every way to end it", async () => {
  world = new World();
  await world.secret();
  await world.raise({ identity: { kind: "fingerprint", values: [fingerprintOf("sk-FAKE-of-nobody")] } });
  await world.time.advance(minute);

  const [page] = world.pages;
  expect(page?.runbook).toBe("docs/runbooks/unknown-key.md");
  expect(page?.steps.filter((step) => step.startsWith("rekey "))).toEqual([
    "rekey compromise --key-stdin --dry-run",
    expect.stringMatching(/^rekey incident waive i-\S+ --reason '/),
    expect.stringMatching(/^rekey incident false-alarm i-\S+ --reason '/),
    expect.stringMatching(/^rekey incident show i-\S+$/),
  ]);
});

test("a key that only its provider knows is looked up there, and a person's order revokes it", async () => {
  world = new World();
  await world.secret();
  const { keyId } = world.provider.addKey({ name: "made by somebody" });
  const identity = { kind: "keyId" as const, provider: "openai", keyId };
  const [run] = await world.raise({ identity });
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);

  const [page] = world.pages;
  expect(page?.why).toMatch(/lists this key, and no secret under Rekey is known to hold it/);
  expect(page?.steps).toContainEqual(expect.stringMatching(/^rekey incident contain-now i-\S+ --reason '/));
  const { incidentId } = await world.incidentOf(run);
  const word = { by: "ada", reason: "ours", atMs: world.time.nowMs() };
  await changeIncident(incidentId, (now) => containNow(now, word), world.depsOutside("admin"));
  await world.finish(run);

  expect(await onlyKey(world, run)).toMatchObject({ state: "dead", how: "listing" });
});

test("a key of an account without a policy cannot be revoked by an order", async () => {
  world = new World();
  await world.secret();
  const identity = { kind: "keyId" as const, provider: "groq", keyId: "gsk-FAKE-id" };
  const [run] = await world.raise({ identity });
  if (run === undefined) throw new Error("nothing was started");
  await world.time.advance(minute);

  expect(whyNotContainNow(await world.incidentOf(run))).toMatchObject({
    reason: "NoPolicy",
    detail: "no policy covers an account of groq with it, so Rekey cannot revoke key gsk-FAKE-id",
  });
  expect(world.pages[0]?.steps).not.toContainEqual(expect.stringContaining("contain-now"));
  expect(world.pages[0]?.steps).toContainEqual(expect.stringContaining("https://console.groq.com/keys"));
});
