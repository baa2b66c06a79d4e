import { InputInvalid } from "../../../core/errors.ts";
import type { Executions, RekeyEvent, SecretArn } from "../../../core/ports.ts";
import { payloadBytesMax } from "../../../local/aws/machine/failure.ts";
import {
  type Execution,
  type HistoryEvent,
  type JSONValue,
  type Outcome,
  type RunOptions,
  runMachine,
  type TaskCall,
  TaskFailure,
} from "../../../local/aws/machine.ts";
import { isName } from "../../../local/aws/step-functions/machines.ts";
import { timeoutSecondsDefault } from "../../../serverless/function-row.ts";
import { functions } from "../../../serverless/functions.ts";
import { type MachineName, machineOf } from "../run/machines.ts";
import { executionArnOf } from "./account.ts";
import type { AnnounceFault, CalledBy } from "./surroundings.ts";

export interface Run {
  readonly executionArn: string;
  readonly rotationId: string;
  readonly secretArn: SecretArn;
  readonly machine: MachineName;
  readonly input: Readonly<Record<string, JSONValue>>;
  readonly history: HistoryEvent[];
  result: Promise<Outcome>;
  outcome: Outcome | undefined;
  redrives: number;
  stop(reason: string): void;
}

/** What the machines reach: functions, the bus, and whoever is told of an execution that did not succeed. */
interface Reach {
  invoke(functionName: string, event: unknown, by: CalledBy): Promise<unknown>;
  publish(event: RekeyEvent): void;
  announces(): AnnounceFault | undefined;
  ended(run: Run, outcome: Outcome): void;
}

/** Step Functions: every execution of both machines, as its console and its API show them. */
export class StepFunctions {
  readonly runs = new Map<string, Run>();
  readonly #executions = new Map<string, Execution>();
  readonly #reach: Reach;
  #tokens = 0;

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  begin(starting: Pick<Run, "machine" | "input"> & { readonly name: string }): Run {
    const { machine, name: rotationId, input } = starting;
    const executionArn = executionArnOf(machine, rotationId);
    const run: Run = {
      ...{ executionArn, rotationId, machine, input, redrives: 0 },
      secretArn: String(input["secretArn"] ?? ""),
      history: [],
      outcome: undefined,
      result: new Promise(() => undefined),
      stop: (reason) => this.#executions.get(executionArn)?.stop("Stopped", reason),
    };
    this.runs.set(executionArn, run);
    this.#execute(run);
    return run;
  }

  /** What an operator does in the console: the execution goes on at the state where it ended. */
  redrive(run: Run): "redriven" | "notRedrivable" {
    const position = this.#executions.get(run.executionArn)?.position();
    const isRedrivable = run.outcome !== undefined && run.outcome.status !== "SUCCEEDED";
    if (!isRedrivable || position === undefined) return "notRedrivable";
    run.outcome = undefined;
    run.redrives += 1;
    const lastEventId = run.history.at(-1)?.id ?? 0;
    this.#execute(run, { ...position, lastEventId, redrives: run.redrives });
    return "redriven";
  }

