import { incidentFacts } from "../../../core/incident/facts.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import { noFaults } from "../../simulation/world/surroundings.ts";
import { World } from "../../simulation/world/world.ts";
import {
  currentFingerprint,
  effectsOf,
  leakOfCurrent,
  onlyKey,
  secretArn,
  traffic,
} from "./compromise-story.ts";

const minute = 60_000;
let world: World;
afterEach(() => world.close());

test("contain-first replaces, then contains at once, and proves the key dead", async () => {
  world = new World();
  await world.secret();
  const run = await world.compromise(await leakOfCurrent(world));

  expect(run.outcome?.status).toBe("SUCCEEDED");
  expect(effectsOf(world)).toEqual([
    "notify: opened",
    ...["mint k2", "put v2", "move AWSPENDING to v2", "verify k2"],
    ...["move REKEY_RETIRING to v1", "move AWSCURRENT to v2", "strip AWSPENDING from v2"],
    "delete k1",
    "verify k1: 401",
    "strip REKEY_RETIRING from v1",
  ]);
  expect(await onlyKey(world, run)).toMatchObject({ state: "dead", how: "refused", standing: "current" });
  const record = await world.incidentOf(run);
  expect(record).toMatchObject({ status: "closed", plan: "contain-first" });
  expect(record.reports.map(({ when }) => when)).toEqual(["containment", "scoped"]);
  expect(incidentFacts(record)).toMatchObject({
    plan: "contain-first",
    escalated: false,
    deadlineMs: 15 * minute,
  });
  const secret = await world.ledger.secret(secretArn);
  expect(secret.lease).toBeUndefined();
  expect(secret.keys.map(({ state }) => state)).toEqual(["current"]);
  expect(traffic(world).failed).toBe(0);
});

test("switch-first contains only when every consumer has moved, and nobody is cut off", async () => {
  world = new World();
  await world.secret();
  const run = await world.compromise(await leakOfCurrent(world, { exposure: "private" }));

  const { acceptedAtMs = 0, state } = await onlyKey(world, run);
  const record = await world.incidentOf(run);
  expect(record).toMatchObject({ status: "closed", plan: "switch-first" });
  expect(state).toBe("dead");
  expect(acceptedAtMs).toBeGreaterThanOrEqual(record.secrets[0]?.adoptedAtMs ?? Number.POSITIVE_INFINITY);
  expect(traffic(world)).toMatchObject({ failed: 0 });
  expect(incidentFacts(record).outageMs).toBe(0);
});

test("switch-first contains at containBy whatever the consumers did", async () => {
  world = new World();
  await world.secret({
    consumers: [
      { name: "billing", refreshEveryMs: Number.POSITIVE_INFINITY, useEveryMs: Number.POSITIVE_INFINITY },
    ],
    policy: { incident: { containByMs: 4 * minute, escalateAfterMs: 5 * minute } },
  });
  const run = await world.compromise(await leakOfCurrent(world, { exposure: "private" }));

  const record = await world.incidentOf(run);
  const { acceptedAtMs = 0 } = await onlyKey(world, run);
  expect(acceptedAtMs).toBe(record.containByMs);
  expect(record.secrets[0]?.behind).toEqual(["billing"]);
  expect(record.status).toBe("closed");
});

