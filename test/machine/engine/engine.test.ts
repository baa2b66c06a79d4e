import { type JSONValue, loadMachine, TaskFailure } from "../../../local/aws/machine.ts";
import { inVirtualTime, invoke, start, type Work, wait } from "./run.ts";

describe("a task", () => {
  test("gets its parameters and hands its result on", async () => {
    const { execution, calls } = start(
      {
        A: { Type: "Task", Resource: invoke, Parameters: { FunctionName: "f", "Payload.$": "$" }, End: true },
      },
      { input: { secret: "s" }, work: () => ({ Payload: 1 }) },
    );
    expect(await execution.result).toEqual({ status: "SUCCEEDED", output: { Payload: 1 } });
    expect(calls[0]?.parameters).toEqual({ FunctionName: "f", Payload: { secret: "s" } });
  });

  test("fails with its error's name and a cause in Lambda's words", async () => {
    const { execution } = start(
      { A: { Type: "Task", Resource: invoke, End: true } },
      {
        work: () => {
          throw Object.assign(new Error("too many"), { name: "QuotaReached" });
        },
      },
    );
    expect(await execution.result).toEqual({
      status: "FAILED",
      error: "QuotaReached",
      cause: JSON.stringify({ errorType: "QuotaReached", errorMessage: "too many", trace: [] }),
    });
  });

  test("is caught by the literal name of its error, with a cause that can be parsed", async () => {
    const { execution } = start(
      {
        A: {
          Type: "Task",
          Resource: invoke,
          Catch: [{ ErrorEquals: ["KeyRejected"], ResultPath: "$.failure", Next: "B" }],
          End: true,
        },
        B: { Type: "Pass", Parameters: { "words.$": "States.StringToJson($.failure.Cause)" }, End: true },
      },
      {
        work: () => {
          throw Object.assign(new Error("401"), { name: "KeyRejected" });
        },
      },
    );
    expect(await execution.result).toMatchObject({ output: { words: { errorMessage: "401" } } });
  });

  test("reads TimeoutSecondsPath from the state's input, not from its parameters", () =>
    inVirtualTime(async (clock) => {
      const { execution, types } = start(
        {
          A: {
            ...wait,
            TimeoutSecondsPath: "$.waitSeconds",
            Catch: [{ ErrorEquals: ["States.Timeout"], Next: "B" }],
            End: true,
          },
          B: { Type: "Succeed" },
        },
        { input: { waitSeconds: 90 } },
      );
      await clock.pass(89_999);
      expect(types()).not.toContain("TaskTimedOut");
      await clock.pass(1);
      expect(await execution.result).toMatchObject({
        status: "SUCCEEDED",
        output: { Error: "States.Timeout", Cause: "" },
      });
      expect(types()).toContain("TaskTimedOut");
    }));

  test.each(["Retry", "Catch"])("whose %s names States.TaskFailed alone does not work here", (field) => {
    const task = {
      Type: "Task",
      Resource: invoke,
      [field]: [{ ErrorEquals: ["States.TaskFailed"], Next: "B" }],
    };
    const states = { A: { ...task, End: true }, B: { Type: "Succeed" } };
    expect(() => start(states)).toThrow("States.TaskFailed without States.Timeout beside it");
  });

  test("whose TimeoutSecondsPath leads to no number fails the execution without being called", async () => {
    const { execution, calls } = start(
      {
        A: {
          ...wait,
          TimeoutSecondsPath: "$.waitSeconds",
          Catch: [{ ErrorEquals: ["States.ALL"], Next: "B" }],
          Next: "B",
        },
        B: { Type: "Succeed" },
      },
      { input: { waitSeconds: "soon" } },
    );
    expect(await execution.result).toMatchObject({ status: "FAILED", error: "States.Runtime" });
    expect(calls).toEqual([]);
  });

  test("with a result over 256 KiB fails with States.DataLimitExceeded, which States.ALL does not catch", async () => {
    const { execution } = start(
      {
        A: { Type: "Task", Resource: invoke, Catch: [{ ErrorEquals: ["States.ALL"], Next: "B" }], Next: "B" },
        B: { Type: "Succeed" },
      },
      { work: () => "x".repeat(262_144) },
    );
    expect(await execution.result).toMatchObject({ status: "FAILED", error: "States.DataLimitExceeded" });
  });

  test("and is caught by its name, without another try", async () => {
    const { execution, calls } = start(
      {
        A: {
          ...{ Type: "Task", Resource: invoke, Next: "B" },
          Retry: [{ ErrorEquals: ["States.ALL"], MaxAttempts: 3 }],
          Catch: [{ ErrorEquals: ["States.DataLimitExceeded"], Next: "B" }],
        },
        B: { Type: "Succeed" },
      },
      { work: () => "x".repeat(262_144) },
    );
    expect(await execution.result).toMatchObject({
      ...{ status: "SUCCEEDED", output: { Error: "States.DataLimitExceeded" } },
    });
    expect(calls).toHaveLength(1);
  });

  test("that answers after its timeout changes nothing", () =>
    inVirtualTime(async (clock) => {
      const late = Promise.withResolvers<JSONValue>();
      const { execution, calls, types } = start(
        { A: { Type: "Task", Resource: invoke, TimeoutSeconds: 5, End: true } },
        { work: () => late.promise },
      );
      expect(await clock.end(execution)).toEqual({
        status: "FAILED",
        error: "States.Timeout",
      });
      expect(calls[0]?.signal.aborted).toBe(true);
      late.reject(new Error("late"));
      await clock.settle();
      expect(types().at(-1)).toBe("ExecutionFailed");
    }));
});

