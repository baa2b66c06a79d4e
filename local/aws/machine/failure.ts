/** What a task's work throws to fail its state with an error and a cause of its own, as SendTaskFailure does. */
export class TaskFailure extends Error {
  override readonly name: string;
  readonly taskCause: string;

  constructor(error: string, cause: string) {
    super(error);
    this.name = error;
    this.taskCause = cause;
  }
}

/** An error in the engine's terms: Retry and Catch match `name`, and `message` becomes the Cause. */
export class StateFailure extends Error {
  override readonly name: string;
  readonly isRetryable: boolean;
  readonly isCatchable: boolean;

  constructor(
    error: string,
    cause: string,
    { terminal = false, isRetryable = !terminal }: { terminal?: boolean; isRetryable?: boolean } = {},
  ) {
    super(cause);
    this.name = error;
    this.isRetryable = isRetryable;
    this.isCatchable = !terminal;
  }
}

/** In bytes of UTF-8: what a task's result, a state's output and a Map's outputs together may be. */
export const payloadBytesMax = 262_144;
const dataLimitExceeded = "States.DataLimitExceeded";

/** True for a state that catches too much data by its name. States.ALL alone does not, says AWS's documentation. */
export function takesDataLimit(catchers: unknown): boolean {
  return (
    Array.isArray(catchers) &&
    catchers.some(({ ErrorEquals }) => Array.isArray(ErrorEquals) && ErrorEquals.includes(dataLimitExceeded))
  );
}

/** Undefined for data that is small enough. */
export function tooMuchData(
  text: string | undefined,
  { state, isTaken }: { readonly state: string; readonly isTaken: boolean },
): StateFailure | undefined {
  if (text === undefined || Buffer.byteLength(text) <= payloadBytesMax) return undefined;
  const cause = `The state/task '${state}' returned a result with a size exceeding the maximum number of bytes service limit.`;
  return new StateFailure(dataLimitExceeded, cause, { terminal: !isTaken, isRetryable: false });
}

/** Ends a chain of states that nobody waits for any more: the engine must neither retry nor catch it. */
export function closedFailure(): StateFailure {
  return new StateFailure("States.Runtime", "the execution has ended", { terminal: true });
}

/** Words a thrown value as Lambda does on AWS: the error is its name, the cause a JSON text. */
export function failureOf(thrown: unknown): StateFailure {
  if (thrown instanceof StateFailure) return thrown;
  if (thrown instanceof TaskFailure) return new StateFailure(thrown.name, thrown.taskCause);
  const errorType = thrown instanceof Error ? thrown.name : typeof thrown;
  const errorMessage = thrown instanceof Error ? thrown.message : String(thrown);
  return new StateFailure(errorType, JSON.stringify({ errorType, errorMessage, trace: [] }));
}
