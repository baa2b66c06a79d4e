import assert from "node:assert/strict";
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  StartExecutionCommand,
  StopExecutionCommand,
  UpdateStateMachineCommand,
} from "@aws-sdk/client-sfn";
import type { ConformanceCase } from "../case.ts";
import { ended, makeMachine, startExecution, waiting } from "../waiting.ts";

const service = "sfn";
const passing = { A: { Type: "Pass", End: true } };
const running = { A: { ...waiting, End: true } };

export const stepFunctionsCases: readonly ConformanceCase[] = [
  {
    service,
    name: "the same name and input start one execution while it runs",
    run: async (clients, scratch) => {
      const stateMachineArn = await makeMachine(clients, scratch, { states: running });
      const request = { stateMachineArn, name: "r-1", input: '{"a":1}' };
      const first = await startExecution(clients, scratch, request);
      assert.equal(await startExecution(clients, scratch, request), first);
    },
  },
  {
    service,
    name: "the same name with another input is refused while it runs",
    run: async (clients, scratch) => {
      const stateMachineArn = await makeMachine(clients, scratch, { states: running });
      await startExecution(clients, scratch, { stateMachineArn, name: "r-1", input: '{"a":1}' });
      const again = clients.sfn.send(
        new StartExecutionCommand({ stateMachineArn, name: "r-1", input: '{"a": 1}' }),
      );
      await assert.rejects(again, { name: "ExecutionAlreadyExists" });
    },
  },
  {
    service,
    name: "the same name is refused after the execution has ended, even with the same input",
    run: async (clients, scratch) => {
      const stateMachineArn = await makeMachine(clients, scratch, { states: passing });
      const request = { stateMachineArn, name: "r-1", input: "{}" };
      await ended(clients, scratch, await startExecution(clients, scratch, request));
      await assert.rejects(clients.sfn.send(new StartExecutionCommand(request)), {
        name: "ExecutionAlreadyExists",
      });
    },
  },
  ...["two words", "a:b", "a/b", "a<b", "a*", "x".repeat(81)].map(
    (name): ConformanceCase => ({
      service,
      name: `an execution cannot be named ${name.length > 80 ? "with 81 characters" : JSON.stringify(name)}`,
      run: async (clients, scratch) => {
        const stateMachineArn = await makeMachine(clients, scratch, { states: passing });
        const start = clients.sfn.send(new StartExecutionCommand({ stateMachineArn, name }));
        await assert.rejects(
          start,
          ({ name: code }: Error) => code === "InvalidName" || code === "ValidationException",
        );
      },
    }),
  ),
  {
    service,
    name: "an input that is no JSON is refused",
    run: async (clients, scratch) => {
      const stateMachineArn = await makeMachine(clients, scratch, { states: passing });
      const start = clients.sfn.send(new StartExecutionCommand({ stateMachineArn, input: "{" }));
      await assert.rejects(start, { name: "InvalidExecutionInput" });
    },
  },
  {
    service,
    name: "a machine that does not exist cannot be started",
    run: async (clients, scratch) => {
      const made = await makeMachine(clients, scratch, { states: passing });
      const start = clients.sfn.send(new StartExecutionCommand({ stateMachineArn: `${made}-not` }));
      await assert.rejects(start, { name: "StateMachineDoesNotExist" });
    },
  },
  {
    service,
    name: "an execution that does not exist cannot be described",
    run: async (clients, scratch) => {
      const made = await makeMachine(clients, scratch, { states: passing });
      const executionArn = `${made.replace(":stateMachine:", ":execution:")}:none`;
      const describe = clients.sfn.send(new DescribeExecutionCommand({ executionArn }));
      await assert.rejects(describe, { name: "ExecutionDoesNotExist" });
    },
  },
  {
    service,
    name: "a definition whose state leads nowhere is refused",
    run: async ({ sfn }, scratch) => {
      const definition = JSON.stringify({ StartAt: "A", States: { A: { Type: "Pass", Next: "B" } } });
      const create = new CreateStateMachineCommand({
        name: scratch.unique("m"),
        roleArn: scratch.roleArn,
        definition,
      });
      await assert.rejects(sfn.send(create), { name: "InvalidDefinition" });
    },
  },
  {
    service,
    name: "an ended execution tells its input, output, machine and times",
    run: async (clients, scratch) => {
      const stateMachineArn = await makeMachine(clients, scratch, { states: passing });
      const executionArn = await startExecution(clients, scratch, {
        stateMachineArn,
        name: "r-1",
        input: '{"a":1}',
      });
      const {
        status,
        input,
        output,
        name,
        stateMachineArn: machine,
        startDate,
        stopDate,
      } = await ended(clients, scratch, executionArn);
      assert.deepEqual(
        { status, input, output: JSON.parse(output ?? ""), name, machine },
        { status: "SUCCEEDED", input: '{"a":1}', output: { a: 1 }, name: "r-1", machine: stateMachineArn },
      );
      assert.ok(startDate && stopDate && startDate <= stopDate);
    },
  },
  {
    service,
    name: "a stopped execution is ABORTED with the given error and cause, and its history ends so",
    run: async (clients, scratch) => {
      const stateMachineArn = await makeMachine(clients, scratch, { states: running });
      const executionArn = await startExecution(clients, scratch, { stateMachineArn });
      await clients.sfn.send(new StopExecutionCommand({ executionArn, error: "Brake", cause: "by hand" }));
      const { status, error, cause } = await ended(clients, scratch, executionArn);
      assert.deepEqual({ status, error, cause }, { status: "ABORTED", error: "Brake", cause: "by hand" });
      const { events } = await clients.sfn.send(
        new GetExecutionHistoryCommand({ executionArn, reverseOrder: true }),
      );
      assert.equal(events?.[0]?.type, "ExecutionAborted");
      assert.deepEqual(events?.[0]?.executionAbortedEventDetails, { error: "Brake", cause: "by hand" });
    },
  },
  {
    service,
    name: "the history is paged, numbered and can be read from its end",
    run: async (clients, scratch) => {
      const stateMachineArn = await makeMachine(clients, scratch, { states: passing });
      const executionArn = await startExecution(clients, scratch, { stateMachineArn });
      await ended(clients, scratch, executionArn);
      const read = (more: object) =>
        clients.sfn.send(new GetExecutionHistoryCommand({ executionArn, ...more }));
      const first = await read({ maxResults: 2 });
      assert.deepEqual(
        first.events?.map(({ type }) => type),
        ["ExecutionStarted", "PassStateEntered"],
      );
      const rest = await read({ maxResults: 2, nextToken: first.nextToken });
      assert.deepEqual(
        rest.events?.map(({ id, type }) => `${id} ${type}`),
        ["3 PassStateExited", "4 ExecutionSucceeded"],
      );
      const reversed = await read({ reverseOrder: true });
      assert.deepEqual(
        reversed.events?.map(({ id }) => id),
        [4, 3, 2, 1],
      );
      assert.equal(first.events?.[1]?.stateEnteredEventDetails?.name, "A");
    },
  },
  {
    service,
    name: "an execution's first state follows no event, as its beginning does",
    run: async (clients, scratch) => {
      const stateMachineArn = await makeMachine(clients, scratch, { states: passing });
      const executionArn = await startExecution(clients, scratch, { stateMachineArn });
      await ended(clients, scratch, executionArn);
      const { events = [] } = await clients.sfn.send(new GetExecutionHistoryCommand({ executionArn }));
      assert.deepEqual(
        events.map(({ previousEventId }) => previousEventId),
        [0, 0, 2, 3],
      );
    },
  },
  {
    service,
    name: "a Task whose resource is a function's ARN has events of its own kind",
    run: async (clients, scratch) => {
      const Resource = `arn:aws:lambda:eu-west-1:111122223333:function:${scratch.unique("absent")}`;
      const states = { A: { Type: "Task", Resource, End: true } };
      const stateMachineArn = await makeMachine(clients, scratch, { states });
      const executionArn = await startExecution(clients, scratch, { stateMachineArn, input: '{"a":1}' });
      await ended(clients, scratch, executionArn);
      const { events = [] } = await clients.sfn.send(new GetExecutionHistoryCommand({ executionArn }));
      const scheduled = events.find(({ type }) => type === "LambdaFunctionScheduled");
      assert.equal(scheduled?.lambdaFunctionScheduledEventDetails?.resource, Resource);
      assert.deepEqual(JSON.parse(scheduled?.lambdaFunctionScheduledEventDetails?.input ?? ""), { a: 1 });
      const kinds = events.map(({ type }) => String(type));
      assert.ok(kinds.some((type) => /^LambdaFunction(?:Failed|ScheduleFailed)$/.test(type)));
      assert.ok(!kinds.some((type) => /^Task(?:Scheduled|Failed)$/.test(type)));
    },
  },
  {
    service,
    name: "executions are listed by status, newest first, in pages",
    run: async (clients, scratch) => {
      const stateMachineArn = await makeMachine(clients, scratch, { states: passing });
      for (const name of ["r-1", "r-2", "r-3"]) {
        await ended(clients, scratch, await startExecution(clients, scratch, { stateMachineArn, name }));
      }
      const list = (more: object) =>
        clients.sfn.send(new ListExecutionsCommand({ stateMachineArn, ...more }));
      const first = await list({ maxResults: 2, statusFilter: "SUCCEEDED" });
      assert.deepEqual(
        first.executions?.map(({ name }) => name),
        ["r-3", "r-2"],
      );
      const rest = await list({ maxResults: 2, statusFilter: "SUCCEEDED", nextToken: first.nextToken });
      assert.deepEqual(
        rest.executions?.map(({ name }) => name),
        ["r-1"],
      );
      assert.deepEqual((await list({ statusFilter: "FAILED" })).executions, []);
    },
  },
  {
    service,
    name: "a running execution keeps its definition when the machine is updated",
    run: async (clients, scratch) => {
      const wait = {
        W: { Type: "Wait", Seconds: 2, Next: "A" },
        A: { Type: "Pass", Result: "before", End: true },
      };
      const stateMachineArn = await makeMachine(clients, scratch, { states: wait });
      const executionArn = await startExecution(clients, scratch, { stateMachineArn });
      const definition = JSON.stringify({
        StartAt: "A",
        States: { A: { Type: "Pass", Result: "after", End: true } },
      });
      await clients.sfn.send(new UpdateStateMachineCommand({ stateMachineArn, definition }));
      assert.equal((await ended(clients, scratch, executionArn)).output, '"before"');
      const described = await clients.sfn.send(new DescribeStateMachineCommand({ stateMachineArn }));
      assert.equal(described.definition, definition);
    },
  },
  {
    service,
    name: "a machine's own TimeoutSeconds ends an execution as TIMED_OUT without running its Catch",
    run: async (clients, scratch) => {
      const states = {
        A: { ...waiting, Catch: [{ ErrorEquals: ["States.ALL"], Next: "B" }], Next: "B" },
        B: { Type: "Pass", End: true },
      };
      const stateMachineArn = await makeMachine(clients, scratch, { states, timeoutSeconds: 1 });
      const executionArn = await startExecution(clients, scratch, { stateMachineArn });
      assert.equal((await ended(clients, scratch, executionArn)).status, "TIMED_OUT");
    },
  },
  {
    service,
    name: "a Fail state ends an execution with its error and cause",
    run: async (clients, scratch) => {
      const states = { A: { Type: "Fail", Error: "NeedsHuman", Cause: "quota" } };
      const stateMachineArn = await makeMachine(clients, scratch, { states });
      const { status, error, cause } = await ended(
        clients,
        scratch,
        await startExecution(clients, scratch, { stateMachineArn }),
      );
      assert.deepEqual({ status, error, cause }, { status: "FAILED", error: "NeedsHuman", cause: "quota" });
    },
  },
];
