import { whyNotCertificate } from "../../../audit/verify-certificate.ts";
import type { CertificateStatement } from "../../../events/certificate.ts";
import { certificateKey } from "../../simulation/world/certificate-shelf.ts";
import { policyFor } from "../../simulation/world/declared-policy.ts";
import { World } from "../../simulation/world/world.ts";
import { leakOfCurrent } from "../incident/compromise-story.ts";
import { open, type Story, type StoryOptions } from "../rotation/story.ts";
import { type GoldenName, golden, payloadOf, writeGoldens } from "./golden.ts";

const hour = 3_600_000;
/** What the stored certificates say of ages and last uses is in these steps. */
const pace = { useEveryMs: 5_000, reportEveryMs: 15_000 };
const watched = [
  { name: "billing", ...pace },
  { name: "search", ...pace },
];
const worlds: World[] = [];
const made = new Map<GoldenName, string>();

afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
});

/** `GOLDEN=write` replaces the stored certificates, after a change of what a certificate says. */
afterAll(() => {
  if (process.env["GOLDEN"] === "write") writeGoldens(made);
});

/** The one certificate of a world: verified, as it was stored when this was written, and without any key. */
function certificateIn(world: World, name: GoldenName, id: string): CertificateStatement {
  const found = [...world.certificates].filter(([filed]) => filed.endsWith(`/${id}.json`));
  const [[path, text] = ["", ""], ...others] = found;
  expect(others).toEqual([]);
  expect(path).toMatch(new RegExp(`^certificates/.*/${id}\\.json$`));
  expect(whyNotCertificate(text, { publicKey: certificateKey, expected: id })).toBeUndefined();
  for (const key of world.provider.texts().values()) expect(text).not.toContain(key);
  made.set(name, text);
  if (process.env["GOLDEN"] !== "write") expect(comparable(text)).toEqual(comparable(golden(name)));
  return JSON.parse(payloadOf(text).toString());
}

/** Digests of policies and log entries follow whatever those hold, so only where they stand is compared. */
function comparable(text: string): unknown {
  return JSON.parse(
    payloadOf(text)
      .toString()
      .replaceAll(/\b[0-9a-f]{64}\b/g, "sha256"),
  );
}

function rotationIn(statement: CertificateStatement) {
  const { predicate } = statement;
  if (predicate.kind !== "rotation") throw new Error("it is the certificate of an incident");
  return predicate;
}

function endingIn(statement: CertificateStatement) {
  const { predicate } = statement;
  if (predicate.kind !== "rotationWithoutDeath")
    throw new Error(`it is a certificate of a ${predicate.kind}`);
  return predicate;
}

function incidentIn(statement: CertificateStatement) {
  const { predicate } = statement;
  if (predicate.kind !== "incident") throw new Error("it is the certificate of a rotation");
  return predicate;
}

test("a rotation's certificate says which instance held what when the gate opened, and for how long it was quiet", async () => {
  const story = await open({ consumers: watched });
  const run = await story.rotate();

  const said = rotationIn(certificateIn(story.world, "rotated", run.rotationId));

  expect(said.adoption?.worth).toBe("reported");
  expect(said.adoption?.rows.map(({ instance, claim, holds }) => [instance, claim, holds.versionId])).toEqual(
    [
      ["billing-1", "reported", story.versionId("v2")],
      ["billing-2", "reported", story.versionId("v2")],
      ["search-1", "reported", story.versionId("v2")],
      ["search-2", "reported", story.versionId("v2")],
    ],
  );
  const { from = "", until = "", neededMs = 0 } = said.quietWindow ?? {};
  expect(Date.parse(until) - Date.parse(from)).toBeGreaterThanOrEqual(neededMs);
  expect(said.gate?.asked.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(["Held", "Stopped", "KeyShared", "QuietWindowOpen"]),
  );
  expect(said.death.probes).toHaveLength(said.death.refusalsInARow);
  expect(said.keys).toMatchObject({
    retiring: { keyId: story.keyId("k1") },
    incoming: { keyId: story.keyId("k2"), versionId: story.versionId("v2") },
  });
});

