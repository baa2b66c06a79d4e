import type { AccountBudget } from "../../../core/provider-account.ts";
import type { Fault } from "../../../providers/fake-faults.ts";
import { secretArnOf } from "../../simulation/world/account.ts";
import type { BoundaryCall } from "../../simulation/world/surroundings.ts";
import type { World } from "../../simulation/world/world.ts";
import { calls, crash, open, type Story, type StoryOptions } from "./story.ts";

const names = ["billing-key", "search-key", "shop-key", "mail-key", "chat-key", "docs-key"];

/** Several secrets of one account under this budget, which nobody reads. */
async function fleet(budget: AccountBudget, options: StoryOptions & { readonly size?: number } = {}) {
  const story = await open({
    consumers: [],
    ...options,
    policy: { consumers: "none", quietMs: 0, signals: [] },
  });
  const { world } = story;
  const arns = names.slice(0, options.size ?? names.length).map(secretArnOf);
  for (const [index, secretArn] of arns.entries()) {
    const name = names[index] ?? "";
    const given = { name, consumers: [], policy: { consumers: "none", quietMs: 0, signals: [] } } as const;
    const policy = index === 0 ? await world.ledger.policy(secretArn) : await world.secret(given);
    if (policy !== undefined)
      await world.ledger.putPolicy({ ...policy, provider: { ...policy.provider, budget } });
  }
  const called: number[] = [];
  story.before(
    ({ port }) => port === "provider",
    () => called.push(world.time.nowMs()),
    Number.POSITIVE_INFINITY,
  );
  return { story, world, arns, called };
}

/** All at the same instant. */
async function rotateAll({ story, world, arns }: Awaited<ReturnType<typeof fleet>>) {
  const runs = arns.map((arn) => world.start(arn));
  const ends = await Promise.all(runs.map((run) => story.finish(run)));
  return { runs, ends };
}

function mostIn(times: readonly number[], windowMs: number): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length));
}

test("rotations at once stay within the account's calls per minute, and all of them get through", async () => {
  const callsPerMinute = 20;
  const many = await fleet({ callsPerMinute });
  const { ends } = await rotateAll(many);

  expect(ends.map(({ status }) => status)).toEqual(many.arns.map(() => "SUCCEEDED"));
  expect(mostIn(many.called, 60_000)).toBeLessThanOrEqual(callsPerMinute);
  expect(many.called.length).toBeGreaterThan(callsPerMinute);
});

test("rotations that are due together begin in their order, and none is refused for the budget at its start", async () => {
  const many = await fleet({ callsPerMinute: 40 });
  const { runs } = await rotateAll(many);
  const { story } = many;
  const [first, ...others] = runs.map((run) => story.path(run));

  expect(first?.slice(0, 2)).toEqual(["OpenRotation", "MintKey"]);
  for (const path of others) expect(path.slice(0, 3)).toEqual(["OpenRotation", "AwaitTurn", "OpenInTurn"]);
  const begun = runs.slice(1).map((run) => story.firstAt(run, "OpenInTurn"));
  expect(begun).toEqual(begun.toSorted((a, b) => a - b));
  expect(new Set(begun).size).toBe(begun.length);
});

describe("a rotation that waits for its turn", () => {
  /** The account's turns are taken for ten minutes. */
  async function waiting() {
    const many = await fleet({ callsPerMinute: 40 }, { size: 1 });
    const { story, world, arns } = many;
    const turnMs = world.time.nowMs() + 600_000;
    await world.ledger.changeAccount("openai-main", () => ({ turnsUntilMs: turnMs }));
    const run = world.start(arns[0] ?? "");
    await story.reaches(run, "AwaitTurn");
    return { ...many, run, arn: arns[0] ?? "", turnMs };
  }

  test("holds nothing, and begins when the turn has come", async () => {
    const { story, world, run, arn, turnMs, called } = await waiting();
    const waitingFor = await world.ledger.secret(arn);
    expect(waitingFor).not.toHaveProperty("lease");
    expect(waitingFor.turn).toMatchObject({ rotationId: run.rotationId, account: "openai-main" });
    expect(Math.abs((waitingFor.turn?.atMs ?? 0) - turnMs)).toBeLessThan(61_000);
    await story.finish(run);
    expect(run.outcome?.status).toBe("SUCCEEDED");
    expect(called[0]).toBeGreaterThanOrEqual(turnMs);
  });

  test("is skipped when the secret is held meanwhile", async () => {
    const { story, run, called } = await waiting();
    await story.command({ command: "hold", secret: "billing-key", reason: "release day" });
    await story.finish(run);
    expect(story.path(run).slice(-2)).toEqual(["OpenInTurn", "Skipped"]);
    expect(called).toEqual([]);
  });

  test("is skipped when another run had the secret meanwhile: the incident of a leak waits for no turn", async () => {
    const { story, world, run, arn, turnMs } = await waiting();
    await leak(story, world);
    expect(world.time.nowMs()).toBeLessThan(turnMs);
    expect(world.provider.state()[0]?.isAccepted).toBe(false);
    await story.finish(run);
    expect(story.path(run).slice(-2)).toEqual(["OpenInTurn", "Skipped"]);
    expect(await world.ledger.rotation(arn, run.rotationId)).toMatchObject({
      reason: expect.stringContaining("another run had the secret"),
    });
  });

  test("costs one turn when its function dies before it is told", async () => {
    const { story, world, arns } = await fleet({ callsPerMinute: 40 }, { size: 1 });
    story.after(calls.writes("ACCOUNT"), crash);
    const run = world.start(arns[0] ?? "");
    await story.finish(run);
    expect(story.path(run).slice(0, 3)).toEqual(["OpenRotation; Lambda.Unknown", "AwaitTurn", "OpenInTurn"]);
    expect(run.outcome?.status).toBe("SUCCEEDED");
  });
});

