import type { Executions } from "../../core/ports.ts";
import type { BreaksOff } from "./broken-line.ts";

/** Executions of both machines whose functions do what their run's trigger says, and nothing else. */
export interface ExecutionsWorld {
  readonly executions: Executions;
  /** How often the machine's first function was called in a run of this name. */
  opened(name: string): number;
  /** The token of the run's wait for a key, once its function has it. */
  tokenOf(name: string): Promise<string>;
  /** How an execution ended, once it has. */
  ended(executionArn: string): Promise<Ended>;
  breakNext(when: BreaksOff): void;
  close(): Promise<void>;
}

export interface Ended {
  readonly status: string;
  /** The run's whole state, where it succeeded. */
  readonly output: unknown;
}

export interface Triggered {
  readonly rotationId: string;
  readonly trigger: string;
}

/** What the triggers of this contract make a rotation do. */
export const triggers = {
  waits: "waits until it is called back",
  skips: "ends at once",
  callsBack: "is called back before its function has answered",
} as const;

const secretArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing-FAKE00";
const unknownArn = "arn:aws:states:eu-west-1:111122223333:execution:rekey-rotation:never-started";
const staged = { outcome: "staged", keyId: "key_FAKE1", labels: ["AWSPENDING"] };
const unavailable = { name: "StoreUnavailable", retry: "later" };
const refusedForGood = { name: "InputInvalid", retry: "never" };
/** Step Functions carries no more in an input or an output. */
const payloadBytesMax = 262_144;

/** What every Step Functions does for the functions, whoever runs the machines. */
export function executionsContract(open: () => Promise<ExecutionsWorld>): void {
  let world: ExecutionsWorld;
  beforeEach(async () => {
    world = await open();
  });
  afterEach(() => world.close());

  describe("starting", () => startingCases(() => world));
  describe("describing and stopping", () => endingCases(() => world));
  describe("calling back", () => callbackCases(() => world));
  describe("a line that breaks off", () => brokenCases(() => world));
}

function runOf(name: string, trigger: string = triggers.waits) {
  return { machine: "rotation" as const, name, input: { secretArn, trigger } };
}

/** A run that waits for its key, and the token that ends its wait. */
async function waiting({ executions, tokenOf }: ExecutionsWorld, name = "r-1") {
  const { executionArn } = await executions.start(runOf(name));
  return { executionArn, token: await tokenOf(name) };
}

function startingCases(world: () => ExecutionsWorld): void {
  test("a start opens one execution, which the machine calls by its name", async () => {
    const { executions, opened, ended } = world();

    const started = await executions.start(runOf("r-1", triggers.skips));

    expect(started).toEqual({ outcome: "started", executionArn: expect.stringMatching(/:r-1$/) });
    expect(await ended(started.executionArn)).toMatchObject({
      status: "SUCCEEDED",
      output: { secretArn, trigger: triggers.skips },
    });
    expect(opened("r-1")).toBe(1);
  });

  test("the same start again while it runs is that execution", async () => {
    const { executions, opened } = world();
    const { executionArn } = await waiting(world());

    expect(await executions.start(runOf("r-1"))).toEqual({ outcome: "started", executionArn });
    expect(opened("r-1")).toBe(1);
  });

  test("its name with another input starts nothing", async () => {
    const { executions, opened } = world();
    const { executionArn } = await waiting(world());

    const second = await executions.start(runOf("r-1", triggers.skips));

    expect(second).toEqual({ outcome: "alreadyStarted", executionArn });
    expect(await executions.describe(executionArn)).toEqual({ status: "RUNNING" });
    expect(opened("r-1")).toBe(1);
  });

  test("the same start after its end starts nothing", async () => {
    const { executions, opened, ended } = world();
    const { executionArn } = await executions.start(runOf("r-1", triggers.skips));
    await ended(executionArn);

    const again = await executions.start(runOf("r-1", triggers.skips));

    expect(again).toEqual({ outcome: "alreadyStarted", executionArn });
    expect(opened("r-1")).toBe(1);
  });

  test("each machine has names of its own", async () => {
    const { executions, opened } = world();
    const { executionArn } = await waiting(world(), "i-1");

    const other = await executions.start({
      ...{ machine: "compromise", name: "i-1" },
      input: { incidentId: "i-1" },
    });

    expect(other.outcome).toBe("started");
    expect(other.executionArn).not.toBe(executionArn);
    expect(opened("i-1")).toBe(1);
  });

  test("changing the input after the start changes nothing for the run, and what JSON does not carry is not in it", async () => {
    const { executions, tokenOf, ended } = world();
    const input = { ...runOf("r-1").input, keys: ["k1"], gone: undefined };
    const starting = executions.start({ ...runOf("r-1"), input });
    input.keys.push("k2");
    const { executionArn } = await starting;

    await executions.succeed(await tokenOf("r-1"), staged);

    const { output } = await ended(executionArn);
    expect(output).toMatchObject({ keys: ["k1"] });
    expect(Object.keys(output as object)).not.toContain("gone");
  });

  test.each([
    ["no name", ""],
    ["a name over 80 characters", "r".repeat(81)],
    ["a name with a colon", "r:1"],
    ["a name with a space", "r 1"],
  ])("a start with %s is refused for good", async (_, name) => {
    await expect(world().executions.start(runOf(name))).rejects.toMatchObject(refusedForGood);
  });

  test("a start with more input than a machine carries is refused for good", async () => {
    const { executions, opened } = world();
    const start = executions.start(runOf("r-1", "é".repeat(payloadBytesMax / 2)));

    await expect(start).rejects.toMatchObject(refusedForGood);
    expect(opened("r-1")).toBe(0);
  });
}

