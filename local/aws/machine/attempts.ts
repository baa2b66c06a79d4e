import { failureOf, StateFailure, tooMuchData } from "./failure.ts";
import type { NewEvent } from "./history.ts";
import type { JSONValue } from "./program.ts";

/** One call of a Task's resource. */
export interface TaskCall {
  readonly state: string;
  readonly resource: string;
  readonly parameters: JSONValue;
  /** What `$$.Task.Token` gave this attempt; absent when the parameters do not ask for it. */
  readonly token?: string;
  /** Aborted once the answer no longer matters: timed out, stopped, or a sibling branch failed. */
  readonly signal: AbortSignal;
}

export type TaskWork = (call: TaskCall) => Promise<JSONValue | undefined>;
export type CallbackAnswer = "ok" | "TaskTimedOut" | "InvalidToken";

/** The reason of every abort signal: without one, each would create an error that nobody reads. */
const answerIsLate = "the answer no longer matters";

interface AttemptOptions {
  readonly state: string;
  readonly resource: string;
  readonly parameters: JSONValue;
  readonly token: string | undefined;
  readonly timeoutMs: number | undefined;
  /** Whether the state catches States.DataLimitExceeded by its name. */
  readonly takesDataLimit: boolean;
  onEvent(event: NewEvent): void;
}

/** Every attempt of one execution that has a token, so that a callback finds it. */
export class Attempts {
  readonly #work: TaskWork;
  readonly #byToken = new Map<string, Attempt>();

  constructor(work: TaskWork) {
    this.#work = work;
  }

  start(options: AttemptOptions): Attempt {
    const attempt = new Attempt(options);
    if (options.token !== undefined) this.#byToken.set(options.token, attempt);
    attempt.call(this.#work);
    return attempt;
  }

  has(token: string): boolean {
    return this.#byToken.has(token);
  }

  succeed(token: string, output: JSONValue): CallbackAnswer {
    const attempt = this.#byToken.get(token);
    if (!attempt) return "InvalidToken";
    return attempt.succeed(output) ? "ok" : "TaskTimedOut";
  }

  fail(token: string, failure: StateFailure): CallbackAnswer {
    const attempt = this.#byToken.get(token);
    if (!attempt) return "InvalidToken";
    return attempt.fail(failure) ? "ok" : "TaskTimedOut";
  }

  isOpen(token: string): boolean {
    return this.#byToken.get(token)?.open ?? false;
  }
}

/** One attempt at a Task state: settled once, by its work, a callback, its timeout or the end of its branch. */
export class Attempt {
  readonly #options: AttemptOptions;
  readonly #ended = new AbortController();
  readonly #settled = Promise.withResolvers<JSONValue>();

  constructor(options: AttemptOptions) {
    this.#options = options;
  }

  get result(): Promise<JSONValue> {
    return this.#settled.promise;
  }

  get open(): boolean {
    return !this.#ended.signal.aborted;
  }

  get #waits(): boolean {
    return this.#options.resource.endsWith(".waitForTaskToken");
  }

  call(work: TaskWork): void {
    const { state, resource, parameters, token } = this.#options;
    this.#event("TaskScheduled", { parameters });
    this.#event("TaskStarted");
    if (!this.open) return; // the history was full and the execution has ended
    this.#endAtTimeout();
    const given = { state, resource, parameters, ...(token === undefined ? {} : { token }) };
    const answer = Promise.try(work, { ...given, signal: this.#ended.signal });
    answer.then(
      (output) => {
        if (!this.open) return;
        if (this.#waits) this.#event("TaskSubmitted");
        else this.succeed(output ?? null);
      },
      (thrown) => this.fail(failureOf(thrown)),
    );
  }

  succeed(output: JSONValue): boolean {
    if (!this.open) return false;
    const text = JSON.stringify(output) ?? "null";
    const { state, takesDataLimit } = this.#options;
    const excess = tooMuchData(text, { state, isTaken: takesDataLimit });
    if (excess !== undefined) return this.fail(excess);
    const copy: JSONValue = JSON.parse(text);
    this.#event("TaskSucceeded", { output: copy });
    this.#ended.abort(answerIsLate);
    this.#settled.resolve(copy);
    return true;
  }

  fail(failure: StateFailure): boolean {
    if (!this.open) return false;
    this.#event("TaskFailed", { error: failure.name, cause: failure.message });
    this.close(failure);
    return true;
  }

  #endAtTimeout(): void {
    const { timeoutMs } = this.#options;
    if (timeoutMs === undefined) return;
    const timer = setTimeout(() => {
      this.#event("TaskTimedOut", { error: "States.Timeout" });
      this.close(new StateFailure("States.Timeout", ""));
    }, timeoutMs);
    this.#ended.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  close(failure: StateFailure): void {
    if (!this.open) return;
    this.#ended.abort(answerIsLate);
    this.#settled.reject(failure);
  }

  #event(type: string, detail: NewEvent["detail"] = {}): void {
    const { resource } = this.#options;
    const isDirect = directLambda.test(resource);
    this.#options.onEvent(
      isDirect
        ? lambdaEvent(type, { resource, detail })
        : { type, detail: { ...resourceOf(resource), ...detail } },
    );
  }
}

const directLambda = /^arn:[^:]+:lambda:/;

/** AWS has events of their own for a Task whose resource is a function's ARN; only their beginning names it. */
function lambdaEvent(
  type: string,
  { resource, detail }: { readonly resource: string; readonly detail: NewEvent["detail"] },
): NewEvent {
  const own = type.replace(/^Task/, "LambdaFunction");
  if (type === "TaskStarted") return { type: own };
  if (type !== "TaskScheduled") return { type: own, ...(detail && { detail }) };
  return { type: own, detail: { resource, input: detail?.["parameters"] } };
}

/** AWS names an optimized integration by its service and call: `lambda` and `invoke.waitForTaskToken`. */
function resourceOf(resource: string): { resourceType: string; resource: string } {
  const [, service, call] = /^arn:[^:]+:states:[^:]*:[^:]*:([^:]+):(.+)$/.exec(resource) ?? [];
  return { resourceType: service ?? "lambda", resource: call ?? resource };
}
