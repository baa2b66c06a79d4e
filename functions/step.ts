import middy from "@middy/core";
import type { Context } from "aws-lambda";
import * as z from "zod";
import { InputInvalid, ProviderThrottled, RotationError } from "../core/errors.ts";
import type { Ticket } from "../core/rotation/secret-record.ts";
import { isReference } from "../stores/index.ts";
import type { Deps } from "./deps.ts";
import { within } from "./invocation.ts";
import { isWarmUp } from "./warm-up.ts";

/** One Task state: its input, and what it does. The machine's retries match on the names of its errors. */
export interface Step<Input, Output, Needs extends Deps = Deps> {
  readonly name: string;
  readonly input: z.ZodType<Input>;
  /** The type of `deps` declares what the step needs besides what every step has. */
  readonly run: (input: Input, deps: Needs) => Promise<Output>;
}

export type Handler = (event: unknown, context: Context) => Promise<unknown>;

export function step<Input, Output, Needs extends Deps>(
  definition: Step<Input, Output, Needs>,
): Step<Input, Output, Needs> {
  return definition;
}

/** Milliseconds since the epoch, from the ISO time that Step Functions or EventBridge stamped (T1). */
export const stampedAt = z.iso.datetime({ offset: true }).transform((iso) => Date.parse(iso));

/** A secret's reference, as its store writes it. */
export const secretArnText = z.string().max(2048).refine(isReference, "no store has such references");

export const ticketShape = {
  secretArn: secretArnText,
  rotationId: z.string().regex(/^[\w-]{1,80}$/),
  fence: z.number().int().positive(),
  at: stampedAt,
};

/** A step's own time and its run's ticket. */
export type TicketInput = Ticket & { readonly at: number };

const throttlePauseMaxMs = 20_000;

/** What one call may use. A Lambda function has the same for all its calls; the simulator has one for each. */
type DepsOf<Needs extends Deps = Deps> = (context: Context) => Needs;

/** The Lambda handler of a step: parse, run, one log line, and errors with their literal names. */
export function onLambda<Input, Output, Needs extends Deps>(
  definition: Step<Input, Output, Needs>,
  deps: DepsOf<NoInfer<Needs>>,
): Handler {
  const handler = middy({ timeoutEarlyInMillis: 0 })
    .use(oneLogLine(definition.name, deps))
    .use(waitOutThrottles(deps))
    .use(parsedInput(definition))
    .handler(async (input: unknown, context) => definition.run(input as Input, deps(context)));
  const functionName = definition.name;
  return async (event, context) => {
    if (!isWarmUp(event)) return within({ functionName, event }, () => handler(event, context));
    // Makes the clients, which the next call then has. Asks nobody.
    deps(context);
    return { outcome: "warm" };
  };
}

/** Names the fields that are wrong, never their values: a value might be a key in the wrong place. */
function parse<Input>(
  definition: { readonly name: string; readonly input: z.ZodType<Input> },
  event: unknown,
): Input {
  const parsed = definition.input.safeParse(event);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "input"}: ${message}`);
  throw new InputInvalid(`${definition.name}: ${fields.join("; ")}`);
}

/** What the middlewares of one call share. */
interface Shared extends Record<string, unknown> {
  ids?: Record<string, string>;
}
type Middleware = middy.MiddlewareObj<unknown, unknown, Error, Context, Shared>;

/** The ids in an input that was refused are not logged: one of them might be a key in the wrong place. */
function parsedInput(definition: Parameters<typeof parse>[0]): Middleware {
  return {
    before: (request) => {
      const { event } = request;
      request.event = parse(definition, event);
      request.internal.ids = idsOf(event);
    },
  };
}

function oneLogLine(name: string, deps: DepsOf): Middleware {
  const startedAt = new WeakMap<object, number>();
  return {
    before: (request) => {
      startedAt.set(request.context, deps(request.context).clock.nowMs());
    },
    after: (request) => {
      deps(request.context).log({ ...lineOf(request), ...outcomeOf(request.response) });
    },
    onError: (request) => {
      const error = request.error;
      const known = error instanceof RotationError;
      deps(request.context).log({
        ...lineOf(request),
        outcome: "failed",
        error: error?.name,
        reason: known ? error.message : "unexpected; see the error's name",
      });
      if (!known && error) request.error = new UnexpectedFailure(error);
    },
  };

  function lineOf({ context, internal }: Parameters<NonNullable<Middleware["after"]>>[0]) {
    const started = startedAt.get(context);
    return {
      step: name,
      ...internal.ids,
      ...(started !== undefined && { tookMs: Math.round(deps(context).clock.nowMs() - started) }),
    };
  }
}

const framesMax = 20;

/** For a bug or an SDK error: its message may quote its input, so only its name and place leave the function. */
class UnexpectedFailure extends Error {
  override readonly name = "UnexpectedFailure";

  constructor({ name, stack = "" }: Error) {
    super(`unexpected ${name}`);
    const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
    this.stack = [`${this.name}: ${this.message}`, ...frames.slice(0, framesMax)].join("\n");
  }
}

/** The provider said how long to wait. The machine's own backoff begins after that (L5). */
function waitOutThrottles(deps: DepsOf): middy.MiddlewareObj {
  return {
    onError: async ({ error, context }) => {
      if (!(error instanceof ProviderThrottled) || error.retryAfterMs === undefined) return;
      await deps(context).clock.pause(Math.min(error.retryAfterMs, throttlePauseMaxMs));
    },
  };
}

const loggedIds = ["rotationId", "incidentId", "secretArn", "action"] as const;

function idsOf(event: unknown): Record<string, string> {
  if (typeof event !== "object" || event === null) return {};
  const ids: Record<string, string> = {};
  for (const [key, value] of Object.entries(event)) {
    const id = loggedIds.find((name) => name === key);
    if (id !== undefined && typeof value === "string") ids[id] = value.slice(0, 200);
  }
  return ids;
}

function outcomeOf(response: unknown): Record<string, string> {
  if (typeof response !== "object" || response === null) return { outcome: "done" };
  const { outcome, verdict, reason } = response as Record<string, unknown>;
  return {
    outcome: String(outcome ?? verdict ?? "done"),
    ...(typeof reason === "string" && { reason }),
  };
}