function endingCases(world: () => ExecutionsWorld): void {
  test("an execution that nobody started is UNKNOWN", async () => {
    expect(await world().executions.describe(unknownArn)).toEqual({ status: "UNKNOWN" });
  });

  test("one at work is RUNNING, and one that is done says how it ended", async () => {
    const { executions, ended } = world();
    const { executionArn } = await waiting(world());
    const skipped = await executions.start(runOf("r-2", triggers.skips));
    const failed = await executions.start({ machine: "compromise", name: "i-1", input: { incidentId: "i" } });
    await ended(skipped.executionArn);
    await ended(failed.executionArn);

    expect(await executions.describe(executionArn)).toEqual({ status: "RUNNING" });
    expect(await executions.describe(skipped.executionArn)).toEqual({ status: "SUCCEEDED" });
    expect(await executions.describe(failed.executionArn)).toEqual({ status: "FAILED" });
  });

  test("a stop ends it at once, and the machine does nothing more", async () => {
    const { executions, ended } = world();
    const { executionArn, token } = await waiting(world());

    await executions.stop(executionArn, "asked");

    expect(await executions.describe(executionArn)).toEqual({ status: "ABORTED" });
    expect((await ended(executionArn)).status).toBe("ABORTED");
    expect(await executions.succeed(token, staged)).toBe("closed");
  });

  test("stopping what has ended, or was never there, changes nothing", async () => {
    const { executions, ended } = world();
    const { executionArn } = await executions.start(runOf("r-1", triggers.skips));
    await ended(executionArn);

    await executions.stop(executionArn, "too late");
    await executions.stop(unknownArn, "nobody is there");

    expect(await executions.describe(executionArn)).toEqual({ status: "SUCCEEDED" });
    expect(await executions.describe(unknownArn)).toEqual({ status: "UNKNOWN" });
  });
}