describe("a retry", () => {
  const flaky = {
    A: {
      Type: "Task",
      Resource: invoke,
      Retry: [{ ErrorEquals: ["Throttled"], IntervalSeconds: 2, MaxAttempts: 2, BackoffRate: 3 }],
      End: true,
    },
  };
  const throttled: Work = () => {
    throw new TaskFailure("Throttled", "slow down");
  };

  test("waits as its policy says and gives up after its last attempt", () =>
    inVirtualTime(async (clock) => {
      const from = Date.now();
      const { execution, events } = start(flaky, { work: throttled });
      expect(await clock.end(execution)).toEqual({
        status: "FAILED",
        error: "Throttled",
        cause: "slow down",
      });
      const scheduled = events.filter(({ type }) => type === "TaskScheduled");
      expect(scheduled.map(({ timestamp }) => timestamp - from)).toEqual([0, 2_000, 8_000]);
    }));

  test("is not followed by another call once the execution was stopped", () =>
    inVirtualTime(async (clock) => {
      const { execution, calls } = start(flaky, { work: throttled });
      await clock.pass(1_000);
      execution.stop("Brake", "by hand");
      expect(await execution.result).toEqual({ status: "ABORTED", error: "Brake", cause: "by hand" });
      await clock.pass(60_000);
      expect(calls).toHaveLength(1);
      expect(clock.pending()).toBe(0);
    }));
});

describe("a wait for a callback", () => {
  test("ends with the output that the token's holder sends", async () => {
    const { execution, calls } = start({ A: { ...wait, End: true } });
    await new Promise(setImmediate);
    expect(calls[0]).toMatchObject({ token: "t1", parameters: { token: "t1" } });
    expect(execution.waits("t1")).toBe("ok");
    expect(execution.sendTaskSuccess("t1", { done: true })).toBe("ok");
    expect(execution.sendTaskSuccess("t1", { done: true })).toBe("TaskTimedOut");
    expect(execution.sendTaskSuccess("t2", {})).toBe("InvalidToken");
    expect(await execution.result).toEqual({ status: "SUCCEEDED", output: { done: true } });
  });

  test("may end before the task that handed out its token returns", async () => {
    const { execution } = start(
      { A: { ...wait, End: true } },
      {
        work: ({ token = "" }) => {
          execution.sendTaskSuccess(token, "early");
          return "ignored";
        },
      },
    );
    expect(await execution.result).toEqual({ status: "SUCCEEDED", output: "early" });
  });

  test("fails with the error and cause that the token's holder sends", async () => {
    const { execution } = start({ A: { ...wait, End: true } });
    await new Promise(setImmediate);
    execution.sendTaskFailure("t1", { error: "Superseded", cause: "incident i-1" });
    expect(await execution.result).toEqual({ status: "FAILED", error: "Superseded", cause: "incident i-1" });
  });

  test("gets a new token for each attempt, the same wherever one attempt reads it", () =>
    inVirtualTime(async (clock) => {
      const Parameters = { "token.$": "$$.Task.Token", again: { "token.$": "$$.Task.Token" } };
      const { execution, calls } = start({
        A: { ...wait, Parameters, Retry: [{ ErrorEquals: ["Again"] }], End: true },
      });
      await clock.settle();
      execution.sendTaskFailure("t1", { error: "Again" });
      await clock.pass(1_000);
      expect(calls.map(({ parameters }) => parameters)).toEqual([
        { token: "t1", again: { token: "t1" } },
        { token: "t2", again: { token: "t2" } },
      ]);
      expect(execution.sendTaskSuccess("t1", {})).toBe("TaskTimedOut");
      expect(execution.sendTaskSuccess("t2", {})).toBe("ok");
      await execution.result;
    }));

  test("refuses its token after the execution was stopped", async () => {
    const { execution } = start({ A: { ...wait, End: true } });
    await new Promise(setImmediate);
    execution.stop();
    expect(execution.sendTaskSuccess("t1", {})).toBe("TaskTimedOut");
    expect(await execution.result).toEqual({ status: "ABORTED" });
  });
});

describe("what the engine would do otherwise than AWS is refused by name", () => {
  const started = "arn:aws:states:::states:startExecution";
  const iteration = { StartAt: "C", States: { C: { Type: "Succeed" } } };
  test.each<[string, object, RegExp]>([
    [
      "waiting for another execution",
      { Type: "Task", Resource: `${started}.sync`, End: true },
      /A: .*\.sync/,
    ],
    ["waiting for its output", { Type: "Task", Resource: `${started}.sync:2`, End: true }, /A: .*\.sync:2/],
    [
      "a Map that is distributed",
      {
        ...{ Type: "Map", End: true },
        ItemProcessor: { ...iteration, ProcessorConfig: { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" } },
      },
      /A: .*DISTRIBUTED/,
    ],
    [
      "the number of tries",
      { Type: "Pass", Parameters: { "tries.$": "$$.State.RetryCount" }, End: true },
      /A: \$\$\.State\.RetryCount/,
    ],
    [
      "an error that is computed",
      { Type: "Fail", ErrorPath: "States.Format('{}', $.error)" },
      /A: ErrorPath/,
    ],
  ])("%s", (_, state, message) => {
    expect(() => loadMachine({ StartAt: "A", States: { A: state } })).toThrow(message);
  });
});
