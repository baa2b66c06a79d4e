import type * as z from "zod";
import type { AdminDeps } from "../deps.ts";
import { withoutKeys } from "../key-index/without-keys.ts";

/** Who called, when, and which call it was: all taken from what AWS wrote on the request, never from its body. */
export interface Caller {
  readonly principal: string;
  readonly atMs: number;
  readonly requestId: string;
  /** Who confirmed an order that needs a second person. */
  readonly approvedBy?: string;
  /** The order is one that others would have to approve, or that one person may only give alone: it is marked. */
  readonly alone?: true;
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
export interface AdminCommand {
  (order: Order<unknown>, deps: AdminDeps): Promise<Answer>;
  /** Its fields, checked and without keys; a refusal says what is wrong with them. */
  read(input: unknown, deps: AdminDeps): Promise<Read | RefusedAnswer>;
}

interface Read {
  readonly outcome: "read";
  readonly given: Readonly<Record<string, unknown>>;
}

export function adminCommand<Input>(definition: Definition<Input>): AdminCommand {
  const { input: schema, findsKeys = false, run } = definition;
  const check = async (input: unknown, deps: AdminDeps) => {
    const parsed = schema.safeParse(input);
    // What people write stays in the record and the audit log for good.
    if (parsed.success) return findsKeys ? { value: parsed.data, hidden: 0 } : withoutKeys(parsed.data, deps);
    // Names the fields, never their values: one of them might be a key in the wrong place.
    const fields = parsed.error.issues.map(
      (issue) => `${issue.path.join(".") || "command"} ${sayIssue(issue)}`,
    );
    return refused({ reason: "InputInvalid", detail: fields.join("; ").slice(0, detailMax) });
  };
  const command = async ({ input, caller }: Order<unknown>, deps: AdminDeps): Promise<Answer> => {
    const checked = await check(input, deps);
    if ("outcome" in checked) return checked;
    const answer = await run({ input: checked.value, caller }, deps);
    return checked.hidden === 0 ? answer : { ...answer, keysHidden: checked.hidden };
  };
  return Object.assign(command, {
    read: async (input: unknown, deps: AdminDeps) => {
      const checked = await check(input, deps);
      if ("outcome" in checked) return checked;
      return { outcome: "read" as const, given: checked.value as Readonly<Record<string, unknown>> };
    },
  });
}

/** A command that much code belongs to: it is loaded once somebody gives it. */
export function commandLater(load: () => Promise<AdminCommand>): AdminCommand {
  const command = async (order: Order<unknown>, deps: AdminDeps) => (await load())(order, deps);
  return Object.assign(command, {
    read: async (input: unknown, deps: AdminDeps) => (await load()).read(input, deps),
  });
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