describe("under switch-first, a key that somebody puts back into AWSCURRENT when every consumer has moved", () => {
  interface PutBack {
    readonly thenRightAfterMs?: number;
    /** Only when the revoke is recorded, and the provider's first answer to it is an error. */
    readonly isAmidRevoke?: boolean;
  }

  async function putBack(story: PutBack) {
    let failuresLeft = story.isAmidRevoke ? 1 : 0;
    const down = { kind: "answer" as const, status: 500, code: "server_error" };
    let handMs: number | undefined;
    const hand = (versionId: string) =>
      world.store.moveByHand({ secretArn, label: "AWSCURRENT", to: versionId });
    world = new World({
      provider: {
        faults: ({ operation }) => (operation === "revoke" && failuresLeft-- > 0 ? down : undefined),
      },
      surroundings: {
        ...noFaults,
        call: async (_call, effect) => {
          const answer = await effect();
          const [incident] = await world.ledger.incidents.incidents();
          const secret = incident?.secrets[0];
          if (handMs !== undefined || secret?.replacement !== "adopted") return answer;
          if (story.isAmidRevoke && incident?.keys[0]?.state !== "revoking") return answer;
          handMs = world.time.nowMs();
          hand(secret.versionId ?? "");
          if (story.thenRightAfterMs !== undefined)
            setTimeout(() => hand(secret.incomingVersionId ?? ""), story.thenRightAfterMs);
          return answer;
        },
      },
    });
    await world.secret();
    const run = await world.compromise(await leakOfCurrent(world, { exposure: "private" }));
    return { handMs: handMs ?? 0, record: await world.incidentOf(run), key: await onlyKey(world, run) };
  }

  test("pages, and is contained at containBy whatever AWSCURRENT holds", async () => {
    const { handMs, record, key } = await putBack({});
    expect(key).toMatchObject({ state: "dead" });
    expect(record.containByMs).toBeGreaterThan(handMs);
    expect(key.acceptedAtMs).toBe(record.containByMs);
    const [first] = world.pages;
    expect(first).toMatchObject({ reason: "needsPerson", severity: "page" });
    expect(first?.why).toMatch(/^the current version of billing-key holds the compromised key again/);
    expect(key.currentAgain).toBeUndefined();
  });

  test("has to be moved back by a person, and the page names no way to end it sooner", async () => {
    const { record } = await putBack({});
    const [first] = world.pages;
    const [secret] = record.secrets;
    const move = `--move-to-version-id ${secret?.incomingVersionId} --remove-from-version-id ${secret?.versionId}`;
    expect(first?.steps[1]).toBe(
      `aws secretsmanager update-secret-version-stage --secret-id ${secretArn} --version-stage AWSCURRENT ${move}`,
    );
    expect(first?.runbook).toBe("docs/runbooks/spent-key-is-current.md");
    expect(first?.steps.join()).not.toMatch(/contain-now|curl/);
    expect(world.pages.filter(({ why }) => why === first?.why)).toHaveLength(1);
  });

  test("is left to its consumers until containBy also where a revoke that failed was recorded before", async () => {
    const { handMs, record, key } = await putBack({ isAmidRevoke: true });
    expect(key).toMatchObject({ state: "dead" });
    expect(record.containByMs).toBeGreaterThan(handMs + minute);
    // The retry of the Task does not come at a whole second.
    expect(key.acceptedAtMs).toBeGreaterThanOrEqual(record.containByMs ?? 0);
    expect(key.acceptedAtMs).toBeLessThan((record.containByMs ?? 0) + 2_000);
    expect(world.pages[0]?.why).toMatch(
      /^the current version of billing-key holds the compromised key again/,
    );
    expect(key.currentAgain).toBeUndefined();
  });

  test("is contained, and its revoke recorded anew, when AWSCURRENT is right before a failed revoke is repeated", async () => {
    const { handMs, key } = await putBack({ isAmidRevoke: true, thenRightAfterMs: minute });
    expect(key).toMatchObject({ state: "dead" });
    expect(key.acceptedAtMs).toBeGreaterThanOrEqual(handMs + minute);
    expect(key.acceptedAtMs).toBeLessThan(handMs + 2 * minute);
    expect(key.revokeIntendedAtMs).toBe(key.acceptedAtMs);
  });

  test("is contained as soon as AWSCURRENT is seen to be right again", async () => {
    const { handMs, record, key } = await putBack({ thenRightAfterMs: minute });
    expect(key).toMatchObject({ state: "dead" });
    expect(key.acceptedAtMs).toBeGreaterThanOrEqual(handMs + minute);
    expect(key.acceptedAtMs).toBeLessThan(handMs + 2 * minute);
    expect(record).toMatchObject({ status: "closed" });
  });
});

test("a key that is dead already is replaced first and proven dead all the same", async () => {
  world = new World();
  await world.secret();
  const story = await leakOfCurrent(world);
  const { keyId = "" } = (await world.ledger.secret(secretArn)).keys[0] ?? {};
  revokeBehindOurBack(keyId);
  const run = await world.compromise(story);

  expect(await onlyKey(world, run)).toMatchObject({ state: "dead", how: "alreadyDead", goneBefore: true });
  expect(effectsOf(world).filter((effect) => /CURRENT|k1/.test(effect))).toEqual([
    ...["move AWSCURRENT to v2", "delete k1: 404", "verify k1: 401"],
  ]);
  expect((await world.incidentOf(run)).status).toBe("closed");
});

