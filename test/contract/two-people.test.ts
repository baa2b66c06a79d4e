import { parse } from "yaml";
import { weakeningsMax } from "../../functions/admin/two-people/applying.ts";
import { pendingMax } from "../../functions/admin/two-people/pending.ts";
import { sweep } from "../../functions/upkeep/sweep.ts";
import { type CliOptions, rekey } from "../cli/cli-world.ts";
import { newWorld, openIncident } from "../cli/incident-world.ts";
import { type AdminWorld, arnOf, fileWith, NOON_MS } from "./admin-world.ts";

const role = (name: string, session: string) => `arn:aws:sts::111122223333:assumed-role/${name}/${session}`;
const ADA = role("operator", "ada");
const EVE = role("approver", "eve");
const hourMs = 3_600_000;

function ruled<World extends { readonly world: AdminWorld }>(story: World): World {
  Object.assign(story.world.deps, { twoPeople: { mayAsk: ["operator"], mayApprove: ["approver"] } });
  return story;
}

const incidentStory = async (changes: Parameters<typeof openIncident>[0] = {}) =>
  ruled(await openIncident(changes));
const plainStory = async () => ruled(await newWorld());

async function approveAs(world: AdminWorld, order: unknown, who = EVE) {
  const shown = await world.send({ command: "approve", order }, who);
  const { digest } = shown.answer;
  return { shown: shown.answer, ...(await world.send({ command: "approve", order, digest }, who)) };
}

describe("an order that can do lasting harm", () => {
  test("waits until another person has seen and confirmed it, and names both", async () => {
    const { world, incidentId, only, keyId } = await incidentStory();
    const waive = { command: "incident-waive", incident: incidentId, reason: "confirmed by phone" };

    const { answer } = await world.send(waive, ADA);
    expect(answer).toMatchObject({ outcome: "pending", command: "incident-waive" });
    expect((await only()).keys[0]?.waiver).toBeUndefined();

    const { shown, answer: done } = await approveAs(world, answer["order"]);
    expect(shown).toMatchObject({ outcome: "shown", askedBy: ADA, what: { incident: incidentId } });
    expect((shown["what"] as Record<string, string>)["keys"]).toContain(`${keyId} (waiting, not probed yet)`);
    expect(done).toMatchObject({ outcome: "waived", approvedBy: EVE });
    expect((await only()).keys[0]?.waiver).toMatchObject({ by: ADA, approvedBy: EVE });
    expect(await world.told("billing-key")).toContain("KeyWaived by ada");
    const entries = [];
    for await (const entry of world.audit.entries(arnOf("billing-key"))) entries.push(entry);
    expect(entries.at(-1)).toMatchObject({ action: "KeyWaived", detail: { approvedBy: EVE } });
  });

  test("counts once, however often it is approved", async () => {
    const { world, incidentId } = await incidentStory();
    const { answer } = await world.send(
      { command: "incident-waive", incident: incidentId, reason: "x" },
      ADA,
    );
    await approveAs(world, answer["order"]);

    const again = await world.send({ command: "approve", order: answer["order"] }, EVE);

    expect(again.answer).toMatchObject({ outcome: "refused", reason: "OrderOver" });
  });

  test.each([
    ["the person who asked, under the approver's role", role("approver", "ada"), "SamePerson"],
    ["somebody who may only ask", role("operator", "bob"), "MayNotApprove"],
    ["a user who is in neither list", "arn:aws:iam::111122223333:user/tom", "MayNotApprove"],
    ["somebody who did not look", role("approver", "fred"), "ShownToAnother"],
  ])("%s does not approve it", async (_title, who, reason) => {
    const { world, incidentId, only } = await incidentStory();
    const { answer } = await world.send(
      { command: "incident-waive", incident: incidentId, reason: "x" },
      ADA,
    );
    const looks = reason === "SamePerson" ? who : EVE;
    const { answer: shown } = await world.send({ command: "approve", order: answer["order"] }, looks);

    const order = { command: "approve", order: answer["order"], digest: shown["digest"] };
    expect((await world.send(order, who)).answer).toMatchObject({ outcome: "refused", reason });
    expect((await only()).keys[0]?.waiver).toBeUndefined();
  });

  test("is looked at again once what it would do has changed", async () => {
    const { world, incidentId, keyId, becomes, only } = await incidentStory();
    const { answer } = await world.send(
      { command: "incident-waive", incident: incidentId, reason: "x" },
      ADA,
    );
    const { answer: shown } = await world.send({ command: "approve", order: answer["order"] }, EVE);
    const [key] = (await only()).keys;
    if (key === undefined) throw new Error("no key");
    await becomes(incidentId, { keys: [{ ...key, keyId, probes: 4, refusals: 0 }] });

    const order = { command: "approve", order: answer["order"], digest: shown["digest"] };
    expect((await world.send(order, EVE)).answer).toMatchObject({ reason: "AnotherOrder" });
  });

  test("is asked for by listed roles only, and by nobody where the deployment names nobody", async () => {
    const { world, incidentId } = await incidentStory();
    const waive = { command: "incident-waive", incident: incidentId, reason: "x" };
    expect((await world.send(waive, role("auditor", "kim"))).answer).toMatchObject({ reason: "MayNotAsk" });
    Object.assign(world.deps, { twoPeople: { mayAsk: [], mayApprove: [] } });
    expect((await world.send(waive, ADA)).answer).toMatchObject({ reason: "NobodyMayApprove" });
  });

  test("is carried out as it was asked: fields that were changed meanwhile approve nothing", async () => {
    const { world, incidentId } = await incidentStory();
    const { answer } = await world.send(
      { command: "incident-waive", incident: incidentId, reason: "x" },
      ADA,
    );
    const part = { kind: "ORDER", id: String(answer["order"]), sort: "000" };
    await world.ledger.documents.write(part, { text: '{"command":"incident-waive","incident":"i-other"}' });

    const { answer: shown } = await world.send({ command: "approve", order: answer["order"] }, EVE);

    expect(shown).toMatchObject({ outcome: "refused", reason: "OrderChanged" });
  });

  test(`at most ${pendingMax} wait, and the next is told so`, async () => {
    const { world } = await plainStory();
    const stop = (reason: string) =>
      world.send({ command: "stop", all: true, untilLifted: true, reason }, ADA).then(({ answer }) => answer);
    for (let count = 0; count < pendingMax; count += 1)
      expect((await stop(`n${count}`)).outcome).toBe("pending");

    expect(await stop("one more")).toMatchObject({ outcome: "refused", reason: "TooManyOrders" });
    const { answer } = await world.send({ command: "approve" }, EVE);
    expect(answer["orders"]).toHaveLength(pendingMax);
  });

  test("one person decides where the deployment says off", async () => {
    const { world, incidentId } = await openIncident();
    const { answer } = await world.send(
      { command: "incident-waive", incident: incidentId, reason: "x" },
      ADA,
    );
    expect(answer.outcome).toBe("waived");
  });
});

