import * as z from "zod";
import { RotationError } from "../../core/errors.ts";
import type { AdminDeps } from "../deps.ts";
import { type AdminCommand, type Answer, type Caller, type Order, refused } from "./command.ts";
import { commands } from "./commands.ts";

/** The event of a function URL (payload 2.0): the parts that are used here. */
const UrlEvent = z.object({
  body: z.string().max(2_097_152).optional(),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.object({
    requestId: z.string().min(1).max(100),
    timeEpoch: z.number().int().positive(),
    /** Written by AWS after it verified the signature. Nothing in the body can change who the caller is. */
    authorizer: z.object({ iam: z.object({ userArn: z.string().min(1).max(512) }) }),
  }),
});

const Named = z.looseObject({ command: z.string().max(64) });

export interface UrlAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One command of one authenticated person. */
export async function answerAdmin(event: unknown, deps: AdminDeps): Promise<UrlAnswer> {
  const request = UrlEvent.safeParse(event);
  if (!request.success) return forbidden(deps);
  const { requestContext, body = "", isBase64Encoded } = request.data;
  const caller: Caller = {
    principal: requestContext.authorizer.iam.userArn,
    atMs: requestContext.timeEpoch,
    requestId: requestContext.requestId,
  };
  const input = jsonIn(isBase64Encoded ? Buffer.from(body, "base64").toString("utf8") : body);
  const name = Named.safeParse(input).data?.command ?? "";
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const answer =
    command === undefined
      ? refused({ reason: "InputInvalid", detail: "no such command" })
      : await perform({ command, order: { input, caller } }, deps);
  deps.log({
    step: "admin",
    command: command === undefined ? "unknown" : name,
    principal: caller.principal,
    outcome: answer.outcome,
    ...(typeof answer["reason"] === "string" && { reason: answer["reason"] }),
  });
  return reply(statusOf(answer), answer);
}

function jsonIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

interface Request {
  readonly command: AdminCommand;
  readonly order: Order<unknown>;
}

async function perform({ command, order }: Request, deps: AdminDeps): Promise<Answer> {
  try {
    return await command(order, deps);
  } catch (error) {
    if (error instanceof RotationError) {
      const hint = error.retry === "later" ? "try again in a moment" : undefined;
      return refused({ reason: error.name, detail: error.message, ...(hint !== undefined && { hint }) });
    }
    // The message of an unexpected error may quote its input.
    const name = error instanceof Error ? error.name : "a value that is no error";
    return refused({
      reason: "UnexpectedFailure",
      detail: `unexpected ${name}; the function's log has the request`,
    });
  }
}

function forbidden(deps: AdminDeps): UrlAnswer {
  deps.log({ step: "admin", outcome: "forbidden" });
  return reply(403, refused({ reason: "NotAuthenticated", detail: "AWS did not say who calls" }));
}

const statuses: Readonly<Record<string, number>> = {
  InputInvalid: 400,
  PolicyInvalid: 422,
  UnknownSecret: 404,
  StoreUnavailable: 503,
  LedgerContended: 503,
  UnexpectedFailure: 500,
};

function statusOf({ outcome, reason }: Answer): number {
  return outcome === "refused" ? (statuses[String(reason)] ?? 409) : 200;
}

function reply(statusCode: number, answer: Answer): UrlAnswer {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(answer) };
}