  /** What a function may ask of it. */
  port(): Executions {
    const answer = (result: string) => (result === "ok" ? ("ok" as const) : ("closed" as const));
    const every = () => [...this.#executions.values()];
    return {
      succeed: async (token, output) => {
        const sent = carried(output);
        return answer(first(every(), (each) => each.sendTaskSuccess(token, sent)));
      },
      fail: async (token, failure) => answer(first(every(), (each) => each.sendTaskFailure(token, failure))),
      describe: async (executionArn) => {
        const run = this.runs.get(executionArn);
        return { status: run === undefined ? "UNKNOWN" : (run.outcome?.status ?? "RUNNING") };
      },
      start: async ({ machine, name, input }) => {
        if (!isName(name)) throw new InputInvalid(`Step Functions refused the name ${name}`);
        const given = carried(input) as Run["input"];
        const executionArn = executionArnOf(machine, name);
        const known = this.runs.get(executionArn);
        if (known === undefined) this.begin({ machine, name, input: given });
        const isThisStart =
          known === undefined || (known.outcome === undefined && isSame(known.input, given));
        return { executionArn, outcome: isThisStart ? "started" : "alreadyStarted" };
      },
      stop: async (executionArn, reason) => this.runs.get(executionArn)?.stop(reason),
    };
  }

  #execute(run: Run, resume?: RunOptions["resume"]): void {
    const { executionArn, rotationId, history, input } = run;
    const execution = runMachine(machineOf(run.machine), {
      ...{ executionArn, name: rotationId, input },
      ...(resume && { resume }),
      task: (call) => this.#task(call, run),
      newToken: () => `token-${++this.#tokens}`,
      onEvent: (event) => history.push(event),
    });
    this.#executions.set(executionArn, execution);
    run.result = execution.result.then((outcome) => this.#ended(run, outcome));
  }

  async #ended(run: Run, outcome: Outcome): Promise<Outcome> {
    run.outcome = outcome;
    this.#reach.ended(run, outcome);
    return outcome;
  }

  async #task({ state, resource, parameters, signal }: TaskCall, run: Run): Promise<JSONValue | undefined> {
    const given = parameters as Record<string, JSONValue>;
    if (resource === "arn:aws:states:::events:putEvents") return this.#putEvents(given);
    const isWait = resource === "arn:aws:states:::lambda:invoke.waitForTaskToken";
    const functionArn = String(isWait ? given["FunctionName"] : resource);
    const functionName = functionArn.slice(functionArn.lastIndexOf(":") + 1);
    const payload = (isWait ? given["Payload"] : parameters) as Record<string, JSONValue>;
    // A retry is no new entry of its state: on AWS, `at` stays what it was.
    const at = enteredAt(run.history, state);
    const event = { ...payload, ...(at !== undefined && { at }) };
    const { executionArn } = run;
    // The time-out of a Task that has a token is for the callback: only Lambda ends a function that froze before that.
    const timeLimit = isWait ? { timeLimit: { ms: timeoutMsOf(functionName), signal } } : {};
    return (await this.#reach.invoke(functionName, event, { executionArn, ...timeLimit })) as JSONValue;
  }

  async #putEvents({ Entries }: Record<string, JSONValue>): Promise<JSONValue> {
    const fault = this.#reach.announces();
    if (fault === "failBefore")
      throw new TaskFailure("EventBridge.EventBridgeException", "the bus is not there");
    for (const entry of Entries as { DetailType: string; Detail: Record<string, unknown> }[]) {
      this.#reach.publish({ type: entry.DetailType, detail: entry.Detail });
    }
    if (fault === "lostReply") throw new TaskFailure("EventBridge.SdkClientException", "the reply got lost");
    return { FailedEntryCount: 0 };
  }
}

const timeoutMsOf = (functionName: string): number =>
  1000 * (functions[functionName]?.timeoutSeconds ?? timeoutSecondsDefault);

function enteredAt(history: readonly HistoryEvent[], state: string): string | undefined {
  const entered = history.findLast(
    (event) =>
      event.type === "ExecutionRedriven" || (event.type === "TaskStateEntered" && event.state === state),
  );
  return entered && new Date(entered.timestamp).toISOString();
}

/** What arrives of a payload: a copy of what JSON carries. */
function carried(payload: unknown): JSONValue {
  const text = JSON.stringify(payload);
  if (Buffer.byteLength(text) > payloadBytesMax) throw new InputInvalid("Step Functions carries no more");
  return JSON.parse(text);
}

/** As Step Functions compares two inputs: as texts. */
function isSame(input: unknown, other: unknown): boolean {
  return JSON.stringify(input) === JSON.stringify(other);
}

function first(executions: readonly Execution[], send: (execution: Execution) => string): string {
  for (const execution of executions) {
    const result = send(execution);
    if (result !== "InvalidToken") return result;
  }
  return "InvalidToken";
}