function callbackCases(world: () => ExecutionsWorld): void {
  test("a wait ends with what it was called back with, as it was then", async () => {
    const { executions, ended } = world();
    const { executionArn, token } = await waiting(world());
    const output = { ...staged, labels: ["AWSPENDING"] };
    const calling = executions.succeed(token, output);
    output.labels.push("AWSCURRENT");

    expect(await calling).toBe("ok");
    expect(await ended(executionArn)).toMatchObject({ status: "SUCCEEDED", output: { incoming: staged } });
  });

  test("a wait that is failed fails its state by that name", async () => {
    const { executions, ended } = world();
    const { executionArn, token } = await waiting(world());

    expect(await executions.fail(token, { error: "Superseded", cause: "taken over by i-1" })).toBe("ok");

    expect(await ended(executionArn)).toMatchObject({
      output: { failure: { Error: "Superseded", Cause: "taken over by i-1" } },
    });
  });

  test("a second callback, and one with a token that nobody issued, is closed and changes nothing", async () => {
    const { executions, ended } = world();
    const { executionArn, token } = await waiting(world());
    await executions.succeed(token, staged);

    expect(await executions.succeed(token, { outcome: "another" })).toBe("closed");
    expect(await executions.fail(token, { error: "Superseded", cause: "late" })).toBe("closed");
    expect(await executions.succeed("FAKE-token", staged)).toBe("closed");
    expect(await executions.fail("FAKE-token", { error: "Superseded", cause: "" })).toBe("closed");
    expect(await ended(executionArn)).toMatchObject({ output: { incoming: staged } });
  });

  test("a token ends its own run's wait and no other", async () => {
    const { executions, ended } = world();
    const [first, second] = [await waiting(world(), "r-1"), await waiting(world(), "r-2")];

    expect(await executions.succeed(second.token, staged)).toBe("ok");

    await ended(second.executionArn);
    expect(await executions.describe(first.executionArn)).toEqual({ status: "RUNNING" });
  });

  test("a function may call back before it has answered itself", async () => {
    const { executions, ended } = world();
    const { executionArn } = await executions.start(runOf("r-1", triggers.callsBack));

    expect(await ended(executionArn)).toMatchObject({ output: { incoming: { outcome: "staged" } } });
  });

  test("more output than a machine carries is refused for good, and the wait goes on", async () => {
    const { executions } = world();
    const { executionArn, token } = await waiting(world());
    const tooMuch = { outcome: "é".repeat(payloadBytesMax / 2) };

    await expect(executions.succeed(token, tooMuch)).rejects.toMatchObject(refusedForGood);
    expect(await executions.describe(executionArn)).toEqual({ status: "RUNNING" });
    expect(await executions.succeed(token, staged)).toBe("ok");
  });
}

function brokenCases(world: () => ExecutionsWorld): void {
  test("a start whose call was lost may be made later, and has started nothing", async () => {
    const { executions, opened, breakNext } = world();

    breakNext("before");
    await expect(executions.start(runOf("r-1"))).rejects.toMatchObject(unavailable);

    expect(opened("r-1")).toBe(0);
    expect((await executions.start(runOf("r-1"))).outcome).toBe("started");
  });

  test("a start whose answer was lost is made again and is one execution", async () => {
    const { executions, tokenOf, opened, breakNext } = world();

    breakNext("after");
    await expect(executions.start(runOf("r-1"))).rejects.toMatchObject(unavailable);
    await executions.start(runOf("r-1"));

    await tokenOf("r-1");
    expect(opened("r-1")).toBe(1);
  });

  test("a callback whose answer was lost is made again and finds its task closed", async () => {
    const { executions, ended, breakNext } = world();
    const { executionArn, token } = await waiting(world());

    breakNext("after");
    await expect(executions.succeed(token, staged)).rejects.toMatchObject(unavailable);

    expect(await executions.succeed(token, staged)).toBe("closed");
    expect(await ended(executionArn)).toMatchObject({ output: { incoming: staged } });
  });

  test("a callback, a stop and a question that were lost leave the run as it is", async () => {
    const { executions, breakNext } = world();
    const { executionArn, token } = await waiting(world());
    const failure = { error: "Superseded", cause: "" };
    const calls = [
      () => executions.succeed(token, staged),
      () => executions.fail(token, failure),
      () => executions.stop(executionArn, "asked"),
      () => executions.describe(executionArn),
    ];
    for (const call of calls) {
      breakNext("before");
      await expect(call()).rejects.toMatchObject(unavailable);
    }

    expect(await executions.describe(executionArn)).toEqual({ status: "RUNNING" });
    expect(await executions.succeed(token, staged)).toBe("ok");
  });
}
