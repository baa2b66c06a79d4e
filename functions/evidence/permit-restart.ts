import * as z from "zod";
import { type TurnAnswer, takeTurn } from "../../core/adoption/restart-turns.ts";
import type { ConsumerPolicy } from "../../core/policy.ts";
import { restartTurnsIn } from "../../ledger/restart-turns.ts";
import type { Deps } from "../deps.ts";
import type { Handler } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { policyNamed } from "./policy-named.ts";

/** The event of a function URL (payload 2.0). AWS writes the caller, and lets only signed requests through. */
const UrlEvent = z.object({
  body: z.string().max(16_384),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.object({
    timeEpoch: z.int().positive(),
    authorizer: z.object({ iam: z.object({ userArn: z.string().min(20).max(512) }) }),
  }),
});

const PermitRequest = z.object({
  schema: z.literal(1),
  action: z.enum(["ask", "done", "failed"]),
  secretArn: z.string().min(1).max(2_048),
  consumer: z.string().regex(/^[\w.-]{1,64}$/),
  instance: z.string().regex(/^[\w .,:;/@-]{1,200}$/),
  versionId: z.string().regex(/^[\w.-]{1,128}$/),
});
type PermitRequest = z.output<typeof PermitRequest>;

/** How long who may not ask waits before it asks again: its policy may be on its way. */
const refusedRetryMs = 60_000;

const ready = wiring();

/** Answers `rekey exec`, which asks before it restarts its program. */
export const handler: Handler = (event) => permitRestart(event, ready());

export async function permitRestart(event: unknown, deps: Deps) {
  const called = UrlEvent.safeParse(event);
  if (!called.success) return reply(403, refused("AWS did not say who calls"));
  const { body, isBase64Encoded, requestContext } = called.data;
  const text = isBase64Encoded ? Buffer.from(body, "base64").toString("utf8") : body;
  const request = PermitRequest.safeParse(jsonIn(text));
  if (!request.success) return reply(400, refused("this is no request for a permit"));
  const by = roleOf(requestContext.authorizer.iam.userArn);
  const answer = await answerTo(request.data, { by, nowMs: requestContext.timeEpoch, deps });
  const { consumer, instance, action } = request.data;
  deps.log({ step: "permit-restart", consumer, instance, action, by, outcome: answer.outcome });
  return reply(200, answer);
}

async function answerTo(
  request: PermitRequest,
  { by, nowMs, deps }: { readonly by: string; readonly nowMs: number; readonly deps: Deps },
): Promise<TurnAnswer> {
  const policy = await policyNamed(request.secretArn, deps);
  const consumers = policy === undefined || policy.consumers === "none" ? [] : policy.consumers;
  const consumer = consumers.find(({ name }) => name === request.consumer);
  if (policy === undefined || consumer === undefined)
    return refused(`no policy names ${request.consumer} as a consumer of this secret`);
  if (!mayAsk(consumer, by)) return refused(`this role is none of ${request.consumer}'s`);
  const { action, instance, versionId } = request;
  return restartTurnsIn(deps.ledger.documents).changeTurns(
    { secretArn: policy.secretArn, consumer: consumer.name },
    {
      nowMs,
      change: (before) =>
        takeTurn(
          before,
          { action, instance, versionId, by },
          { nowMs, atOnce: consumer.restartsAtOnce ?? 1 },
        ),
    },
  );
}

/** Where the policy names the consumer's roles, nobody else holds its restarts up. */
function mayAsk({ roles }: ConsumerPolicy, by: string): boolean {
  return roles === undefined || roles.some((role) => sessionsOf(role) === by);
}

/** Without the name of the session, which the caller may choose. */
function roleOf(userArn: string): string {
  return userArn.replace(/^(arn:[\w-]+:sts::\d{12}:assumed-role\/[\w+=,.@-]+)\/.*$/, "$1");
}

/** A session's ARN has the role's name and not its path. */
function sessionsOf(role: string): string {
  return role.replace(
    /^(arn:[\w-]+):iam::(\d{12}):role\/(?:.*\/)?([\w+=,.@-]+)$/,
    "$1:sts::$2:assumed-role/$3",
  );
}

const refused = (reason: string): TurnAnswer => ({ outcome: "refused", retryMs: refusedRetryMs, reason });

function reply(statusCode: number, answer: TurnAnswer) {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(answer) };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
