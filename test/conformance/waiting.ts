import {
  CreateStateMachineCommand,
  DeleteStateMachineCommand,
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  GetExecutionHistoryCommand,
  SendTaskFailureCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import type { Clients, Scratch } from "./case.ts";

/**
 * Waits for a callback without needing anything but the default bus; the token is read from the history, where
 * the task's parameters stand.
 */
export const waiting = {
  Type: "Task",
  Resource: "arn:aws:states:::events:putEvents.waitForTaskToken",
  TimeoutSeconds: 60,
  Parameters: {
    Entries: [{ Source: "rekey.conformance", DetailType: "Waiting", Detail: { "token.$": "$$.Task.Token" } }],
  },
};

/** Makes a state machine of these states, entered at the first, that is gone after the case. */
export async function makeMachine(
  { sfn }: Clients,
  scratch: Scratch,
  { states, timeoutSeconds }: { states: Record<string, object>; timeoutSeconds?: number },
): Promise<string> {
  const definition = {
    StartAt: Object.keys(states)[0],
    States: states,
    ...(timeoutSeconds ? { TimeoutSeconds: timeoutSeconds } : {}),
  };
  const { stateMachineArn = "" } = await sfn.send(
    new CreateStateMachineCommand({
      name: scratch.unique("rekey-conformance"),
      roleArn: scratch.roleArn,
      definition: JSON.stringify(definition),
    }),
  );
  scratch.cleanUp(() => sfn.send(new DeleteStateMachineCommand({ stateMachineArn })));
  return stateMachineArn;
}

/** Starts an execution that is stopped after the case. */
export async function startExecution(
  { sfn }: Clients,
  scratch: Scratch,
  request: { stateMachineArn: string; name?: string; input?: string },
): Promise<string> {
  const { executionArn = "" } = await sfn.send(new StartExecutionCommand(request));
  scratch.cleanUp(() => sfn.send(new StopExecutionCommand({ executionArn })));
  return executionArn;
}

/** Describes an execution once it has ended. */
export function ended(
  { sfn }: Clients,
  scratch: Scratch,
  executionArn: string,
): Promise<DescribeExecutionOutput> {
  return scratch.eventually(async () => {
    const description = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    return description.status === "RUNNING" ? undefined : description;
  });
}

/** The token of the nth attempt at a `waiting` state. */
export function tokenOf(
  { sfn }: Clients,
  scratch: Scratch,
  executionArn: string,
  attempt = 1,
): Promise<string> {
  return scratch.eventually(async () => {
    const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn }));
    const scheduled = events.filter(({ type }) => type === "TaskScheduled")[attempt - 1];
    const submitted = events.filter(({ type }) => type === "TaskSubmitted")[attempt - 1];
    const parameters = scheduled?.taskScheduledEventDetails?.parameters;
    if (!submitted || parameters === undefined) return undefined;
    return /"token":\s*"([^"]+)"/.exec(parameters)?.[1];
  });
}

/** Fails the nth attempt at a `waiting` state. */
export async function failAttempt(
  clients: Clients,
  scratch: Scratch,
  { executionArn, attempt, error }: { executionArn: string; attempt: number; error: string },
): Promise<void> {
  const taskToken = await tokenOf(clients, scratch, executionArn, attempt);
  await clients.sfn.send(new SendTaskFailureCommand({ taskToken, error, cause: `attempt ${attempt}` }));
}
