import { type StandingCheck, standingChecks } from "../../../core/rotation/gate.ts";
import { bump, promotedRun } from "../../../core/rotation/secret-record.ts";
import { turnsMax } from "../../../core/rotation/wait.ts";
import type { ConsumerReport } from "../../../sdk/client/consumer-report.ts";
import { signerFor } from "../../../sdk/client/proof.ts";
import type { Run } from "../../simulation/world/step-functions.ts";
import type { BoundaryCall } from "../../simulation/world/surroundings.ts";
import { calls, open, type Story } from "./story.ts";

const halfAnHourMs = 30 * 60_000;

/** Adds a reason to wait, exactly as a developer would: one entry in the list. */
function withReason(check: StandingCheck): void {
  const list = standingChecks as unknown as StandingCheck[];
  list.push(check);
  removals.push(() => void list.splice(list.indexOf(check), 1));
}

const removals: (() => void)[] = [];

afterEach(() => {
  for (const remove of removals.splice(0)) remove();
});

const timesIn = (run: Run, state: string) =>
  run.history.filter((event) => event.state === state && /Entered$/.test(event.type)).length;

describe("a reason to wait that is added to the list", () => {
  test("keeps a run waiting until its deadline: it ends AdoptionOverdue, revokes nothing and does not spin", async () => {
    const story = await open({ policy: { overlapMs: halfAnHourMs } });
    withReason(() => ({ reason: "WindowClosed", detail: "revokes are allowed on Sundays only" }));

    const run = await story.rotate();

    expect(await story.ending(run)).toMatchObject({
      run: "FAILED NeedsHuman: needsHuman",
      owed: "promoted: AdoptionOverdue: blocked: WindowClosed: revokes are allowed on Sundays only",
      debts: ["RevokeOwed k1"],
      works: ["k1", "k2"],
    });
    expect(story.effects()).not.toContain("delete k1");
    expect(timesIn(run, "RevokeKey")).toBe(0);
    expect(timesIn(run, "QuarantineKey")).toBe(0);
    expect(timesIn(run, "CheckAdoption")).toBe(timesIn(run, "AwaitEvidence") + 1);
    expect(timesIn(run, "CheckAdoption")).toBeLessThan(700);
  });

  test("is asked by each arriving report and order: the run goes on as soon as it is gone", async () => {
    const story = await open({ policy: { overlapMs: halfAnHourMs } });
    let isClosed = true;
    withReason(() => (isClosed ? { reason: "WindowClosed", detail: "until later" } : undefined));
    const run = story.start();
    await story.reaches(run, "AwaitEvidence");
    await story.world.time.advance(10 * 60_000);
    expect(await story.gate(run)).toMatchObject({ blockers: ["WindowClosed: until later"] });

    isClosed = false;
    await story.finish(run);

    expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  });

  test("is asked once more before the revoke: what comes up after the check sends the run back to wait", async () => {
    const story = await open({ policy: { overlapMs: halfAnHourMs } });
    let isClosed = false;
    withReason(() => (isClosed ? { reason: "WindowClosed", detail: "from now on" } : undefined));
    const run = story.start();
    await story.reaches(run, "CheckAdoption");
    story.before(calls.of("revoke-key", "read"), () => {
      isClosed = true;
    });
    await story.finish(run);

    expect(story.refusals(run)).toEqual(["WindowClosed"]);
    expect(story.effects()).not.toContain("delete k1");
    expect(await story.ending(run)).toMatchObject({
      owed: "promoted: AdoptionOverdue: blocked: WindowClosed: from now on",
    });
  });
});

