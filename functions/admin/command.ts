import type * as z from "zod";
import type { AdminDeps } from "../deps.ts";
import { withoutKeys } from "../key-index/without-keys.ts";

/** Who called, when, and which call it was: all taken from what AWS wrote on the request, never from its body. */
export interface Caller {
  readonly principal: string;
  readonly atMs: number;
  readonly requestId: string;
}

export interface Order<Input> {
  readonly input: Input;
  readonly caller: Caller;
}

/**
 * The result of a command. `refused` is an answer, not an error: nothing was changed, and `hint` names the
 * next step.
 */
export type Answer = Readonly<Record<string, unknown>> & { readonly outcome: string };

interface Definition<Input> {
  /** Strict: an unknown field is a mistake of the caller. */
  readonly input: z.ZodType<Input>;
  /** True if the command itself looks for keys in what it is given; else that is done before `run`. */
  readonly findsKeys?: true;
  run(order: Order<Input>, deps: AdminDeps): Promise<Answer>;
}

/** One command of a person, beginning with the request's body. */
export type AdminCommand = (order: Order<unknown>, deps: AdminDeps) => Promise<Answer>;

export function adminCommand<Input>(definition: Definition<Input>): AdminCommand {
  const { input: schema, findsKeys = false, run } = definition;
  return async ({ input, caller }, deps) => {
    const parsed = schema.safeParse(input);
    if (parsed.success && findsKeys) return run({ input: parsed.data, caller }, deps);
    if (parsed.success) {
      // What people write stays in the record and the audit log for good.
      const { value, hidden } = await withoutKeys(parsed.data, deps);
      const answer = await run({ input: value, caller }, deps);
      return hidden === 0 ? answer : { ...answer, keysHidden: hidden };
    }
    // Names the fields, never their values: one of them might be a key in the wrong place.
    const fields = parsed.error.issues.map(
      (issue) => `${issue.path.join(".") || "command"} ${sayIssue(issue)}`,
    );
    return refused({ reason: "InputInvalid", detail: fields.join("; ").slice(0, detailMax) });
  };
}

const detailMax = 1_000;

/** What is wrong with one field, for the person who wrote it. */
function sayIssue(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "too_small":
      return issue.minimum === 1 ? "is empty" : `is shorter or fewer than ${issue.minimum}`;
    case "too_big":
      return issue.origin === "string"
        ? `is longer than ${issue.maximum} characters`
        : `is more than ${issue.maximum}`;
    case "invalid_type":
      return issue.message.endsWith("undefined") ? "is missing" : `has to be a ${issue.expected}`;
    case "invalid_value":
      return `has to be one of ${issue.values.join(", ")}`;
    case "unrecognized_keys":
      return `knows nothing of ${issue.keys.join(", ")}`;
    default:
      return issue.message;
  }
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
