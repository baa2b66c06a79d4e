import type { BusEvent } from "./event.ts";
import { isObject } from "./input.ts";
import type { Lambda } from "./lambda.ts";
import { AwsError, type Caller, type JsonService } from "./service.ts";

/** What rules and schedules can reach; each is asked only when one of its ARNs comes up. */
export interface Reach {
  readonly lambda: () => Pick<Lambda, "queue">;
  readonly stepFunctions: () => Pick<JsonService, "call">;
  /** Puts an event on a bus of this cloud, given by ARN. */
  readonly forward: (busArn: string, event: BusEvent) => void;
}

/** Hands JSON text to the function, state machine or bus with this ARN. Throws an AwsError when it refuses. */
export async function deliver(reach: Reach, arn: string, payload: string): Promise<void> {
  const service = arn.split(":")[2];
  if (service === "lambda") return reach.lambda().queue(arn, JSON.parse(payload));
  if (service === "states") {
    await reach
      .stepFunctions()
      .call("StartExecution", { stateMachineArn: arn, input: payload }, callerOf(arn));
    return;
  }
  if (service === "events") {
    const event: unknown = JSON.parse(payload);
    if (isObject(event)) return reach.forward(arn, event as unknown as BusEvent);
  }
  throw new AwsError("ResourceNotFoundException", `no target here answers to ${arn}`);
}

/** The service acts under a role of the target's account. */
export function callerOf(arn: string): Caller {
  const account = arn.split(":")[4] ?? "";
  return { accessKeyId: "", account, arn: `arn:aws:iam::${account}:role/events` };
}

/** Whether trying again cannot help: what does not exist or is not allowed stays so. */
export function isFinal(error: unknown): boolean {
  return (
    error instanceof SyntaxError ||
    (error instanceof AwsError && error.status < 500 && !/Throttl|TooMany/.test(error.code))
  );
}