describe("a run that goes round without a wait", () => {
  /** Something else changes the record between the look and the write, every time. */
  function changeAtEachRevoke(story: Story, times: number): void {
    const { ledger } = story.world;
    const changed = new Set<number>();
    const work = async ({ invocation }: BoundaryCall) => {
      if (changed.has(invocation.id) || changed.size === times) return;
      changed.add(invocation.id);
      await ledger.changeSecret(story.secretArn, bump);
    };
    story.before(calls.of("revoke-key", "read"), work, 10_000);
  }

  test("stops with a reason, and the retiring key stays alive", async () => {
    const story = await open({ policy: { overlapMs: 24 * 3_600_000 } });
    changeAtEachRevoke(story, 10_000);

    const run = await story.rotate();

    expect(timesIn(run, "RevokeKey")).toBe(turnsMax + 1);
    expect(await story.ending(run)).toMatchObject({
      run: "FAILED NeedsHuman: needsHuman",
      owed: expect.stringMatching(
        /^promoted: NoProgress: the next step was refused 50 times without a wait .*DecideAgain/,
      ),
      debts: ["RevokeOwed k1"],
      works: ["k1", "k2"],
    });
    expect(story.effects()).not.toContain("delete k1");
  });

  test("is resumed with its turns forgotten", async () => {
    const story = await open({ policy: { overlapMs: 24 * 3_600_000 } });
    changeAtEachRevoke(story, turnsMax + 3);
    await story.rotate();

    const second = await story.rotate();

    expect(story.refusals(second)).toEqual(["DecideAgain", "DecideAgain"]);
    expect(await story.ending(second)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  });
});

describe("instances that come and go faster than the gate is asked", () => {
  const place = { environment: "production", account: "111122223333" };
  let nth = 0;

  /** As its client signs it; the key is that of the first or of the second version. */
  async function reports(
    story: Story,
    said: Partial<ConsumerReport>,
    key: "k1" | "k2" = "k2",
  ): Promise<void> {
    const run = promotedRun((await story.world.ledger.secret(story.secretArn)).run);
    const held = key === "k1" ? run?.retiring : run?.incoming;
    if (held === undefined) throw new Error("nothing was promoted");
    const { fingerprint, versionId } = held;
    const report: ConsumerReport = {
      ...({ schema: 1, kind: "client", consumer: "billing", secretArn: story.secretArn } as const),
      ...{ instance: "billing-new/1", uses: [], cause: "changed", sequence: 1, maxStaleMs: 900_000 },
      ...{ holds: { fingerprint, versionId }, sdk: "rekey-client/0.1.0", ...said },
    };
    const nowMs = story.world.time.nowMs();
    const detail = { ...report, proof: signerFor(story.textOf(key))(report, nowMs) };
    const event = { ...{ account: place.account, source: "rekey.consumer.billing" }, detail };
    const time = new Date(nowMs).toISOString();
    await story.world.invoke("record-evidence", {
      environment: place.environment,
      event: { ...event, time },
    });
  }

  /** After the evidence was read: AWSCURRENT is the last thing that the look asks for. */
  const atEachLook = (story: Story, work: () => Promise<void>, times = 10_000) => {
    const isLast = (call: BoundaryCall) =>
      calls.of("revoke-key", "read")(call) && JSON.stringify(call.given).includes(story.secretArn);
    story.before(isLast, work, times);
  };

  const day = { policy: { overlapMs: 24 * 3_600_000 }, consumers: [{ name: "billing", instances: 2 }] };

  test("hold up no revoke, while they hold the incoming key", async () => {
    const story = await open(day);
    atEachLook(story, async () => {
      nth += 1;
      await reports(story, { instance: `billing-new/${nth}` });
      await reports(story, { instance: `billing-new/${nth}`, sequence: 2, cause: "stopping" });
    });
    const run = await story.rotate();

    // The first one takes off the wait that had ended by itself.
    expect(story.refusals(run)).toEqual(["DecideAgain"]);
    expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  });

  test.each<[string, Partial<ConsumerReport>, "k1" | "k2"]>([
    ["holds the retiring key", {}, "k1"],
    [
      "has used the retiring key",
      { uses: [{ fingerprint: "", lastSuccessAgoMs: 10, lastRefusalAgoMs: null }] },
      "k2",
    ],
  ])("hold it up, if one of them %s", async (_what, said, key) => {
    const story = await open(day);
    const run = story.start();
    await story.reaches(run, "CheckAdoption");
    const retiring = promotedRun((await story.world.ledger.secret(story.secretArn)).run)?.retiring;
    const uses = said.uses?.map((use) => ({ ...use, fingerprint: retiring?.fingerprint ?? "" })) ?? [];
    atEachLook(story, () => reports(story, { ...said, uses }, key), 1);
    await story.reaches(run, "RevokeKey");
    await story.reaches(run, "CheckAdoption", 2);

    expect(story.refusals(run)).toEqual(["DecideAgain"]);
    expect(story.effects()).not.toContain("delete k1");
  });

  test("hold it up, if the last one ends", async () => {
    const story = await open(day);
    const run = story.start();
    await story.reaches(run, "CheckAdoption");
    const ends = async () => {
      for (const { id } of story.instances("billing"))
        await reports(story, { instance: id, sequence: 500, cause: "stopping" });
    };
    atEachLook(story, ends, 1);
    await story.reaches(run, "RevokeKey");
    await story.reaches(run, "CheckAdoption", 2);

    expect(story.refusals(run)).toEqual(["DecideAgain"]);
    expect(story.effects()).not.toContain("delete k1");
  });
});
