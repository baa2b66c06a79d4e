import { loadMachine, MachineInvalid } from "../../../local/aws/machine.ts";
import { inVirtualTime, invoke, start, startMachine, wait } from "./run.ts";

describe("the context object", () => {
  test("names the execution, the machine and the state", async () => {
    const { execution } = start({
      A: {
        Type: "Pass",
        Parameters: {
          "id.$": "$$.Execution.Id",
          "machine.$": "$$.StateMachine.Id",
          "machineName.$": "$$.StateMachine.Name",
          "state.$": "$$.State.Name",
          "told.$": "States.Format('{} in {}', $$.State.Name, $$.Execution.Name)",
        },
        End: true,
      },
    });
    expect((await execution.result).output).toEqual({
      id: "arn:aws:states:eu-west-1:111122223333:execution:rotation:r-1",
      machine: "arn:aws:states:eu-west-1:111122223333:stateMachine:rotation",
      machineName: "rotation",
      state: "A",
      told: "A in r-1",
    });
  });

  test("tells when the state was entered, on the global clock", () =>
    inVirtualTime(async (clock) => {
      const { execution } = start({
        W: { Type: "Wait", Seconds: 3600, Next: "A" },
        A: { Type: "Pass", Parameters: { "at.$": "$$.State.EnteredTime" }, End: true },
      });
      expect((await clock.end(execution)).output).toEqual({ at: "2026-01-01T01:00:00.000Z" });
    }));
});

describe("an execution", () => {
  test("records its events in AWS's order and words", async () => {
    const { execution, events } = start({ A: { ...wait, Next: "B" }, B: { Type: "Succeed" } });
    await new Promise(setImmediate);
    execution.sendTaskSuccess("t1", {});
    await execution.result;
    expect(events.map(({ id, previousId, type }) => `${previousId}-${id} ${type}`)).toEqual([
      "0-1 ExecutionStarted",
      "0-2 TaskStateEntered",
      "2-3 TaskScheduled",
      "3-4 TaskStarted",
      "4-5 TaskSubmitted",
      "5-6 TaskSucceeded",
      "6-7 TaskStateExited",
      "7-8 SucceedStateEntered",
      "8-9 SucceedStateExited",
      "9-10 ExecutionSucceeded",
    ]);
    expect(events[2]).toMatchObject({
      detail: { resourceType: "lambda", resource: "invoke.waitForTaskToken" },
    });
  });

  test("fails once its history is full", async () => {
    const { execution, events } = start({
      A: { Type: "Pass", Next: "B" },
      B: { Type: "Pass", Next: "C" },
      C: { Type: "Choice", Choices: [{ Variable: "$.end", IsPresent: true, Next: "D" }], Default: "A" },
      D: { Type: "Succeed" },
    });
    expect(await execution.result).toMatchObject({ status: "FAILED", error: "States.Runtime" });
    expect(events).toHaveLength(25_000);
    expect(events.at(-1)?.type).toBe("ExecutionFailed");
  });

  test("times out by the machine's own TimeoutSeconds and runs no state after it", () =>
    inVirtualTime(async (clock) => {
      const machine = loadMachine({
        StartAt: "A",
        TimeoutSeconds: 10,
        States: {
          A: { ...wait, Catch: [{ ErrorEquals: ["States.ALL"], Next: "B" }], Next: "B" },
          B: { Type: "Task", Resource: invoke, End: true },
        },
      });
      const { execution, calls } = startMachine(machine);
      expect(await clock.end(execution)).toEqual({ status: "TIMED_OUT", error: "States.Timeout" });
      await clock.settle();
      expect(calls.map(({ state }) => state)).toEqual(["A"]);
    }));

  test("ends a Fail state's way, with error and cause", async () => {
    const { execution } = start({ A: { Type: "Fail", Error: "NeedsHuman", Cause: "quota" } });
    expect(await execution.result).toEqual({ status: "FAILED", error: "NeedsHuman", cause: "quota" });
  });

  test("resumes at a given state", async () => {
    const { execution, calls } = start(
      { A: { Type: "Task", Resource: invoke, Next: "B" }, B: { Type: "Task", Resource: invoke, End: true } },
      {
        resume: { state: "B", input: { kept: 1 }, lastEventId: 7, redrives: 1 },
        work: ({ parameters }) => parameters,
      },
    );
    expect((await execution.result).output).toEqual({ kept: 1 });
    expect(calls.map(({ state }) => state)).toEqual(["B"]);
  });

  test("leaves no timer behind when it is stopped", () =>
    inVirtualTime(async (clock) => {
      const { execution } = start({
        P: {
          Type: "Parallel",
          Branches: [
            { StartAt: "A", States: { A: { ...wait, End: true } } },
            { StartAt: "W", States: { W: { Type: "Wait", Seconds: 500, End: true } } },
          ],
          End: true,
        },
      });
      await clock.settle();
      execution.stop();
      await clock.settle();
      expect(clock.pending()).toBe(0);
    }));
});

describe("loading a machine", () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a definition spells a substitution
  const placeholder = "${Fn}";
  const one = (state: object) => ({ StartAt: "A", States: { A: state } });

  test("puts substitutions in place and lists the tasks of every branch", () => {
    const machine = loadMachine(
      {
        StartAt: "P",
        States: {
          P: {
            Type: "Parallel",
            Branches: [one({ Type: "Task", Resource: placeholder, End: true })],
            End: true,
          },
        },
      },
      { Fn: "arn:aws:lambda:eu-west-1:111122223333:function:f" },
    );
    expect(machine.tasks).toEqual([
      {
        ...{ kind: "Task", name: "A", takesDataLimit: false },
        resource: "arn:aws:lambda:eu-west-1:111122223333:function:f",
      },
    ]);
  });

  test.each([
    ["a substitution that nobody gave", one({ Type: "Task", Resource: placeholder, End: true })],
    ["a state that leads nowhere", one({ Type: "Pass", Next: "B" })],
    ["JSONata, which the engine ignores", { ...one({ Type: "Pass", End: true }), QueryLanguage: "JSONata" }],
    [
      "HeartbeatSeconds, which the engine ignores",
      one({ Type: "Task", Resource: invoke, HeartbeatSeconds: 5, TimeoutSeconds: 60, End: true }),
    ],
    ["what is no object", "{}"],
  ])("refuses %s", (_, definition) => {
    expect(() => loadMachine(definition, {})).toThrow(MachineInvalid);
  });

  test("answers an equal definition with the same machine", () => {
    expect(loadMachine(one({ Type: "Succeed" }))).toBe(loadMachine(one({ Type: "Succeed" })));
  });
});
