import { Attempts, type CallbackAnswer, type TaskWork } from "./machine/attempts.ts";
import { Branch, type Position } from "./machine/branch.ts";
import { StateFailure } from "./machine/failure.ts";
import { History, type HistoryEvent, historyEventsMax } from "./machine/history.ts";
import type { JSONValue, Machine } from "./machine/program.ts";

export type { TaskCall, TaskWork } from "./machine/attempts.ts";
export type { Position } from "./machine/branch.ts";
export { TaskFailure } from "./machine/failure.ts";
export type { HistoryEvent } from "./machine/history.ts";
export {
  type JSONValue,
  loadMachine,
  type Machine,
  MachineInvalid,
  type TaskState,
} from "./machine/program.ts";

export interface Outcome {
  readonly status: "SUCCEEDED" | "FAILED" | "ABORTED" | "TIMED_OUT";
  readonly output?: JSONValue;
  readonly error?: string;
  readonly cause?: string;
}

export interface RunOptions {
  readonly executionArn: string;
  readonly name: string;
  readonly stateMachineArn?: string;
  readonly roleArn?: string;
  readonly input: JSONValue;
  /** In ms; now by default. */
  readonly startedAt?: number;
  /** Enters here instead of at the start and continues the history that ended with `lastEventId`: a redrive. */
  readonly resume?: Position & { readonly lastEventId: number; readonly redrives: number };
  /**
   * Does a Task's work. What it throws fails the state, with the error's `name` or with the fields of a
   * TaskFailure. With `.waitForTaskToken` the result does not count.
   */
  readonly task: TaskWork;
  newToken(): string;
  onEvent?(event: HistoryEvent): void;
}

export interface Execution {
  /** Never rejects. */
  readonly result: Promise<Outcome>;
  /** Where the machine's own chain of states stands, or stood when it ended. */
  position(): Position | undefined;
  /** Ends the execution at once: no state, Retry or Catch runs after it, and work in progress is ignored. */
  stop(error?: string, cause?: string): void;
  sendTaskSuccess(token: string, output: JSONValue): CallbackAnswer;
  sendTaskFailure(token: string, failure: { error?: string; cause?: string }): CallbackAnswer;
  /** Whether a token's task still waits. */
  waits(token: string): CallbackAnswer;
}

/** Starts an execution. Its clock is the global Date and timers, its only randomness the retry jitter of Math.random. */
export function runMachine(machine: Machine, options: RunOptions): Execution {
  return new RunningExecution(machine, options);
}

class RunningExecution implements Execution {
  readonly #history: History;
  readonly #attempts: Attempts;
  readonly #root: Branch;
  readonly #ended = Promise.withResolvers<Outcome>();
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ program, timeoutSeconds }: Machine, options: RunOptions) {
    const { input, resume, task, onEvent } = options;
    this.#history = new History({
      ...(resume ? { lastId: resume.lastEventId } : {}),
      onEvent: (event) => onEvent?.(event),
      onFull: () => this.#end({ status: "FAILED", error: "States.Runtime", cause: historyFull }),
    });
    this.#attempts = new Attempts(task);
    const opening = resume
      ? { type: "ExecutionRedriven", detail: { redriveCount: resume.redrives } }
      : { type: "ExecutionStarted", detail: { input, roleArn: options.roleArn } };
    this.#history.add(opening, this.#history.lastId);
    this.#root = new Branch({
      program,
      input: resume ? resume.input : input,
      // AWS links an execution's first state to no event.
      previousId: resume ? this.#history.lastId : 0,
      ...(resume ? { startAt: resume.state } : {}),
      shared: {
        history: this.#history,
        attempts: this.#attempts,
        context: contextOf(options),
        newToken: () => options.newToken(),
      },
    });
    if (timeoutSeconds !== undefined) {
      const timedOut = { status: "TIMED_OUT", error: "States.Timeout" } as const;
      this.#timer = setTimeout(() => this.#end(timedOut), timeoutSeconds * 1000);
    }
    this.#root.run().then(
      (output) => this.#end({ status: "SUCCEEDED", output }),
      (error: unknown) => this.#end(failed(error)),
    );
  }

  get result(): Promise<Outcome> {
    return this.#ended.promise;
  }

  position(): Position | undefined {
    return this.#root.position;
  }

  stop(error?: string, cause?: string): void {
    this.#end({
      status: "ABORTED",
      ...(error === undefined ? {} : { error }),
      ...(cause === undefined ? {} : { cause }),
    });
  }

  sendTaskSuccess(token: string, output: JSONValue): CallbackAnswer {
    return this.#attempts.succeed(token, output);
  }

  sendTaskFailure(
    token: string,
    { error = "", cause = "" }: { error?: string; cause?: string },
  ): CallbackAnswer {
    return this.#attempts.fail(token, new StateFailure(error, cause));
  }

  waits(token: string): CallbackAnswer {
    if (!this.#attempts.has(token)) return "InvalidToken";
    return this.#attempts.isOpen(token) ? "ok" : "TaskTimedOut";
  }

  /** The first end counts; closing the branches makes the engine report a second one. */
  #end(outcome: Outcome): void {
    const { status, ...detail } = outcome;
    this.#history.close({ type: closingEvents[status], detail });
    clearTimeout(this.#timer);
    this.#ended.resolve(outcome);
    this.#root.close();
  }
}

const historyFull = `The execution reached the maximum number of history events (${historyEventsMax}).`;

const closingEvents = {
  SUCCEEDED: "ExecutionSucceeded",
  FAILED: "ExecutionFailed",
  ABORTED: "ExecutionAborted",
  TIMED_OUT: "ExecutionTimedOut",
} as const;

function contextOf({
  executionArn,
  name,
  stateMachineArn,
  roleArn,
  input,
  startedAt,
}: RunOptions): Record<string, unknown> {
  const [arn = ""] = [stateMachineArn ?? machineArnOf(executionArn)];
  return {
    Run: {
      Id: executionArn,
      Name: name,
      Input: input,
      ...(roleArn !== undefined && { RoleArn: roleArn }),
      StartTime: new Date(startedAt ?? Date.now()).toISOString(),
    },
    StateMachine: { Id: arn, Name: arn.split(":").at(-1) ?? "" },
  };
}

/** An execution's ARN is its machine's with another type and the execution's name. */
function machineArnOf(executionArn: string): string {
  return executionArn.replace(":execution:", ":stateMachine:").split(":").slice(0, 7).join(":");
}

function failed(error: unknown): Outcome {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  // The engine makes up a name and a message for a Fail state that has none; AWS leaves them out.
  return {
    status: "FAILED",
    ...(name === "" || name === "FailStateError" ? {} : { error: name }),
    ...(message === "" || message === "Execution failed because of a Fail state" ? {} : { cause: message }),
  };
}
