import {
  DescribeExecutionCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { isNamed, refusalOf } from "../../audit/refusals.ts";
import type { RotationError } from "../../core/errors.ts";
import type { CallbackOutcome, ExecutionState, Executions } from "../../core/ports.ts";

export interface MachineArns {
  readonly rotation: string;
  readonly compromise: string;
}

export function stepFunctions(client: Pick<SFNClient, "send">, machines: MachineArns): Executions {
  return {
    succeed: (token, output) =>
      callback(
        client.send(new SendTaskSuccessCommand({ taskToken: token, output: JSON.stringify(output) })),
        "SendTaskSuccess",
      ),

    fail: (token, { error, cause }) =>
      callback(
        client.send(new SendTaskFailureCommand({ taskToken: token, error, cause })),
        "SendTaskFailure",
      ),

    async describe(executionArn): Promise<ExecutionState> {
      try {
        const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
        return { status: statusOf(status) };
      } catch (error) {
        if (isNamed(error, "ExecutionDoesNotExist")) return { status: "UNKNOWN" };
        throw refused("DescribeExecution", error);
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
        if (!isNamed(error, "ExecutionAlreadyExists")) throw refused("StartExecution", error);
        return { executionArn: executionArnOf(stateMachineArn, name), outcome: "alreadyStarted" };
      }
    },

    async stop(executionArn, reason) {
      await client
        .send(new StopExecutionCommand({ executionArn, error: "Stopped", cause: reason }))
        .catch((error: unknown) => {
          if (!isNamed(error, "ExecutionDoesNotExist")) throw refused("StopExecution", error);
        });
    },
  };
}

/** Delivery is at least once, so a second callback, or one to a task that has ended, is normal. */
async function callback(sent: Promise<unknown>, call: string): Promise<CallbackOutcome> {
  try {
    await sent;
    return "ok";
  } catch (error) {
    if (isNamed(error, "TaskTimedOut", "TaskDoesNotExist", "InvalidToken")) return "closed";
    throw refused(call, error);
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

function refused(call: string, error: unknown): RotationError {
  return refusalOf(error, { place: "Step Functions", operation: `states:${call}` });
}
