import { AsyncLocalStorage } from "node:async_hooks";

/** What one call of one function is about. A process of the local cloud serves several at the same time. */
export interface Invocation {
  readonly incidentId?: string;
  readonly secretArn?: string;
  /** How long it has waited for the budget of a provider's account. */
  waitedMs: number;
  /** How many calls it has made to providers. */
  calls: number;
}

const current = new AsyncLocalStorage<Invocation>();

export function within<Answer>(event: unknown, work: () => Promise<Answer>): Promise<Answer> {
  const { incidentId, secretArn } = Object(event) as Record<string, unknown>;
  const invocation: Invocation = {
    ...(typeof incidentId === "string" && { incidentId }),
    ...(typeof secretArn === "string" && { secretArn }),
    ...{ waitedMs: 0, calls: 0 },
  };
  return current.run(invocation, work);
}

/** Undefined outside of a step, such as in a person's command. */
export function invocation(): Invocation | undefined {
  return current.getStore();
}