describe("what waits", () => {
  const alert = { exposure: "unknown", verified: "unknown" } as const;

  test.each([
    ["a public key", { ...alert, exposure: "public" }, "pending"],
    ["a key that was seen to work", { ...alert, verified: "live" }, "pending"],
    ["a suspicion that nobody confirmed", alert, "falseAlarm"],
  ] as const)("a false alarm about %s", async (_title, facts, outcome) => {
    const { world, incidentId, only, becomes } = await incidentStory();
    const alerts = (await only()).alerts.map((one) => ({ ...one, ...facts }));
    await becomes(incidentId, { alerts });
    const order = { command: "incident-false-alarm", incident: incidentId, reason: "a test key" };
    expect((await world.send(order, ADA)).answer.outcome).toBe(outcome);
  });

  /** A key whose quarantine the provider can undo. */
  async function restorable(world: AdminWorld): Promise<void> {
    const { provider } = world.deps;
    const made = (policy: Parameters<typeof provider>[0]) => ({
      ...provider(policy),
      restore: async () => {},
    });
    Object.assign(world.deps, { provider: made });
    await world.ledger.changeSecret(arnOf("billing-key"), (record) => ({
      ...record,
      keys: record.keys.map((key) => ({ ...key, state: "quarantined" as const, scopes: ["model.read"] })),
    }));
  }

  const suspicion = { exposure: "unknown", verified: "unknown" } as const;
  const leak = { exposure: "public", verified: "live" } as const;

  test.each([
    ["undo of a quarantine", "incident-undo-quarantine", "undone"],
    ["switch-first", "incident-switch-first", "ordered"],
  ])("the %s for a key that is public, and not on a suspicion", async (_title, command, done) => {
    const { world, incidentId, only, becomes, keyId } = await incidentStory();
    const { alerts, keys } = await only();
    const state = command === "incident-undo-quarantine" ? "quarantined" : "waiting";
    await restorable(world);
    const of = (facts: typeof suspicion | typeof leak) =>
      becomes(incidentId, {
        alerts: alerts.map((one) => ({ ...one, ...facts })),
        keys: keys.map((key) => ({ ...key, state })),
      });
    const order = { command, incident: incidentId, reason: "it serves everybody" };
    await of(leak);
    const { answer } = await world.send(order, ADA);
    expect(answer).toMatchObject({
      outcome: "pending",
      what: { incident: incidentId, reported: "public, live" },
    });
    expect(JSON.stringify(answer["what"])).toContain(keyId);
    expect((await only()).plan).toBe("contain-first");
    expect((await approveAs(world, answer["order"])).answer).toMatchObject({
      outcome: done,
      approvedBy: EVE,
    });

    const other = await incidentStory();
    const first = await other.only();
    await restorable(other.world);
    await other.becomes(other.incidentId, {
      alerts: first.alerts.map((one) => ({ ...one, ...suspicion })),
      keys: first.keys.map((key) => ({ ...key, state })),
    });
    const alone = await other.world.send({ ...order, incident: other.incidentId }, ADA);
    expect(alone.answer.outcome).toBe(done);
  });

  test("a freeze that is lifted, and not a hold that is released", async () => {
    const { world } = await plainStory();
    const secretArn = arnOf("billing-key");
    await world.send({ command: "hold", secret: "billing-key", reason: "a release" }, ADA);
    const release = { command: "release", secret: "billing-key" };
    expect((await world.send(release, ADA)).answer.outcome).toBe("released");
    const frozen = { reason: "FAKE-admin changed the current version", sinceMs: NOON_MS };
    await world.ledger.changeSecret(secretArn, (record) => ({ ...record, frozen }));

    const { answer } = await world.send({ ...release, unfreeze: true }, ADA);

    expect(answer).toMatchObject({ outcome: "pending", what: { frozenBecause: frozen.reason } });
    expect((await world.ledger.secret(secretArn)).frozen).toBeDefined();
    expect((await approveAs(world, answer["order"])).answer).toMatchObject({ outcome: "released" });
    expect((await world.ledger.secret(secretArn)).frozen).toBeUndefined();
  });

  test("an overwrite of what somebody else put at a destination", async () => {
    const { world } = await plainStory();
    const policy = await world.ledger.policy(arnOf("billing-key"));
    const [consumer] = policy?.consumers === "none" ? [] : (policy?.consumers ?? []);
    if (policy === undefined || consumer === undefined) throw new Error("no consumer");
    const copies = [{ to: "web", as: "OPENAI_API_KEY" }];
    await world.ledger.putPolicy({ ...policy, consumers: [{ ...consumer, copies }] });
    const order = { command: "overwrite", secret: "billing-key", destination: "web", reason: "ours" };
    const notes = () => world.ledger.copyNotes(arnOf("billing-key"));

    const { answer } = await world.send(order, ADA);

    expect(answer).toMatchObject({
      outcome: "pending",
      what: { destination: "web", names: "OPENAI_API_KEY" },
    });
    expect(await notes()).toEqual([]);
    expect((await approveAs(world, answer["order"])).answer).toMatchObject({ outcome: "ordered" });
    expect(await notes()).toMatchObject([{ destination: "web", overwrite: true }]);
  });

  test("what the command refuses in any case is refused at once", async () => {
    const { world, incidentId, becomes, only } = await incidentStory();
    await becomes(incidentId, { alerts: (await only()).alerts.map((one) => ({ ...one, ...leak })) });
    const refusedAtOnce = [
      { command: "incident-undo-quarantine", incident: incidentId, reason: "x" },
      { command: "release", secret: "billing-key", unfreeze: true },
      { command: "overwrite", secret: "billing-key", destination: "nowhere", reason: "x" },
    ];
    for (const order of refusedAtOnce) expect((await world.send(order, ADA)).answer.outcome).toBe("refused");
  });

  test("is told once to those who may approve, with the command that shows it", async () => {
    const { world, incidentId, pages, channels } = await incidentStory();
    pages.length = 0;
    const waive = { command: "incident-waive", incident: incidentId, reason: "by phone" };
    const { answer } = await world.send(waive, ADA);
    expect(answer).toMatchObject({ outcome: "pending", told: ["sns"] });
    await world.send({ command: "approve", order: answer["order"] }, EVE);
    expect(pages).toHaveLength(1);
    expect(pages[0]).toMatchObject({
      ...{ severity: "notify", title: "ada as operator asks for a second person: incident waive" },
      ...{ steps: [`rekey approve ${answer["order"]}`], runbook: "docs/runbooks/second-person.md" },
    });
    expect(pages[0]?.why).toContain("approver may approve until");
    expect(pages[0]?.why).toContain("reason: by phone");

    channels.areDown = true;
    const unheard = await world.send({ ...waive, reason: "again" }, ADA);
    expect(unheard.answer).toMatchObject({ outcome: "pending", told: [] });
  });

  test("an attestation", async () => {
    const { world } = await plainStory();
    const attest = { command: "attest", secret: "billing-key", consumer: "billing" };
    expect((await world.send(attest, ADA)).answer).toMatchObject({
      outcome: "pending",
      what: { secret: "billing-key", consumer: "billing" },
    });
  });

  const file = (block: string) => fileWith({ secrets: { "billing-key": block, "search-key": "" } });
  const rotate = "provider: main, rotate: { every: 30d }";

  test.each([
    ["a consumer removed", `${rotate}, consumers: none`],
    ["a shorter quiet window", `${rotate}, consumers: [{ name: billing }], quiet: 8h`],
    ["less evidence", `${rotate}, consumers: [{ name: billing, evidence: [attestation], demandUse: false }]`],
  ])("an apply with %s, and not one that changes nothing", async (_title, block) => {
    const { world } = await plainStory();
    const apply = (text: string) =>
      world
        .send({ command: "apply", files: [{ path: "rekey.yml", data: parse(text) }] }, ADA)
        .then(({ answer }) => answer);
    expect((await apply(file(`${rotate}, consumers: [{ name: billing }], quiet: 12h`))).outcome).toBe(
      "applied",
    );

    const answer = await apply(file(block));

    expect(answer.outcome).toBe("pending");
    const before = await world.ledger.policy(arnOf("billing-key"));
    expect(before?.consumers).not.toBe("none");
    const { answer: done } = await approveAs(world, answer["order"]);
    expect(done).toMatchObject({ outcome: "applied", approvedBy: EVE });
    expect(await world.ledger.policy(arnOf("billing-key"))).not.toEqual(before);
  });

  test("an apply with another host in a provider block shows the old and the new one", async () => {
    const { world } = await plainStory();
    const text = file("").replace("kind: openai,", 'kind: openai, baseUrl: "https://llm.example.com",');
    const { answer } = await world.send(
      { command: "apply", files: [{ path: "rekey.yml", data: parse(text) }] },
      ADA,
    );
    expect(answer.outcome).toBe("pending");
    expect(JSON.stringify(answer["what"])).toContain("-> https://llm.example.com");
  });

  test("a file of more than a record's size waits in parts, and is applied whole", async () => {
    const { world } = await plainStory();
    const scopes = Array.from({ length: 40 }, (_, n) => `s${n}`).join(", ");
    const note = `repositories: [${Array.from({ length: 45 }, (_, n) => `acme/${"r".repeat(200)}${n}`).join(", ")}]`;
    const names = Array.from({ length: 60 }, (_, n) => `key-${n}`);
    for (const name of names) world.secret(name);
    const many = Object.fromEntries(
      names.map((name) => [name, `${rotate}, ${note}, scopes: [${scopes}], consumers: [{ name: billing }]`]),
    );
    const text = fileWith({
      secrets: { "billing-key": `${rotate}, consumers: none`, "search-key": "", ...many },
    });
    const value: unknown = parse(text);
    expect(JSON.stringify(value).length).toBeGreaterThan(500_000);
    const { answer } = await world.send(
      { command: "apply", files: [{ path: "rekey.yml", data: value }] },
      ADA,
    );
    expect(answer.outcome).toBe("pending");
    const { answer: done } = await approveAs(world, answer["order"]);
    expect(done).toMatchObject({ outcome: "applied" });
    expect(await world.ledger.policies()).toHaveLength(62);
  }, 30_000);

  test(`one approval covers at most ${weakeningsMax} changes`, async () => {
    const { world } = await plainStory();
    const names = Array.from({ length: weakeningsMax + 1 }, (_, n) => `key-${n}`);
    const { answer: had } = await world.send({ command: "examine" }, ADA);
    expect(had.outcome).not.toBe("refused");
    const stored = await world.ledger.policy(arnOf("billing-key"));
    if (stored === undefined) throw new Error("no policy");
    for (const name of names) await world.ledger.putPolicy({ ...stored, name, secretArn: arnOf(name) });
    const { answer } = await world.send(
      { command: "apply", files: [{ path: "rekey.yml", data: parse(file("")) }], prune: true },
      ADA,
    );
    expect(answer).toMatchObject({ outcome: "refused", reason: "PolicyInvalid" });
    expect(answer["detail"]).toContain(`at most ${weakeningsMax}`);
  });
});

