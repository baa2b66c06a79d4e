import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { urlPath } from "./lambda/function-url.ts";
import {
  AwsError,
  type Caller,
  type Gate,
  type HttpRequest,
  type HttpResponse,
  type HttpService,
  type JsonService,
} from "./service.ts";

export interface CloudOptions {
  readonly services: readonly (JsonService | HttpService)[];
  /** Gets the requests for DynamoDB: dynalite's server. */
  readonly fallback?: Pick<Server, "emit">;
  /** Any free one without it. */
  readonly port?: number;
  /** Added to every answer. */
  readonly latencyMs?: number;
  /** The account of callers that `callers` does not name and whose access key id is no account id. */
  readonly account?: string;
  /** Who an access key id belongs to. */
  readonly callers?: Readonly<Record<string, { readonly account: string; readonly arn: string }>>;
  /** Without one everybody may do everything. */
  readonly gate?: Gate;
  /** Called with errors that are not an AwsError: bugs of a stand-in. The client only sees InternalFailure. */
  onDefect?(error: unknown): void;
}

export interface Cloud {
  readonly url: string;
  /** As if the Region were down: nothing answers until the returned function is called, and nothing is lost. */
  outage(): Promise<() => Promise<void>>;
  close(): Promise<void>;
  /** Requests so far, by signing name ("states", "secretsmanager") and operation ("StartExecution"). */
  requests(): Record<string, Record<string, number>>;
}

export const requestBytesMax = 1024 * 1024;
/** A function's URL takes as much as the function may be called with. */
export const urlBytesMax = 6 * 1024 * 1024;
const accountDefault = "111122223333";

/** Serves every stand-in on one loopback port, as AWS_ENDPOINT_URL expects it. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const counts: Record<string, Record<string, number>> = {};
  const count = (service: string, operation: string) => {
    counts[service] ??= {};
    const operations = counts[service];
    operations[operation] = (operations[operation] ?? 0) + 1;
  };
  const server = createServer((request, response) => {
    respond({ request, response }, { ...options, count }).catch((error: unknown) => {
      options.onDefect?.(error);
      response.destroy();
    });
  });
  const listen = (at: number) =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(at, "127.0.0.1", resolve);
    });
  const close = () =>
    new Promise<void>((resolve, reject) => {
      server.close((error) => (error ? reject(error) : resolve()));
      server.closeAllConnections();
    });
  await listen(options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => structuredClone(counts),
    outage: async () => {
      await close();
      return () => listen(port);
    },
    close,
  };
}

type Hosting = CloudOptions & { count(service: string, operation: string): void };

async function respond(
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  hosting: Hosting,
): Promise<void> {
  if (hosting.latencyMs) await pause(hosting.latencyMs);
  const target = String(request.headers["x-amz-target"] ?? "");
  if (hosting.fallback && target.startsWith("DynamoDB")) {
    hosting.count("dynamodb", operationOf(target));
    const handedOn = await admitToTable(request, { target, hosting }).catch((error: unknown) => {
      if (!(error instanceof AwsError)) hosting.onDefect?.(error);
      send(response, refusal(error));
    });
    if (handedOn) hosting.fallback.emit("request", handedOn, response);
    return;
  }
  send(
    response,
    await answer(request, target, hosting).catch((error: unknown) => {
      if (!(error instanceof AwsError)) hosting.onDefect?.(error);
      return refusal(error);
    }),
  );
}

function send(response: ServerResponse, { status, headers, body }: HttpResponse): void {
  response.writeHead(status, { "x-amzn-requestid": randomUUID(), ...headers });
  response.end(body);
}

/** The body says which items are meant, so it is read, and handed on as if it were still unread. */
async function admitToTable(
  request: IncomingMessage,
  { target, hosting }: { readonly target: string; readonly hosting: Hosting },
): Promise<Readable> {
  const read = await readRequest(request, hosting);
  const service = target.slice(0, target.lastIndexOf("."));
  const input = parseInput(read.body);
  refuseIgnored(input);
  hosting.gate?.admit(read.caller, { service, operation: operationOf(target), input, request: read });
  const { method, url, headers } = request;
  return Object.assign(Readable.from([read.body]), { method, url, headers });
}

/** What dynalite takes and does not do: a caller that came to rely on it would see it on AWS only. */
const ignoredByTable = ["ReturnValuesOnConditionCheckFailure"];

function refuseIgnored(input: Record<string, unknown>): void {
  const found = ignoredByTable.find((name) => (input[name] ?? "NONE") !== "NONE");
  if (found === undefined) return;
  throw new AwsError("ValidationException", `the local cloud's tables do not know ${found}`);
}

