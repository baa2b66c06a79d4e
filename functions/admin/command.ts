import type * as z from "zod";
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

interface Definition<Input> {
  /** Strict: a field that nobody reads is a mistake of the caller's. */
  readonly input: z.ZodType<Input>;
  run(order: Order<Input>, deps: AdminDeps): Promise<Answer>;
}

/** One thing that a person may ask for, from the request's body on. */
export type AdminCommand = (order: Order<unknown>, deps: AdminDeps) => Promise<Answer>;

export function adminCommand<Input>({ input: schema, run }: Definition<Input>): AdminCommand {
  return async ({ input, caller }, deps) => {
    const parsed = schema.safeParse(input);
    if (parsed.success) return run({ input: parsed.data, caller }, deps);
    // The fields, never their values: one of them might be a key in the wrong place.
    const fields = parsed.error.issues.map(
      ({ path, message }) => `${path.join(".") || "command"}: ${message}`,
    );
    return refused({ reason: "InputInvalid", detail: fields.join("; ").slice(0, detailMax) });
  };
}

const detailMax = 1_000;

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