test("pruning a secret waits for a second person, and an apply that only leaves it does not", async () => {
  const { world } = await plainStory();
  const files = [{ path: "rekey.yml", data: parse(fileWith({ secrets: { "billing-key": "" } })) }];
  expect((await world.send({ command: "apply", files }, ADA)).answer.outcome).toBe("applied");
  const { answer } = await world.send({ command: "apply", files, prune: true }, ADA);
  expect(answer).toMatchObject({ outcome: "pending", what: { "search-key policy": "removed" } });
  expect(await world.ledger.policies()).toHaveLength(2);
  expect((await approveAs(world, answer["order"])).answer).toMatchObject({ outcome: "applied" });
  expect((await world.ledger.policies()).map(({ name }) => name)).toEqual(["billing-key"]);
});

describe("alone", () => {
  test("one may stop containment for four hours: everybody is paged, and the sweep lifts it", async () => {
    const { world, pages } = await plainStory();
    const stop = {
      command: "stop",
      all: true,
      includingIncidents: true,
      alone: true,
      reason: "a wrong alert",
    };

    const { answer } = await world.send(stop, ADA);

    expect(answer).toMatchObject({
      outcome: "stopped",
      alone: true,
      paged: ["sns"],
      untilMs: NOON_MS + 4 * hourMs,
    });
    expect(pages.at(-1)).toMatchObject({ reason: "alone", severity: "page" });
    expect(pages.at(-1)?.why).toContain(`${ADA} ordered`);
    await sweep.run({ time: NOON_MS + 4 * hourMs - 1 }, world.deps);
    expect(await world.ledger.stops()).toMatchObject([{ untilMs: NOON_MS + 4 * hourMs }]);
    await sweep.run({ time: NOON_MS + 4 * hourMs }, world.deps);
    expect(await world.ledger.stops()).toEqual([]);
  });

  test("one may contain: it is marked in the record, and pages everybody", async () => {
    const { world, incidentId, only, pages } = await incidentStory({ plan: "switch-first" });
    const order = { command: "incident-contain-now", incident: incidentId, reason: "in use by a stranger" };
    expect((await world.send(order, ADA)).answer).toMatchObject({ outcome: "ordered", alone: true });
    expect((await only()).containNow).toMatchObject({ by: ADA, alone: true });
    expect((await only()).pages.at(-1)).toMatchObject({ reason: "alone" });
    expect(pages.at(-1)?.reason).toBe("alone");
  });

  test("one may hold, and the hold says so", async () => {
    const { world, pages } = await plainStory();
    await world.send({ command: "hold", secret: "billing-key", reason: "look first" }, ADA);
    expect((await world.ledger.secret(arnOf("billing-key"))).hold).toMatchObject({ alone: true });
    expect(pages).toHaveLength(1);
  });

  test("without a second person nobody is paged where the deployment says off", async () => {
    const { world, pages } = await newWorld();
    await world.send({ command: "stop", all: true, reason: "x" }, ADA);
    expect(pages).toEqual([]);
    expect(await world.ledger.stops()).toMatchObject([{ by: ADA }]);
    expect((await world.ledger.stops())[0]?.untilMs).toBeUndefined();
  });
});

describe("rekey", () => {
  test("says that an order waits, lists it, shows it and confirms it", async () => {
    const { world, incidentId } = await incidentStory();
    const as = (who: string) => {
      const send = (body: unknown) => world.send(body, who);
      return (line: string, options?: CliOptions) => rekey({ ...world, send }, line, options);
    };
    const waiting = await as(ADA)(
      `incident waive ${incidentId} --reason 'by phone'`.replaceAll("'by phone'", "phoned"),
    );
    expect(waiting.code).toBe(1);
    expect(waiting.out).toContain("nothing was done yet: this needs a second person");
    const order = /rekey approve (o-\w+)/.exec(waiting.out)?.[1] ?? "";

    expect((await as(EVE)("approve")).out).toContain(order);
    const shown = await as(EVE)(`approve ${order}`);
    expect(shown.out).toContain("waive: Rekey stops working on a key that is not proven dead");
    const next = /rekey (approve o-\w+ --digest \w+)/.exec(shown.out)?.[1] ?? "";
    const done = await as(EVE)(next);
    expect([done.code, done.out]).toEqual([
      0,
      `${order} (incident-waive) is approved, and done: waived\n`.trim(),
    ]);
    expect((await as(EVE)(next)).err).toContain("was approved by");
  });
});