test("a key of an old version is contained, and the current one is left alone", async () => {
  world = new World();
  await world.secret();
  const old = await currentFingerprint(world);
  await world.rotate(secretArn);
  const before = await currentFingerprint(world);
  world.effects.length = 0;
  const run = await world.compromise({ identity: { kind: "fingerprint", values: [old] } });

  expect(await onlyKey(world, run)).toMatchObject({ state: "dead", standing: "retired" });
  expect(effectsOf(world)).toEqual(["notify: opened", "delete k1: 404", "verify k1: 401"]);
  expect(await currentFingerprint(world)).toBe(before);
});

test("a key of an old version that still works is revoked and tried until it is refused", async () => {
  world = new World();
  await world.secret();
  const before = await currentFingerprint(world);
  const { keyId, secret } = world.provider.addKey({ name: "older, by hand" });
  const versionId = "00000000-0000-4000-8000-000000000old";
  await world.store.put({ secretArn, versionId, text: secret, labels: ["AWSPREVIOUS"] });
  const fingerprint = fingerprintOf(secret);
  await world.ledger.putHolder({ fingerprint, secretArn, versionId, keyId, role: "rotated" });
  const run = await world.compromise({ identity: { kind: "fingerprint", values: [fingerprint] } });

  const { goneBefore, ...key } = await onlyKey(world, run);
  expect(key).toMatchObject({ keyId, state: "dead", standing: "retired", how: "refused" });
  expect(goneBefore).toBeUndefined();
  expect(effectsOf(world)).toEqual(["notify: opened", "delete k2", "verify k2: 401"]);
  expect(await currentFingerprint(world)).toBe(before);
  expect((await world.incidentOf(run)).secrets).toMatchObject([{ replacement: "notNeeded" }]);
  expect(traffic(world).failed).toBe(0);
});

test("without the plaintext a key is dead by listing, and the record says so", async () => {
  world = new World();
  const policy = await world.secret();
  const { keyId } = world.provider.addKey({ name: "an old key" });
  const fingerprint = `sha256:${"0".repeat(64)}`;
  const versionId = "00000000-0000-4000-8000-00000000dead";
  await world.ledger.putHolder({
    fingerprint,
    secretArn: policy.secretArn,
    versionId,
    keyId,
    role: "rotated",
  });
  const run = await world.compromise({ identity: { kind: "fingerprint", values: [fingerprint] } });

  expect(await onlyKey(world, run)).toMatchObject({ state: "dead", how: "listing", probes: 0 });
  expect(effectsOf(world)).toEqual(["notify: opened", "delete k2"]);
});

test("a key that nobody knows is a person's, at once, and nothing is touched", async () => {
  world = new World();
  await world.secret();
  const [run] = await world.raise({
    identity: { kind: "fingerprint", values: [`sha256:${"1".repeat(64)}`] },
  });
  await world.time.advance(60 * minute);

  expect(run?.outcome).toBeUndefined();
  const [first, second, ...later] = effectsOf(world);
  expect([first, second]).toEqual(["page: needsPerson", "page: notAccepted"]);
  // Nobody answered: the deadline pages, and pages again.
  expect(later.length).toBeGreaterThan(1);
  expect(new Set(later)).toEqual(new Set(["page: deadlinePassed"]));
  expect(world.pages[0]).toMatchObject({ severity: "page", atMs: (await incident())?.openedAtMs });
  expect(await incident()).toMatchObject({ plan: "person", status: "open" });

  async function incident() {
    return run && world.incidentOf(run);
  }
});

function revokeBehindOurBack(keyId: string): void {
  const { adminKey } = world.provider;
  world.provider.handle({
    method: "DELETE",
    path: `/v1/organization/projects/proj_FAKE/api_keys/${keyId}`,
    query: new URLSearchParams(),
    headers: { authorization: `Bearer ${adminKey}` },
    body: undefined,
  });
}
