import { AsyncLocalStorage } from "node:async_hooks";

/** What one call of one function is about. A process of the local cloud serves several at the same time. */
export interface Invocation {
  readonly functionName: string;
  readonly incidentId?: string;
  readonly secretArn?: string;
  /** How long it has waited for the budget of a provider's account. */
  waitedMs: number;
  /** How many calls it has made to providers. */
  calls: number;
  /** Calls that are booked for it already, and until when. */
  booked: { readonly calls: number; readonly untilMs: number };
}

const current = new AsyncLocalStorage<Invocation>();

export function within<Answer>(
  { functionName, event }: { readonly functionName: string; readonly event: unknown },
  work: () => Promise<Answer>,
): Promise<Answer> {
  const { incidentId, secretArn } = Object(event) as Record<string, unknown>;
  const invocation: Invocation = {
    ...(typeof incidentId === "string" && { incidentId }),
    ...(typeof secretArn === "string" && { secretArn }),
    ...{ functionName, waitedMs: 0, calls: 0, booked: { calls: 0, untilMs: 0 } },
  };
  return current.run(invocation, work);
}

/** Undefined outside of a step, such as in a person's command. */
export function invocation(): Invocation | undefined {
  return current.getStore();
}
