import assert from "node:assert/strict";
import {
  GetExecutionHistoryCommand,
  RedriveExecutionCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import type { Clients, ConformanceCase, Scratch } from "../case.ts";
import { ended, failAttempt, makeMachine, startExecution, tokenOf, waiting } from "../waiting.ts";

const service = "sfn";

/** Starts a machine that waits in A; what follows A is up to the case. */
async function startWaiting(
  clients: Clients,
  scratch: Scratch,
  {
    a = { End: true },
    more = {},
    input = "{}",
  }: { a?: object; more?: Record<string, object>; input?: string } = {},
): Promise<string> {
  const stateMachineArn = await makeMachine(clients, scratch, {
    states: { A: { ...waiting, ...a }, ...more },
  });
  return startExecution(clients, scratch, { stateMachineArn, input });
}

export const callbackCases: readonly ConformanceCase[] = [
  {
    service,
    name: "SendTaskSuccess ends the wait with its output",
    run: async (clients, scratch) => {
      const executionArn = await startWaiting(clients, scratch);
      const taskToken = await tokenOf(clients, scratch, executionArn);
      await clients.sfn.send(new SendTaskSuccessCommand({ taskToken, output: '{"done":true}' }));
      const { status, output } = await ended(clients, scratch, executionArn);
      assert.deepEqual({ status, output }, { status: "SUCCEEDED", output: '{"done":true}' });
    },
  },
  {
    service,
    name: "a second callback with the same token is TaskTimedOut",
    run: async (clients, scratch) => {
      const taskToken = await tokenOf(clients, scratch, await startWaiting(clients, scratch));
      await clients.sfn.send(new SendTaskSuccessCommand({ taskToken, output: "{}" }));
      const again = clients.sfn.send(new SendTaskSuccessCommand({ taskToken, output: "{}" }));
      await assert.rejects(again, { name: "TaskTimedOut" });
    },
  },
  {
    service,
    name: "a token that nobody issued is InvalidToken",
    run: async ({ sfn }) => {
      const send = sfn.send(new SendTaskSuccessCommand({ taskToken: "no-token", output: "{}" }));
      await assert.rejects(send, { name: "InvalidToken" });
    },
  },
  {
    service,
    name: "an output that is no JSON is InvalidOutput, and the task waits on",
    run: async (clients, scratch) => {
      const executionArn = await startWaiting(clients, scratch);
      const taskToken = await tokenOf(clients, scratch, executionArn);
      const send = clients.sfn.send(new SendTaskSuccessCommand({ taskToken, output: "{" }));
      await assert.rejects(send, { name: "InvalidOutput" });
      await clients.sfn.send(new SendTaskHeartbeatCommand({ taskToken }));
    },
  },
  {
    service,
    name: "SendTaskFailure fails the state with its error and cause, which a Catch sees",
    run: async (clients, scratch) => {
      const Catch = [{ ErrorEquals: ["Superseded"], ResultPath: "$.failure", Next: "B" }];
      const executionArn = await startWaiting(clients, scratch, {
        a: { Catch, Next: "B" },
        more: { B: { Type: "Pass", End: true } },
        input: '{"kept":1}',
      });
      const taskToken = await tokenOf(clients, scratch, executionArn);
      await clients.sfn.send(
        new SendTaskFailureCommand({ taskToken, error: "Superseded", cause: "incident" }),
      );
      const { output } = await ended(clients, scratch, executionArn);
      assert.deepEqual(JSON.parse(output ?? ""), {
        kept: 1,
        failure: { Error: "Superseded", Cause: "incident" },
      });
    },
  },
  {
    service,
    name: "a Retry matches an error by its literal name, issues a new token and gives up after MaxAttempts",
    run: async (clients, scratch) => {
      const Retry = [{ ErrorEquals: ["Throttled"], IntervalSeconds: 1, MaxAttempts: 1 }];
      const executionArn = await startWaiting(clients, scratch, { a: { Retry, End: true } });
      const first = await tokenOf(clients, scratch, executionArn);
      await failAttempt(clients, scratch, { executionArn, attempt: 1, error: "Throttled" });
      const second = await tokenOf(clients, scratch, executionArn, 2);
      assert.notEqual(second, first);
      await failAttempt(clients, scratch, { executionArn, attempt: 2, error: "Throttled" });
      const { status, error, cause } = await ended(clients, scratch, executionArn);
      assert.deepEqual(
        { status, error, cause },
        { status: "FAILED", error: "Throttled", cause: "attempt 2" },
      );
    },
  },
  {
    service,
    name: "a Retry does not match another error",
    run: async (clients, scratch) => {
      const Retry = [{ ErrorEquals: ["Throttled"], IntervalSeconds: 1 }];
      const executionArn = await startWaiting(clients, scratch, { a: { Retry, End: true } });
      await failAttempt(clients, scratch, { executionArn, attempt: 1, error: "QuotaReached" });
      assert.equal((await ended(clients, scratch, executionArn)).error, "QuotaReached");
    },
  },
  {
    service,
    name: "a wait ended by its timeout is States.Timeout, and its token TaskTimedOut",
    run: async (clients, scratch) => {
      const Catch = [{ ErrorEquals: ["States.Timeout"], ResultPath: "$.failure", Next: "B" }];
      const executionArn = await startWaiting(clients, scratch, {
        a: { TimeoutSeconds: 2, Catch, Next: "B" },
        more: { B: { Type: "Pass", End: true } },
      });
      const taskToken = await tokenOf(clients, scratch, executionArn);
      const { output } = await ended(clients, scratch, executionArn);
      assert.deepEqual(JSON.parse(output ?? "").failure, { Error: "States.Timeout", Cause: "" });
      const { events = [] } = await clients.sfn.send(new GetExecutionHistoryCommand({ executionArn }));
      assert.ok(events.some(({ type }) => type === "TaskTimedOut"));
      const send = clients.sfn.send(new SendTaskSuccessCommand({ taskToken, output: "{}" }));
      await assert.rejects(send, { name: "TaskTimedOut" });
    },
  },
  {
    service,
    name: "TimeoutSecondsPath is read from the state's input, not from its Parameters",
    run: async (clients, scratch) => {
      const { TimeoutSeconds, ...untimed } = waiting;
      const states = {
        A: {
          ...untimed,
          TimeoutSecondsPath: "$.waitSeconds",
          Catch: [{ ErrorEquals: ["States.Timeout"], Next: "B" }],
          Next: "Never",
        },
        B: { Type: "Pass", Result: "timed out", End: true },
        Never: { Type: "Fail" },
      };
      const stateMachineArn = await makeMachine(clients, scratch, { states });
      const executionArn = await startExecution(clients, scratch, {
        stateMachineArn,
        input: '{"waitSeconds":1}',
      });
      assert.equal((await ended(clients, scratch, executionArn)).output, '"timed out"');
    },
  },
  {
    service,
    name: "the token of a stopped execution is TaskTimedOut",
    run: async (clients, scratch) => {
      const executionArn = await startWaiting(clients, scratch);
      const taskToken = await tokenOf(clients, scratch, executionArn);
      await clients.sfn.send(new StopExecutionCommand({ executionArn }));
      const send = clients.sfn.send(new SendTaskSuccessCommand({ taskToken, output: "{}" }));
      await assert.rejects(send, { name: "TaskTimedOut" });
    },
  },
  {
    service,
    name: "a Parallel state that fails in one branch ends the waits of the others",
    run: async (clients, scratch) => {
      const failing = {
        StartAt: "W",
        States: { W: { Type: "Wait", Seconds: 2, Next: "F" }, F: { Type: "Fail", Error: "Stuck" } },
      };
      const held = { StartAt: "A", States: { A: { ...waiting, End: true } } };
      const Catch = [{ ErrorEquals: ["Stuck"], Next: "After" }];
      const states = {
        P: { Type: "Parallel", Branches: [failing, held], Catch, Next: "After" },
        After: { Type: "Pass", Result: "after", End: true },
      };
      const stateMachineArn = await makeMachine(clients, scratch, { states });
      const executionArn = await startExecution(clients, scratch, { stateMachineArn });
      const taskToken = await tokenOf(clients, scratch, executionArn);
      assert.equal((await ended(clients, scratch, executionArn)).output, '"after"');
      const send = clients.sfn.send(new SendTaskSuccessCommand({ taskToken, output: "{}" }));
      await assert.rejects(send, { name: "TaskTimedOut" });
    },
  },
  {
    service,
    name: "a redriven execution resumes at the state that failed, in the same history",
    run: async (clients, scratch) => {
      const stateMachineArn = await makeMachine(clients, scratch, {
        states: { First: { Type: "Pass", Result: "first", Next: "A" }, A: { ...waiting, End: true } },
      });
      const executionArn = await startExecution(clients, scratch, { stateMachineArn });
      await failAttempt(clients, scratch, { executionArn, attempt: 1, error: "Stuck" });
      await ended(clients, scratch, executionArn);
      await clients.sfn.send(new RedriveExecutionCommand({ executionArn }));
      const taskToken = await tokenOf(clients, scratch, executionArn, 2);
      await clients.sfn.send(new SendTaskSuccessCommand({ taskToken, output: '"done"' }));
      assert.equal((await ended(clients, scratch, executionArn)).output, '"done"');
      const { events = [] } = await clients.sfn.send(new GetExecutionHistoryCommand({ executionArn }));
      const types = events.map(({ type }) => type);
      assert.equal(types.filter((type) => type === "PassStateEntered").length, 1);
      assert.ok(types.indexOf("ExecutionRedriven") > types.indexOf("ExecutionFailed"));
    },
  },
];
