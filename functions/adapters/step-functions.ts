import {
  DescribeExecutionCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { StoreUnavailable } from "../../core/errors.ts";
import type { CallbackOutcome, ExecutionState, Executions } from "../../core/ports.ts";

export interface MachineArns {
  readonly rotation: string;
  readonly compromise: string;
}

export function stepFunctions(client: Pick<SFNClient, "send">, machines: MachineArns): Executions {
  return {
    succeed: (token, output) =>
      callback(client.send(new SendTaskSuccessCommand({ taskToken: token, output: JSON.stringify(output) }))),

    fail: (token, { error, cause }) =>
      callback(client.send(new SendTaskFailureCommand({ taskToken: token, error, cause }))),

    async describe(executionArn): Promise<ExecutionState> {
      try {
        const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
        return { status: statusOf(status) };
      } catch (error) {
        if (isNamed(error, "ExecutionDoesNotExist")) return { status: "UNKNOWN" };
        throw unavailable("DescribeExecution", error);
      }
    },

    async start({ machine, name, input }) {
      const stateMachineArn = machines[machine];
      try {
        const { executionArn } = await client.send(
          new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
        );
        return { executionArn: executionArn ?? executionArnOf(stateMachineArn, name), outcome: "started" };
      } catch (error) {
        if (!isNamed(error, "ExecutionAlreadyExists")) throw unavailable("StartExecution", error);
        return { executionArn: executionArnOf(stateMachineArn, name), outcome: "alreadyStarted" };
      }
    },

    async stop(executionArn, reason) {
      await client
        .send(new StopExecutionCommand({ executionArn, error: "Stopped", cause: reason }))
        .catch((error: unknown) => {
          throw unavailable("StopExecution", error);
        });
    },
  };
}

/** A second callback, or one to a task that has ended, is how at-least-once looks from here: benign. */
async function callback(sent: Promise<unknown>): Promise<CallbackOutcome> {
  try {
    await sent;
    return "ok";
  } catch (error) {
    if (["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"].some((name) => isNamed(error, name)))
      return "closed";
    throw unavailable("SendTask", error);
  }
}

function statusOf(status: string | undefined): ExecutionState["status"] {
  switch (status) {
    case "RUNNING":
    case "SUCCEEDED":
    case "FAILED":
    case "TIMED_OUT":
    case "ABORTED":
      return status;
    case "PENDING_REDRIVE":
      return "RUNNING";
    default:
      return "UNKNOWN";
  }
}

function executionArnOf(stateMachineArn: string, name: string): string {
  return `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

function unavailable(call: string, cause: unknown): StoreUnavailable {
  const name = cause instanceof Error ? cause.name : "unknown";
  return new StoreUnavailable(`Step Functions refused ${call}: ${name}`, { cause });
}