test("the chain and the run's record name the certificate that was filed", async () => {
  const story = await open();
  const run = await story.rotate();

  const records = await story.world.table.query({ kind: "AUDIT", id: story.secretArn });
  const last = (records.at(-1)?.body ?? {}) as { readonly action?: string; readonly detail?: object };
  const known = await story.world.ledger.rotation(story.secretArn, run.rotationId);
  expect(last.action).toBe("CertificateFiled");
  expect(last.detail).toEqual(known?.certificate);
  expect([...story.world.certificates.keys()]).toEqual([known?.certificate?.path]);
});

test("with an attestation in it, adoption is worth no more than a person's statement", async () => {
  const story = await attested();
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  await story.world.time.advance(hour);
  await story.command({ command: "attest", secret: "billing-key", consumer: "legacy" });
  await story.finish(run);

  const said = rotationIn(certificateIn(story.world, "rotated-with-attestation", run.rotationId));

  expect(said.adoption?.worth).toBe("attested");
  expect(said.adoption?.consumers.map(({ name, worth }) => [name, worth])).toEqual([
    ["billing", "reported"],
    ["legacy", "attested"],
  ]);
  expect(said.orders).toMatchObject([
    { action: "AdoptionAttested", claim: "attested", by: "arn:aws:iam::111122223333:user/ada" },
  ]);
});

function attested(): Promise<Story> {
  const consumers = [
    { name: "billing", ...pace },
    { name: "legacy", instances: 0 },
  ];
  const declared = policyFor({ name: "billing-key", secretArn: "arn", consumers, propagation: {} });
  const [billing, legacy] = declared.consumers === "none" ? [] : declared.consumers;
  if (billing === undefined || legacy === undefined) throw new Error("two consumers were declared");
  const byHand = { ...legacy, evidence: ["attestation"] as const, demandUse: false };
  return open({ consumers, policy: { consumers: [billing, byHand], overlapMs: 8 * hour } });
}

test("a run that resumes another says which one promoted the key and how that was proven", async () => {
  const story = await overdue();
  const first = story.start();
  await story.reaches(first, "AwaitEvidence");
  await story.world.time.advance(20_000);
  for (const instance of story.instances("search")) instance.freeze();
  await story.finish(first);
  const left = endingIn(certificateIn(story.world, "needs-human", first.rotationId));
  expect(left.ending).toBe("needsHuman");
  expect(left.keys.map(({ role, state }) => [role, state])).toEqual([
    ["retiring", "retiring"],
    ["incoming", "current"],
  ]);
  expect(left.owed).toMatchObject([{ kind: "RevokeOwed", keyId: story.keyId("k1") }]);
  expect(left.gate?.inTheWay.join("\n")).toContain("search-1");
  for (const instance of story.instances("search")) instance.thaw();
  const second = await story.rotate();

  const said = rotationIn(certificateIn(story.world, "overdue-then-resumed", second.rotationId));

  expect(said.run).toMatchObject({ rotationId: second.rotationId, continues: first.rotationId });
  expect(said.incomingProof?.answer).toBe("valid");
  expect(said.audit[0]?.entries.map(({ action }) => action)).toEqual(
    expect.arrayContaining(["RotationOwesWork", "RotationOpened", "KeyRevoked", "DeathRecorded"]),
  );
});

function overdue(): Promise<Story> {
  const halfAnHourMs = hour / 2;
  const consumers = [
    { name: "billing", ...pace },
    { name: "search", ...pace, maxStaleMs: halfAnHourMs },
  ];
  return open({ consumers, policy: { overlapMs: halfAnHourMs } } satisfies StoryOptions);
}

