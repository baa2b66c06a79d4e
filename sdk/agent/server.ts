import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { asRekeyError, type RekeyError, UpstreamUnavailable } from "../client/errors.ts";
import type { Reading } from "../client/index.ts";
import { type Lookup, LookupRefused, type PostedOutcome, type Secrets } from "./secrets.ts";

export interface ServerOptions {
  secrets: Secrets;
  token: string | undefined;
  /** How long an idle connection is kept; 0 for ever, for a sandbox that is frozen between two requests. */
  keepAliveMs: number;
}

interface Answer {
  status: number;
  body: string;
  type?: string;
}

const connectionsMax = 1_024;
const bodyMaxBytes = 4_096;

/**
 * The loopback interface of the extension and of the agent: `GET /secretsmanager/get`, `GET /v1/<id>` and `/ping` as
 * AWS's have them, `POST /rekey/outcome` and `POST /rekey/announced` besides.
 */
export function createSecretsServer({ secrets, token, keepAliveMs }: ServerOptions): Server {
  const isCaller = tokenCheck(token);

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const { headers, method } = request;
    // A proxy in between means that the caller is not on this machine, whatever address it comes from.
    if (headers["x-forwarded-for"] !== undefined) return failure(400, "Forwarded");
    if (!isLoopback(headers.host)) return failure(403, "HostRefused");
    const url = urlOf(request);
    if (!url) return failure(404, "NoSuchPath");
    if (`${method} ${url.pathname}` === "GET /ping")
      return { status: 200, body: "healthy", type: "text/plain" };
    if (!isCaller(headers["x-aws-parameters-secrets-token"] ?? headers["x-vault-token"]))
      return failure(401, "TokenRefused");
    const path = /^\/v1\/(.+)$/.exec(url.pathname)?.[1];
    const route = path === undefined ? `${method} ${url.pathname}` : `${method} /v1`;
    if (route === "GET /secretsmanager/get") return lookUp(secrets, url.searchParams);
    if (route === "GET /v1") return lookUp(secrets, url.searchParams, decoded(path));
    if (route === "POST /rekey/outcome") return postOutcome(secrets, await readBody(request));
    if (route === "POST /rekey/announced") return postAnnounced(secrets, await readBody(request));
    return failure(404, "NoSuchPath");
  };

  const server = createServer((request, response) => {
    answer(request).then(
      (result) => send(response, result),
      (error: unknown) => send(response, refusal(asRekeyError(error))),
    );
  });
  server.maxConnections = connectionsMax;
  server.keepAliveTimeout = keepAliveMs;
  return server;
}

const parameters = ["secretId", "versionId", "versionStage", "refreshNow"];

async function lookUp(secrets: Secrets, query: URLSearchParams, path?: string): Promise<Answer> {
  // Answered as if it were not there, `roleArn` would quietly read with another role than was asked for.
  if ([...query.keys()].some((name) => !parameters.includes(name))) return failure(400, "ParameterUnknown");
  const secretId = path ?? query.get("secretId");
  if (!secretId || secretId.length > 2_048) return failure(400, "SecretIdMissing");
  const lookup: Lookup = {
    secretId,
    versionId: query.get("versionId") ?? undefined,
    versionStage: query.get("versionStage") ?? undefined,
    refreshNow: /^(true|1)$/i.test(query.get("refreshNow") ?? ""),
  };
  return { status: 200, body: asGetSecretValue(await secrets.lookUp(lookup)) };
}

/** Whoever forges an announcement makes the agent look, and no more. */
function postAnnounced(secrets: Secrets, text: string | undefined): Answer {
  const event = text === undefined ? undefined : parse(text);
  if (typeof event !== "object" || event === null) return failure(400, "AnnouncementInvalid");
  secrets.announced(event);
  return { status: 202, body: "{}" };
}

function asGetSecretValue({ CreatedDate, ...reading }: Reading): string {
  const date = CreatedDate === undefined ? undefined : new Date(CreatedDate * 1000).toISOString();
  return JSON.stringify({ ...reading, CreatedDate: date });
}

async function postOutcome(secrets: Secrets, text: string | undefined): Promise<Answer> {
  const posted = text === undefined ? undefined : parseOutcome(text);
  if (!posted) return failure(400, "OutcomeInvalid");
  const result = await secrets.outcome(posted);
  return result ? { status: 200, body: JSON.stringify(result) } : failure(404, "KeyUnknown");
}

function parseOutcome(text: string): PostedOutcome | undefined {
  const { secretId, ok, fingerprint, versionId } = (parse(text) ?? {}) as Partial<PostedOutcome>;
  const isName = (value: unknown) => typeof value === "string" && value.length <= 2_048;
  const isNamed = isName(fingerprint) || isName(versionId);
  if (typeof secretId !== "string" || typeof ok !== "boolean" || !isNamed) return undefined;
  return { secretId, ok, fingerprint, versionId };
}

/** The parser's own error message would quote the body. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function urlOf({ url = "/" }: IncomingMessage): URL | undefined {
  return URL.canParse(url, "http://localhost") ? new URL(url, "http://localhost") : undefined;
}

/** A name may have slashes, and a client that is careful escapes them. */
function decoded(path = ""): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return "";
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  let text = "";
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > bodyMaxBytes) return undefined;
  }
  return text;
}

/** A web page whose host name was made to resolve to 127.0.0.1 sends that name here, and is refused. */
function isLoopback(host = ""): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host);
}

/** Compares in constant time. Without a token it is always false. */
function tokenCheck(token: string | undefined): (sent: string | string[] | undefined) => boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  if (!token) return () => false;
  const expected = digest(token);
  return (sent) => typeof sent === "string" && timingSafeEqual(digest(sent), expected);
}

const failure = (status: number, error: string): Answer => ({ status, body: JSON.stringify({ error }) });

function refusal(error: RekeyError): Answer {
  const { name } = error;
  const reason = error instanceof UpstreamUnavailable ? error.reason : undefined;
  if (error instanceof LookupRefused) return { status: 403, body: JSON.stringify({ error: error.reason }) };
  const status = reason === "notFound" ? 404 : reason === "denied" ? 403 : reason === "refused" ? 400 : 503;
  return { status, body: JSON.stringify({ error: name, reason }) };
}

function send(response: ServerResponse, { status, body, type = "application/json" }: Answer): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}
