import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Invocation } from "./lambda/function-url.ts";
import { answerUrl, type FunctionUrl, urlPath } from "./lambda/function-url.ts";
import { AwsError, type HttpRequest, type HttpResponse, type HttpService } from "./service.ts";

/** What a function gets beside its event; the members of AWS's context that do not depend on a log service. */
export interface LambdaContext {
  readonly awsRequestId: string;
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  readonly callbackWaitsForEmptyEventLoop: boolean;
  readonly clientContext?: unknown;
  getRemainingTimeInMillis(): number;
}

export type LambdaFunction = (event: unknown, context: LambdaContext) => Promise<unknown>;

export interface LambdaOptions {
  /** By name, and published versions by name and version: "admin:1". */
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  /** Likewise; `timeoutMsDefault` for the others. A function that is late goes on running, as nothing can stop it. */
  readonly timeoutMs?: Readonly<Record<string, number>>;
  /** The URL that a function has, at `POST /function-urls/<name>`. */
  urlOf?(functionName: string): FunctionUrl | undefined;
  readonly region: string;
  readonly account: string;
  /** Hears of asynchronous invocations that failed on every attempt. */
  onDropped?(dropped: Dropped): void;
}

export interface Dropped {
  readonly functionName: string;
  readonly arn: string;
  readonly requestId: string;
  readonly attempts: number;
  readonly event: unknown;
  /** What the last attempt answered, as JSON. */
  readonly payload: string;
  readonly error: Error;
}

export interface Lambda extends HttpService {
  readonly name: "lambda";
  /** Runs a function, given by name or ARN, and waits for it. Throws ResourceNotFoundException. */
  invoke(
    functionName: string,
    event: unknown,
    options?: { readonly clientContext?: unknown },
  ): Promise<Invocation>;
  /** Queues an event for a function, which is tried three times as on AWS. Throws ResourceNotFoundException. */
  queue(functionName: string, event: unknown): void;
}

const latest = "$LATEST";
const timeoutMsDefault = 3_000;
const payloadBytesMax = 6 * 1024 * 1024;
const asyncAttemptsMax = 3;
/** AWS waits one minute, then two, which a local run does not want to sit through. */
const asyncRetryMs = 100;

/** Lambda's Invoke on loopback: functions are called in this process. */
export function lambda(options: LambdaOptions): Lambda {
  const invoke: Lambda["invoke"] = (functionName, event, { clientContext } = {}) =>
    run(find(functionName, options), { event, clientContext });
  const queue: Lambda["queue"] = (functionName, event) => {
    const found = find(functionName, options);
    void attemptLater(found, event).then((failed) => {
      if (failed !== undefined) options.onDropped?.(failed);
    });
  };
  return {
    name: "lambda",
    invoke,
    queue,
    matches: ({ path }) =>
      /^\/2015-03-31\/functions\/[^/]+\/(invocations|configuration)$/.test(path) || urlPath.test(path),
    operation: ({ path }) =>
      urlPath.test(path)
        ? "FunctionUrl"
        : path.endsWith("/invocations")
          ? "Invoke"
          : "GetFunctionConfiguration",
    refusal: ({ message }) => ({
      status: 403,
      headers: { "content-type": "application/json", "x-amzn-errortype": "AccessDeniedException" },
      body: JSON.stringify({ Message: message }),
    }),
    handle: async (request) => {
      if (urlPath.test(request.path)) return answerUrl(request, { ...options, invoke });
      const name = decodeURIComponent(request.path.split("/")[3] ?? "");
      if (request.path.endsWith("/configuration")) return answerConfiguration(find(name, options));
      return answerInvoke({ name, request }, { invoke, queue });
    },
  };
}

interface Found {
  readonly name: string;
  readonly version: string;
  readonly arn: string;
  readonly run: LambdaFunction;
  readonly timeoutMs: number;
}

/** By name, partial ARN or ARN, each with or without a version. */
function find(given: string, { functions, timeoutMs = {}, region, account }: LambdaOptions): Found {
  const [, name = "", version = latest] =
    /^(?:arn:[^:]+:lambda:[^:]+:)?(?:\d{12}:)?(?:function:)?([\w-]+)(?::([$\w-]+))?$/.exec(given) ?? [];
  const key = version === latest ? name : `${name}:${version}`;
  const known = Object.hasOwn(functions, key) ? functions[key] : undefined;
  const arn = `arn:aws:lambda:${region}:${account}:function:${key || given}`;
  if (!known) throw new AwsError("ResourceNotFoundException", `Function not found: ${arn}`, 404);
  return { name, version, arn, run: known, timeoutMs: timeoutMs[key] ?? timeoutMsDefault };
}