test("a run that is rolled back says which keys it made, that they are gone, and that nothing is owed", async () => {
  const story = await open({ provider: { activateMs: 24 * hour } });
  const run = await story.rotate();

  const said = endingIn(certificateIn(story.world, "rolled-back", run.rotationId));

  expect(said.ending).toBe("rolledBack");
  expect(said.reason).toContain("KeyNotYetActive");
  expect(said.keys.map(({ role, keyId, state }) => [role, keyId, state])).toEqual([
    ["retiring", story.keyId("k1"), "current"],
    ["incoming", story.keyId("k2"), "discarded"],
  ]);
  expect(said.owed).toEqual([]);
  expect(said.notChecked.join("\n")).toContain("with a call to the provider");
  expect(await story.world.ledger.debts()).toEqual([]);
  expect((await story.audit()).at(-1)).toBe("CertificateFiled");
});

test("an aborted run names who ordered it and why, and what the order left alive", async () => {
  const story = await open();
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  await story.command({ command: "abort", rotation: run.rotationId, reason: "wrong secret" });
  await story.finish(run);

  const said = endingIn(certificateIn(story.world, "aborted", run.rotationId));

  expect(said).toMatchObject({
    ...{ ending: "needsHuman", aborted: { reason: "wrong secret", by: expect.stringContaining("user/ada") } },
    owed: [{ kind: "RevokeOwed" }],
  });
  expect(said.steps.map(({ step }) => step)).toEqual(["OpenRotation", "ProveIncoming", "Promote", "End"]);
});

test("a run under retain says that both keys live, and that the policy keeps the retiring one", async () => {
  const story = await open({ policy: { retain: true } });
  const run = await story.rotate();

  const said = endingIn(certificateIn(story.world, "retained", run.rotationId));

  expect(said.ending).toBe("retained");
  expect(said.keys.map(({ state }) => state)).toEqual(["retained", "current"]);
  expect(said.notChecked.join("\n")).toContain(`key ${story.keyId("k1")} is dead`);
});

test("a run whose execution was stopped is certified by an execution of its own", async () => {
  const story = await open();
  const run = story.start();
  await story.reaches(run, "AwaitEvidence");
  run.stop("a person stopped it");
  await story.finish(run);

  const said = endingIn(certificateIn(story.world, "stopped", run.rotationId));

  expect(said.reason).toContain("ExecutionABORTED");
  expect((await story.world.ledger.debts()).map(({ kind }) => kind)).toEqual(["RevokeOwed"]);
  expect((await story.audit()).at(-1)).toBe("CertificateFiled");
});

test("an incident's certificate has both clocks, the plan and the proof of death", async () => {
  const world = worldOf();
  await world.secret({ consumers: watched });
  const run = await world.compromise(await leakOfCurrent(world));
  const { incidentId } = await world.incidentOf(run);

  const said = incidentIn(certificateIn(world, "contained", incidentId));

  expect(said.ending).toBe("contained");
  expect(said.incident.plan).toBe("contain-first");
  expect(said.keys[0]).toMatchObject({ state: "dead", death: { claim: "observed", how: "refused" } });
  expect(said.clocks.detectedToDeadMs).toBeLessThan(said.clocks.deadlineMs);
  expect((await world.incidentOf(run)).certificate?.path).toBe(`certificates/incidents/${incidentId}.json`);
});

test("where nobody holds the plaintext, the certificate says that the key was only missing from the listing", async () => {
  const world = worldOf();
  const { secretArn } = await world.secret();
  const { keyId } = world.provider.addKey({ name: "an old key" });
  const fingerprint = `sha256:${"0".repeat(64)}`;
  const versionId = "00000000-0000-4000-8000-00000000dead";
  await world.ledger.putHolder({ fingerprint, secretArn, versionId, keyId, role: "rotated" });
  const run = await world.compromise({ identity: { kind: "fingerprint", values: [fingerprint] } });
  const { incidentId } = await world.incidentOf(run);

  const said = incidentIn(certificateIn(world, "contained-by-listing", incidentId));

  expect(said.ending).toBe("containedByListing");
  expect(said.notChecked.join("\n")).toContain(`a call with key ${keyId}`);
});

function worldOf(): World {
  const world = new World();
  worlds.push(world);
  return world;
}
