import { TaskFailure } from "../../../local/aws/machine.ts";
import { inVirtualTime, invoke, start, type Work, wait } from "./run.ts";

describe("a Parallel state", () => {
  const parallel = (...branches: object[]) => ({
    P: {
      Type: "Parallel",
      Branches: branches.map((States) => ({ StartAt: Object.keys(States)[0], States })),
      Catch: [{ ErrorEquals: ["Stuck"], ResultPath: "$.failure", Next: "After" }],
      Next: "After",
    },
    After: { Type: "Pass", End: true },
  });

  test("hands on its branches' outputs in order", async () => {
    const { execution, types } = start(
      parallel(
        { A: { Type: "Pass", Result: 1, End: true } },
        { B: { Type: "Task", Resource: invoke, End: true } },
      ),
      { work: () => 2 },
    );
    expect(await execution.result).toEqual({ status: "SUCCEEDED", output: [1, 2] });
    expect(types()).toEqual(
      expect.arrayContaining(["ParallelStateEntered", "ParallelStateStarted", "ParallelStateExited"]),
    );
  });

  test("that fails in one branch ends the waits of the others and lets them call nothing more", () =>
    inVirtualTime(async (clock) => {
      const failing: Work = ({ state }) => {
        if (state === "Failing") throw new TaskFailure("Stuck", "");
        if (state === "Retrying") throw new TaskFailure("Throttled", "");
        return {};
      };
      const { execution, calls } = start(
        parallel(
          {
            Pause: { Type: "Wait", Seconds: 5, Next: "Failing" },
            Failing: { Type: "Task", Resource: invoke, End: true },
          },
          { Waiting: { ...wait, Next: "Never" }, Never: { Type: "Task", Resource: invoke, End: true } },
          {
            Retrying: {
              Type: "Task",
              Resource: invoke,
              Retry: [{ ErrorEquals: ["States.ALL"], IntervalSeconds: 60 }],
              End: true,
            },
          },
        ),
        { work: failing },
      );
      expect(await clock.end(execution)).toMatchObject({
        status: "SUCCEEDED",
        output: { failure: { Error: "Stuck" } },
      });
      expect(execution.sendTaskSuccess("t1", {})).toBe("TaskTimedOut");
      await clock.pass(120_000);
      expect(calls.map(({ state }) => state)).toEqual(["Waiting", "Retrying", "Failing"]);
      expect(clock.pending()).toBe(0);
    }));

  test("shows its branches the execution's own input and start", async () => {
    const show = {
      "input.$": "$$.Execution.Input",
      "name.$": "$$.Execution.Name",
      "at.$": "$$.Execution.StartTime",
    };
    const { execution } = start(parallel({ A: { Type: "Pass", Parameters: show, End: true } }), {
      input: { a: 1 },
      startedAt: 0,
    });
    expect((await execution.result).output).toEqual([
      { input: { a: 1 }, name: "r-1", at: "1970-01-01T00:00:00.000Z" },
    ]);
  });
});

describe("a Map state", () => {
  const mapping = (more: object, states: object = { A: { Type: "Task", Resource: invoke, End: true } }) => ({
    M: {
      Type: "Map",
      ItemsPath: "$.items",
      ...more,
      ItemProcessor: { StartAt: Object.keys(states)[0], States: states },
      End: true,
    },
  });

  test("gives every item to its states, shaped by ItemSelector", async () => {
    const ItemSelector = { "item.$": "$$.Map.Item.Value", "at.$": "$$.Map.Item.Index", "all.$": "$.all" };
    const { execution } = start(mapping({ ItemSelector }), {
      input: { items: ["a", "b"], all: true },
      work: ({ parameters }) => parameters,
    });
    expect((await execution.result).output).toEqual([
      { item: "a", at: 0, all: true },
      { item: "b", at: 1, all: true },
    ]);
  });

  test("runs no more items at a time than MaxConcurrency and none after a failure", async () => {
    const { execution, calls } = start(mapping({ MaxConcurrency: 1 }), {
      input: { items: [1, 2, 3] },
      work: ({ parameters }) => {
        if (parameters === 2) throw new TaskFailure("Bad", "two");
        return parameters;
      },
    });
    expect(await execution.result).toMatchObject({ status: "FAILED", error: "Bad" });
    expect(calls.map(({ parameters }) => parameters)).toEqual([1, 2]);
  });

  test("of no items gives an empty list", async () => {
    expect((await start(mapping({}), { input: { items: [] } }).execution.result).output).toEqual([]);
  });
});