test("a rotation makes no key while as many others do as the account's budget says, and leaves nothing behind", async () => {
  const { story, world, arns } = await fleet({ mintsAtOnce: 1 }, { size: 1 });
  const freeMs = world.time.nowMs() + 80_000;
  await world.ledger.changeAccount("openai-main", () => ({ mints: [{ runId: "another", untilMs: freeMs }] }));
  const run = world.start(arns[0] ?? "");
  await story.finish(run);

  expect(story.path(run)[1]).toMatch(/^MintKey; AccountBusy/);
  expect(story.firstAt(run, "ProveIncoming")).toBeGreaterThanOrEqual(freeMs);
  expect(await story.ending(run)).toMatchObject({ run: "SUCCEEDED: rotated", works: ["k2"] });
  const { mints } = await world.ledger.changeAccount("openai-main", (use) => use);
  expect(mints).toEqual([]);
});

test("a Retry-After that one rotation is given is waited out by the others", async () => {
  const isThrottled = (call: { readonly nth: number }): Fault | undefined =>
    call.nth === 1 ? { kind: "throttled", retryAfterS: 120 } : undefined;
  const many = await fleet({}, { size: 2, provider: { faults: isThrottled } });
  const { story, world, arns, called } = many;
  const [first = "", second = ""] = arns;
  const run = world.start(first);
  await story.reaches(run, "OpenRotation");
  await world.time.advance(2_000);
  const later = world.start(second);
  await Promise.all([story.finish(run), story.finish(later)]);

  expect(story.path(later)[0]).toMatch(/^OpenRotation; AccountBusy/);
  expect([run.outcome?.status, later.outcome?.status]).toEqual(["SUCCEEDED", "SUCCEEDED"]);
  const [at = 0, next = 0] = called;
  expect(next - at).toBeGreaterThanOrEqual(120_000);
});

const refused: Fault = { kind: "answer", status: 403, code: "insufficient_permissions" };

test("an account that fails three times in a row is stopped, and says why; a leaked key is contained all the same", async () => {
  let isDown = true;
  const faults = ({ operation }: { readonly operation: string }) =>
    isDown && operation === "mint" ? refused : undefined;
  const many = await fleet({ failuresInARow: 3 }, { provider: { faults } });
  const { story, world, arns } = many;
  for (const arn of arns.slice(0, 3)) await story.finish(world.start(arn));

  const [stop] = await world.ledger.stops();
  expect(stop).toMatchObject({ scope: "provider/openai-main", by: "rekey", includingIncidents: false });
  expect(stop?.reason).toBe(
    "3 rotations in a row failed at the provider: WrongProject, WrongProject, WrongProject",
  );

  const parked = world.start(arns[3] ?? "");
  await story.finish(parked);
  const known = await world.ledger.rotation(arns[3] ?? "", parked.rotationId);
  expect(known).toMatchObject({
    outcome: "skipped",
    reason: expect.stringContaining("by rekey: 3 rotations"),
  });

  isDown = false;
  await leak(story, world);
  expect(world.provider.state()[0]?.isAccepted).toBe(false);

  await story.command({ command: "resume", provider: "openai-main" });
  const after = world.start(arns[3] ?? "");
  await story.finish(after);
  expect(after.outcome?.status).toBe("SUCCEEDED");
});

async function leak(story: Story, world: World): Promise<void> {
  const { fingerprint } = story.retiring();
  await world.compromise({ identity: { kind: "fingerprint", values: [fingerprint] } });
}

