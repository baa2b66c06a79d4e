import { nativeRunOf } from "../../../core/rotation/native.ts";
import type { FakeReply } from "../../../providers/fake.ts";

/** A port whose every call is a boundary call; `operations` says which of them change something. */
export type Through = <Port extends object>(
  port: BoundaryCall["port"],
  target: Port,
  operations: Readonly<Record<string, boolean>>,
) => Port;

/** Who calls a function. */
export interface CalledBy {
  /** The execution that called it; a function that a bus or a person calls has none. */
  readonly executionArn?: string;
  /** Lambda ends the function then, unless the signal says that nobody waits for its answer any more. */
  readonly timeLimit?: { readonly ms: number; readonly signal: AbortSignal };
}

/** One run of one function. After a crash it never gets past its next call. */
export interface Invocation extends CalledBy {
  readonly id: number;
  readonly functionName: string;
  /** The event it was called with. */
  readonly input: unknown;
  /** Of this process's clock against the true one. */
  readonly skewMs: number;
}

/** The run that a function was called for; Secrets Manager names it by its token. */
export function rotationOf(input: unknown): string | undefined {
  const { rotationId, ClientRequestToken: token } = Object(input) as {
    readonly rotationId?: string;
    readonly ClientRequestToken?: string;
  };
  return rotationId ?? (token === undefined ? undefined : nativeRunOf(token));
}

/** What only an incident's functions reach: channels to people, what was scoped, and the reports' shelf. */
export type IncidentPort = "people" | "scoper" | "reports";

/** A call that leaves a function. */
export interface BoundaryCall {
  readonly invocation: Invocation;
  readonly port:
    | "store"
    | "table"
    | "provider"
    | "destination"
    | "bus"
    | "executions"
    | IncidentPort
    | "signer"
    | "shelf";
  readonly operation: string;
  /** Whether it changes something outside. */
  readonly changes: boolean;
  /** What it was called with; for the provider, the request. */
  readonly given: readonly unknown[];
}

/** The event never came to be, or it did and the machine does not know. */
export type AnnounceFault = "failBefore" | "lostReply";

/** What may happen around the functions. The simulator's answers come from its seed; a story's from the story. */
export interface Surroundings {
  /** `effect` does what the call does. What this throws, or when it answers, is what the function sees. */
  call<Answer>(call: BoundaryCall, effect: () => Promise<Answer>): Promise<Answer>;
  /** Called when a function starts; its end is `ended`, or a crash if that settles first. */
  invocation(invocation: Omit<Invocation, "skewMs">): {
    readonly skewMs: number;
    readonly crashed: Promise<never>;
  };
  /** The answer, as JSON, or what was thrown. */
  ended?(invocation: Invocation, end: { readonly output: string } | { readonly error: unknown }): void;
  /** What goes wrong when a machine itself puts an event on the bus. */
  announces?(): AnnounceFault | undefined;
  /** How often, and after how long, an event reaches its target. */
  deliveries(type: string): readonly number[];
  /** A fault in the provider's reply itself, for those that only the wire can make. */
  reply(reply: FakeReply): FakeReply;
}

/** A promise for each who waits: one for all would hold on to every waiter, and to its world. */
export const never = () => new Promise<never>(() => undefined);

export const noFaults: Surroundings = {
  call: (_call, effect) => effect(),
  invocation: () => ({ skewMs: 0, crashed: never() }),
  deliveries: () => [0],
  reply: (reply) => reply,
};
