import type { z } from "zod";
import type { AdminDeps } from "./deps.ts";

/** Who called, when, and which call it was: all three from what AWS wrote on the request, never from its body. */
export interface Caller {
  readonly principal: string;
  readonly atMs: number;
  readonly requestId: string;
}

export interface Order<Input> {
  readonly input: Input;
  readonly caller: Caller;
}

/** What a command did. `refused` is an answer, not an error: nothing was changed, and `hint` says what to do. */
export type Answer = Readonly<Record<string, unknown>> & { readonly outcome: string };

export interface AdminCommand<Input> {
  /** Strict: a field that nobody reads is a mistake of the caller's. */
  readonly input: z.ZodType<Input>;
  run(order: Order<Input>, deps: AdminDeps): Promise<Answer>;
}

export function adminCommand<Input>(command: AdminCommand<Input>): AdminCommand<Input> {
  return command;
}

export interface RefusedAnswer extends Answer {
  readonly outcome: "refused";
  readonly reason: string;
  readonly detail: string;
  readonly hint?: string;
}

export function refused(refusal: {
  readonly reason: string;
  readonly detail: string;
  readonly hint?: string;
}): RefusedAnswer {
  return { outcome: "refused", ...refusal } as RefusedAnswer;
}