async function run(
  found: Found,
  {
    event,
    clientContext,
    requestId: awsRequestId = randomUUID(),
  }: { event: unknown; clientContext?: unknown; requestId?: string },
): Promise<Invocation> {
  const deadline = Date.now() + found.timeoutMs;
  const context: LambdaContext = {
    awsRequestId,
    functionName: found.name,
    functionVersion: found.version,
    invokedFunctionArn: found.arn,
    memoryLimitInMB: "512",
    callbackWaitsForEmptyEventLoop: true,
    ...(clientContext === undefined ? {} : { clientContext }),
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  const { version } = found;
  const timer = Promise.withResolvers<Invocation>();
  const late = setTimeout(
    () => timer.resolve({ ...timedOut(awsRequestId, found.timeoutMs), version }),
    found.timeoutMs,
  );
  const given: unknown = JSON.parse(JSON.stringify(event ?? {}));
  const done = Promise.try(found.run, given, context).then(
    (result): Invocation => ({ payload: JSON.stringify(result ?? null), version }),
    (error: unknown): Invocation => ({
      payload: JSON.stringify(errorPayload(error)),
      functionError: "Unhandled",
      version,
    }),
  );
  try {
    return await Promise.race([done, timer.promise]);
  } finally {
    clearTimeout(late);
  }
}

/** A function that ran out of time names no errorType, which Step Functions reports as Lambda.Unknown. */
function timedOut(awsRequestId: string, timeoutMs: number): Omit<Invocation, "version"> {
  const seconds = (timeoutMs / 1000).toFixed(2);
  const errorMessage = `${new Date().toISOString()} ${awsRequestId} Task timed out after ${seconds} seconds`;
  return { payload: JSON.stringify({ errorMessage }), functionError: "Unhandled" };
}

function errorPayload(error: unknown): { errorType: string; errorMessage: string; trace: string[] } {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: [] };
}

/** What is left of an event that failed on every attempt; all of them have one request id. */
async function attemptLater(found: Found, event: unknown): Promise<Dropped | undefined> {
  const requestId = randomUUID();
  for (let attempt = 1; ; attempt += 1) {
    const { functionError, payload } = await run(found, { event, requestId });
    if (!functionError) return undefined;
    if (attempt >= asyncAttemptsMax) {
      const { name: functionName, arn } = found;
      return { functionName, arn, requestId, attempts: attempt, event, payload, error: new Error(payload) };
    }
    await pause(asyncRetryMs * attempt);
  }
}

async function answerInvoke(
  { name, request }: { name: string; request: HttpRequest },
  { invoke, queue }: Pick<Lambda, "invoke" | "queue">,
): Promise<HttpResponse> {
  if (request.signingService === "") throw missingToken();
  if (request.body.length > payloadBytesMax)
    throw new AwsError("RequestTooLargeException", "Request too large", 413);
  const event = parseEvent(request.body.toString());
  const type = request.headers["x-amz-invocation-type"] ?? "RequestResponse";
  if (type === "DryRun") return { status: 204, body: "" };
  if (type === "Event") {
    queue(name, event);
    return { status: 202, body: "" };
  }
  const { payload, functionError, version } = await invoke(name, event, clientContextOf(request));
  return {
    status: 200,
    headers: {
      "content-type": "application/json",
      "x-amz-executed-version": version,
      ...(functionError ? { "x-amz-function-error": functionError } : {}),
    },
    body: payload,
  };
}

export function missingToken(): AwsError {
  return new AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403);
}

function parseEvent(body: string): unknown {
  try {
    return JSON.parse(body === "" ? "{}" : body);
  } catch {
    throw new AwsError("InvalidRequestContentException", "Could not parse request body into json");
  }
}

function clientContextOf({ headers }: HttpRequest): { clientContext?: unknown } {
  const given = headers["x-amz-client-context"];
  if (given === undefined) return {};
  try {
    return { clientContext: JSON.parse(Buffer.from(given, "base64").toString()) };
  } catch {
    throw new AwsError(
      "InvalidRequestContentException",
      "Client context must be a valid Base64-encoded JSON object.",
    );
  }
}

function answerConfiguration({ name, version, arn, timeoutMs }: Found): HttpResponse {
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      FunctionName: name,
      FunctionArn: arn,
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Timeout: Math.ceil(timeoutMs / 1000),
      MemorySize: 512,
      Version: version,
      State: "Active",
      LastUpdateStatus: "Successful",
    }),
  };
}
