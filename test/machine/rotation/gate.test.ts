import { type StandingCheck, standingChecks } from "../../../core/rotation/gate.ts";
import { bump } from "../../../core/rotation/secret-record.ts";
import { turnsMax } from "../../../core/rotation/wait.ts";
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
