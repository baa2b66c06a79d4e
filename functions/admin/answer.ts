import * as z from "zod";
import { RotationError } from "../../core/errors.ts";
import type { AdminDeps } from "../deps.ts";
import { type Answer, refused } from "./command.ts";
import { commands } from "./commands.ts";
import { whyTooMany } from "./order-rate.ts";
import { give, type Request } from "./two-people/give.ts";
import { jsonIn, whoOrdered } from "./who-ordered.ts";

/** The event of a function URL (payload 2.0): the parts that are used here. */
const UrlEvent = z.object({
  body: z.string().max(2_097_152).optional(),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.object({
    requestId: z.string().min(1).max(100),
    timeEpoch: z.number().int().positive(),
    /** Written by AWS for a call of the URL, but by the caller for a direct one: it has to agree with the proof. */
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
  if (!request.success) return forbidden("AWS did not say who calls", deps);
  const { requestContext, body = "", isBase64Encoded } = request.data;
  const known = await identified(
    {
      body: isBase64Encoded ? Buffer.from(body, "base64").toString("utf8") : body,
      userArn: requestContext.authorizer.iam.userArn,
      atMs: requestContext.timeEpoch,
    },
    deps,
  );
  if ("answer" in known) return known.answer;
  const { caller } = known;
  const input = withoutNonce(jsonIn(known.order));
  const name = Named.safeParse(input).data?.command ?? "";
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const answer =
    command === undefined
      ? refused({ reason: "InputInvalid", detail: "no such command" })
      : await perform({ name, command, order: { input, caller } }, deps);
  deps.log({
    step: "admin",
    command: command === undefined ? "unknown" : name,
    principal: caller.principal,
    outcome: answer.outcome,
    ...(typeof answer["reason"] === "string" && { reason: answer["reason"] }),
  });
  return reply(statusOf(answer), answer);
}

async function identified(arrived: Parameters<typeof whoOrdered>[0], deps: AdminDeps) {
  try {
    const known = await whoOrdered(arrived, deps);
    return "refusal" in known ? { answer: forbidden(known.refusal, deps) } : known;
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    const failed = refused({ reason: error.name, detail: error.message, hint: "try again in a moment" });
    return { answer: reply(statusOf(failed), failed) };
  }
}

/** The nonce makes every order one of its kind; no command reads it. */
function withoutNonce(input: unknown): unknown {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return input;
  const { nonce: _, ...command } = input as Readonly<Record<string, unknown>>;
  return command;
}

async function perform(request: Request, deps: AdminDeps): Promise<Answer> {
  try {
    const { name, order } = request;
    const { principal, atMs } = order.caller;
    return (await whyTooMany({ name, principal, atMs }, deps)) ?? (await give(request, deps));
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

function forbidden(detail: string, deps: AdminDeps): UrlAnswer {
  deps.log({ step: "admin", outcome: "forbidden", detail });
  return reply(403, refused({ reason: "NotAuthenticated", detail }));
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