test("a rotation that gets through ends the row of failures", async () => {
  let isDown = true;
  const faults = ({ operation }: { readonly operation: string }) =>
    isDown && operation === "mint" ? refused : undefined;
  const { story, world, arns } = await fleet({ failuresInARow: 3 }, { provider: { faults } });
  for (const arn of arns.slice(0, 2)) await story.finish(world.start(arn));
  isDown = false;
  await story.finish(world.start(arns[2] ?? ""));
  isDown = true;
  for (const arn of arns.slice(3, 5)) await story.finish(world.start(arn));

  expect(await world.ledger.stops()).toEqual([]);
  expect((await world.ledger.accountFailures("openai-main"))?.runs).toHaveLength(2);
});

test("an incident's calls wait neither for the budget nor for a Retry-After of the account", async () => {
  const { story, world } = await fleet({ callsPerMinute: 1, mintsAtOnce: 1 }, { size: 1 });
  const busyUntil = world.time.nowMs() + 4 * 60_000;
  await world.ledger.changeAccount("openai-main", () => ({
    ...{ paidUntilMs: { minute: busyUntil }, pausedUntilMs: busyUntil },
    mints: [{ runId: "another", untilMs: world.time.nowMs() + 80_000 }],
  }));
  const begunMs = world.time.nowMs();
  let deletedMs = 0;
  story.before(calls.delete, () => {
    deletedMs = world.time.nowMs();
  });
  await leak(story, world);

  expect(deletedMs - begunMs).toBeLessThan(60_000);
  expect(world.provider.state().filter(({ isAccepted }) => isAccepted)).toHaveLength(1);
});

describe("six keys of one account that leaked together", () => {
  /** All reported at the same instant, by one campaign or each alone. */
  async function leakAll(campaignId?: string, options: Parameters<typeof fleet>[1] = {}) {
    const many = await fleet({ callsPerSecond: 3 }, options);
    const { story, world, arns, called } = many;
    const secrets = await Promise.all(arns.map((arn) => world.ledger.secret(arn)));
    // Their first step begins again when the incidents are known to be the campaign's.
    const opens = ({ invocation }: BoundaryCall) => invocation.functionName === "open-incident";
    story.before(opens, crash, arns.length);
    const runs = await world.time.run(
      Promise.all(
        secrets.map(async ({ keys: [key] }) => {
          const values = [key?.fingerprint ?? ""];
          const alert = { identity: { kind: "fingerprint" as const, values }, exposure: "private" as const };
          const [run] = await world.raise(alert);
          if (run === undefined) throw new Error("the alert started nothing");
          if (campaignId !== undefined)
            await world.ledger.incidents.changeIncident(String(run.input["incidentId"]), (now) => ({
              ...now,
              campaignId,
              planAsked: { by: "ada", reason: "breach", atMs: now.receivedAtMs, plan: "switch-first" },
            }));
          return run;
        }),
      ),
    );
    await Promise.all(runs.map((run) => story.finish(run)));
    const records = await Promise.all(runs.map((run) => world.incidentOf(run)));
    return { world, called, records };
  }

  test("are contained within the account's budget where a campaign reported them", async () => {
    const { world, called, records } = await leakAll("c-1");
    expect(records.map(({ status }) => status)).toEqual(records.map(() => "closed"));
    for (const { keys, deadlineAtMs } of records)
      expect(keys.map(({ deadAtMs = Number.NaN }) => deadAtMs < deadlineAtMs)).toEqual([true]);
    expect(mostIn(called, 1_000)).toBeLessThanOrEqual(3);
    expect(world.provider.state().filter(({ isAccepted }) => isAccepted)).toHaveLength(6);
  });

  test("are replaced all the same where the provider cannot make the key for a while", async () => {
    let mints = 0;
    const down: Fault = { kind: "answer", status: 503, code: "unavailable" };
    const faults = ({ operation }: { readonly operation: string }) => {
      if (operation !== "mint") return undefined;
      mints += 1;
      return mints <= 10 ? down : undefined;
    };
    const { world, records } = await leakAll("c-1", { size: 1, provider: { faults } });
    const [{ status, timeline } = { status: "none", timeline: [] }] = records;
    expect(status).toBe("closed");
    expect(world.provider.state().filter(({ isAccepted }) => isAccepted)).toHaveLength(1);
    const failures = timeline.filter(({ what }) => what === "replacementFailed");
    expect(failures.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^MintOutcomeUnknown: .*503.*; the replacement begins again$/),
    ]);
  });

  test("wait for nobody where each was reported alone", async () => {
    const { called, records } = await leakAll();
    expect(records.map(({ status }) => status)).toEqual(records.map(() => "closed"));
    expect(mostIn(called, 1_000)).toBeGreaterThan(3);
  });
});
