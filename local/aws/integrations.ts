import { isObject } from "./input.ts";
import type { Invocation } from "./lambda/function-url.ts";
import type { Lambda } from "./lambda.ts";
import { type JSONValue, TaskFailure } from "./machine.ts";
import { AwsError, type Caller, type HttpService, type InnerCall, type JsonService } from "./service.ts";
import type { ExecutionNames, MachineTask } from "./step-functions.ts";

/** What Task states can reach; each is asked only when a task names it. */
export interface Integrations {
  readonly lambda: () => Pick<Lambda, "invoke">;
  readonly eventBridge?: () => Pick<JsonService, "call">;
  readonly stepFunctions?: () => Pick<JsonService, "call">;
  readonly sns?: () => Pick<HttpService, "handle">;
  /** Throws an AwsError unless the machine's role may make this call. Without it every machine may do everything. */
  readonly admit?: (execution: ExecutionNames, call: InnerCall) => void;
}

type Given = Readonly<Record<string, unknown>>;

/** Does the work of Task states through the services that their resources name, with AWS's results and errors. */
export function integrations(services: Integrations): MachineTask {
  return async ({ resource, parameters }, execution) => {
    if (/^arn:[^:]+:lambda:/.test(resource))
      return resultOf(await invoked(services, { functionName: resource, parameters }, execution));
    const given = isObject(parameters) ? parameters : {};
    const [, integration = resource] = /^arn:[^:]+:states:[^:]*:[^:]*:([^.]+)/.exec(resource) ?? [];
    switch (integration) {
      case "lambda:invoke":
        return invokeFunction(services, given, execution);
      case "events:putEvents":
        return putEvents(services, given, execution);
      case "states:startExecution":
        return startExecution(services, given, execution);
      case "sns:publish":
        return publish(services, given, execution);
      default:
        throw new TaskFailure("States.Runtime", `no integration here answers to ${resource}`);
    }
  };
}

async function invokeFunction(
  services: Integrations,
  { FunctionName, Payload, ClientContext }: Given,
  execution: ExecutionNames,
): Promise<JSONValue> {
  const context =
    typeof ClientContext === "string"
      ? { clientContext: JSON.parse(Buffer.from(ClientContext, "base64").toString()) }
      : {};
  const wanted = { functionName: String(FunctionName), parameters: Payload ?? {}, ...context };
  const invocation = await invoked(services, wanted, execution);
  return { ExecutedVersion: "$LATEST", Payload: resultOf(invocation), StatusCode: 200 };
}

async function invoked(
  { lambda, admit }: Integrations,
  {
    functionName,
    parameters,
    ...options
  }: { functionName: string; parameters: unknown; clientContext?: unknown },
  execution: ExecutionNames,
): Promise<Invocation> {
  try {
    admit?.(execution, { service: "lambda", operation: "Invoke", input: { FunctionName: functionName } });
    return await lambda().invoke(functionName, parameters, options);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    // What Lambda itself refuses has a name of its own; a missing permission comes under its general one.
    const code = error.code === "AccessDeniedException" ? "AWSLambdaException" : error.code;
    throw new TaskFailure(`Lambda.${code}`, error.message);
  }
}

/** A function's error becomes the state's error by its type; without one it is Lambda.Unknown. */
function resultOf({ payload, functionError }: Invocation): JSONValue {
  const result: JSONValue = JSON.parse(payload);
  if (!functionError) return result;
  if (isObject(result) && typeof result["errorType"] === "string")
    throw new TaskFailure(result["errorType"], payload);
  const cause = `The cause could not be determined because Lambda did not return an error type. Returned payload: ${payload}`;
  throw new TaskFailure("Lambda.Unknown", cause);
}

/** Details are JSON here and text on the wire, and every event names its execution. */
async function putEvents(
  { eventBridge, admit }: Integrations,
  { Entries }: Given,
  execution: ExecutionNames,
): Promise<JSONValue> {
  if (!eventBridge) throw new TaskFailure("States.Runtime", "no event bus here");
  const entries = (Array.isArray(Entries) ? Entries.filter(isObject) : []).map((entry) => ({
    ...entry,
    Detail: typeof entry["Detail"] === "string" ? entry["Detail"] : JSON.stringify(entry["Detail"]),
    Resources: [...[entry["Resources"] ?? []].flat(), execution.executionArn, execution.stateMachineArn],
  }));
  const caller = callerOf(execution);
  const input = { Entries: entries };
  const answer = await asService("EventBridge", async () => {
    admit?.(execution, { service: "AWSEvents", operation: "PutEvents", input });
    return eventBridge().call("PutEvents", input, caller);
  });
  if (isObject(answer) && Number(answer["FailedEntryCount"]) > 0) {
    throw new TaskFailure("EventBridge.FailedEntry", JSON.stringify(answer));
  }
  return answer;
}

async function startExecution(
  { stepFunctions, admit }: Integrations,
  given: Given,
  execution: ExecutionNames,
): Promise<JSONValue> {
  if (!stepFunctions) throw new TaskFailure("States.Runtime", "no state machines here");
  const { StateMachineArn, Name, Input } = given;
  const request = {
    stateMachineArn: StateMachineArn,
    ...(Name === undefined ? {} : { name: Name }),
    input: typeof Input === "string" ? Input : JSON.stringify(Input ?? {}),
  };
  const answer = await asService("StepFunctions", async () => {
    admit?.(execution, { service: "AWSStepFunctions", operation: "StartExecution", input: request });
    return stepFunctions().call("StartExecution", request, callerOf(execution));
  });
  if (!isObject(answer)) return null;
  const { executionArn, startDate } = answer;
  return { ExecutionArn: String(executionArn), StartDate: new Date(Number(startDate) * 1000).toISOString() };
}

/** SNS speaks forms and XML; only the parts that an alert needs are carried over. */
async function publish(
  { sns, admit }: Integrations,
  given: Given,
  execution: ExecutionNames,
): Promise<JSONValue> {
  if (!sns) throw new TaskFailure("States.Runtime", "no topics here");
  await asService("SNS", async () =>
    admit?.(execution, { service: "sns", operation: "Publish", input: given }),
  );
  const { TopicArn, Subject, Message } = given;
  const form = new URLSearchParams({
    Action: "Publish",
    TopicArn: String(TopicArn),
    Message: typeof Message === "string" ? Message : JSON.stringify(Message),
    ...(Subject === undefined ? {} : { Subject: String(Subject) }),
  });
  const { status, body } = await sns().handle({
    method: "POST",
    path: "/",
    query: new URLSearchParams(),
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: Buffer.from(form.toString()),
    signingService: "sns",
    caller: callerOf(execution),
  });
  const said = (element: string) => new RegExp(`<${element}>([^<]*)<`).exec(body.toString())?.[1] ?? "";
  if (status !== 200) throw new TaskFailure(`SNS.${said("Code")}Exception`, said("Message"));
  return { MessageId: said("MessageId") };
}

/** AWS prefixes a service's error with its SDK name and ends it with Exception. */
async function asService(service: string, answer: () => Promise<unknown>): Promise<JSONValue> {
  try {
    return JSON.parse(JSON.stringify((await answer()) ?? null));
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw new TaskFailure(`${service}.${error.code.replace(/(Exception)?$/, "Exception")}`, error.message);
  }
}

function callerOf({ stateMachineArn }: ExecutionNames): Caller {
  const account = stateMachineArn.split(":")[4] ?? "";
  return { accessKeyId: "", account, arn: `arn:aws:iam::${account}:role/states` };
}