async function answer(request: IncomingMessage, target: string, hosting: Hosting): Promise<HttpResponse> {
  const read = await readRequest(request, hosting);
  if (target !== "") return answerJson(read, target, hosting);

  const service = hosting.services.find((one): one is HttpService => "matches" in one && one.matches(read));
  if (!service)
    throw new AwsError("UnknownOperationException", `nothing here answers ${read.method} ${read.path}`, 404);
  hosting.count(
    read.signingService || (service.name ?? "unsigned"),
    service.operation?.(read) ?? read.method,
  );
  const call = { service: service.name ?? "", operation: service.operation?.(read) ?? read.method };
  try {
    hosting.gate?.admit(read.caller, { ...call, input: {}, request: read });
  } catch (error) {
    if (service.refusal && error instanceof AwsError) return service.refusal(error, read);
    throw error;
  }
  return service.handle(read);
}

async function answerJson(request: HttpRequest, target: string, hosting: Hosting): Promise<HttpResponse> {
  const prefix = target.slice(0, target.lastIndexOf("."));
  const service = hosting.services.find(
    (one): one is JsonService => "target" in one && one.target === prefix,
  );
  if (!service) throw new AwsError("UnknownOperationException", `nothing here answers ${target}`, 404);
  if (request.signingService === "") {
    throw new AwsError("MissingAuthenticationTokenException", "Request is missing Authentication Token", 403);
  }
  const operation = operationOf(target);
  hosting.count(request.signingService, operation);
  const input = parseInput(request.body);
  hosting.gate?.admit(request.caller, { service: service.target, operation, input, request });
  const result = await service.call(operation, input, request.caller);
  return {
    status: 200,
    headers: { "content-type": request.headers["content-type"] ?? "application/x-amz-json-1.1" },
    body: JSON.stringify(result ?? {}),
  };
}

function operationOf(target: string): string {
  return target.slice(target.lastIndexOf(".") + 1);
}

function parseInput(body: Buffer): Record<string, unknown> {
  try {
    const input: unknown = JSON.parse(body.toString() || "{}");
    if (typeof input === "object" && input !== null && !Array.isArray(input))
      return input as Record<string, unknown>;
  } catch {
    // answered below, like any other body that is no JSON object
  }
  throw new AwsError("SerializationException", "the body is no JSON object");
}

function refusal(error: unknown): HttpResponse {
  const known =
    error instanceof AwsError ? error : new AwsError("InternalFailure", "the stand-in failed", 500);
  return {
    status: known.status,
    headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-errortype": known.code },
    body: JSON.stringify({ __type: known.code, message: known.message, Message: known.message }),
  };
}

async function readRequest(request: IncomingMessage, options: CloudOptions): Promise<HttpRequest> {
  const { pathname, searchParams } = new URL(`http://loopback${request.url ?? "/"}`);
  const headers = Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(", ")]);
  const body = await readBody(request, urlPath.test(pathname) ? urlBytesMax : requestBytesMax);
  const { accessKeyId, signingService } = credentialOf(request.headers.authorization ?? "");
  return {
    method: request.method ?? "GET",
    path: pathname,
    query: searchParams,
    headers: Object.fromEntries(headers),
    body,
    signingService,
    caller: callerOf(accessKeyId, options),
  };
}

async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Left undestroyed on the way out, so that the refusal still reaches the client.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      request.resume();
      throw new AwsError("RequestEntityTooLargeException", `a request has at most ${bytesMax} bytes`, 413);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** From `AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/states/aws4_request, ...`. */
function credentialOf(authorization: string): { accessKeyId: string; signingService: string } {
  const [, accessKeyId = "", signingService = ""] =
    /^AWS4-[\w-]+ .*?Credential=([^/,\s]+)\/\d{8}\/(?:[^/,\s]+\/)?([^/,\s]+)\/aws4_request/.exec(
      authorization,
    ) ?? [];
  return { accessKeyId, signingService };
}

function callerOf(accessKeyId: string, { callers = {}, account = accountDefault }: CloudOptions): Caller {
  const known = Object.hasOwn(callers, accessKeyId) ? callers[accessKeyId] : undefined;
  if (known) return { accessKeyId, account: known.account, arn: known.arn };
  const own = /^\d{12}$/.test(accessKeyId) ? accessKeyId : account;
  return {
    accessKeyId,
    account: own,
    arn: accessKeyId === "" ? "" : `arn:aws:iam::${own}:user/${accessKeyId}`,
  };
}
