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

  constructor(error: string, cause: string, { terminal }: { terminal: boolean } = { terminal: false }) {
    super(cause);
    this.name = error;
    this.isRetryable = !terminal;
    this.isCatchable = !terminal;
  }
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
