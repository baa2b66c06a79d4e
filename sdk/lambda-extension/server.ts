import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { asRekeyError, type RekeyError, UpstreamUnavailable } from "../client/errors.ts";
import type { Reading } from "../client/index.ts";
import type { PostedOutcome, Secrets } from "./secrets.ts";

export interface ServerOptions {
  secrets: Secrets;
  token: string | undefined;
}

interface Answer {
  status: number;
  body: string;
}

const connectionsMax = 1_024;
const bodyMaxBytes = 4_096;

/**
 * The extension's loopback interface: `GET /secretsmanager/get` like AWS's own extension, and `POST
 * /rekey/outcome`.
 */
export function createSecretsServer({ secrets, token }: ServerOptions): Server {
  const isCaller = tokenCheck(token);

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    if (!isLoopback(request.headers.host)) return failure(403, "HostRefused");
    if (!isCaller(request.headers["x-aws-parameters-secrets-token"])) return failure(401, "TokenRefused");
    const url = new URL(request.url ?? "/", "http://localhost");
    const route = `${request.method} ${url.pathname}`;
    if (route === "GET /secretsmanager/get") return lookUp(secrets, url.searchParams);
    if (route === "POST /rekey/outcome") return postOutcome(secrets, await readBody(request));
    return failure(404, "NoSuchPath");
  };

  const server = createServer((request, response) => {
    answer(request).then(
      (result) => send(response, result),
      (error: unknown) => send(response, refusal(asRekeyError(error))),
    );
  });
  server.maxConnections = connectionsMax;
  // A connection that was idle while the sandbox was frozen must still be there when the function uses it again.
  server.keepAliveTimeout = 0;
  return server;
}

async function lookUp(secrets: Secrets, query: URLSearchParams): Promise<Answer> {
  const secretId = query.get("secretId");
  if (!secretId || secretId.length > 2_048) return failure(400, "SecretIdMissing");
  const versionId = query.get("versionId") ?? undefined;
  const versionStage = query.get("versionStage") ?? undefined;
  return { status: 200, body: asGetSecretValue(await secrets.lookUp({ secretId, versionId, versionStage })) };
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

/** The parser's own error message would quote the body. */
function parseOutcome(text: string): PostedOutcome | undefined {
  try {
    const { secretId, ok, fingerprint, versionId } = JSON.parse(text) as Partial<PostedOutcome>;
    const isName = (value: unknown) => typeof value === "string" && value.length <= 2_048;
    const isNamed = isName(fingerprint) || isName(versionId);
    if (typeof secretId !== "string" || typeof ok !== "boolean" || !isNamed) return undefined;
    return { secretId, ok, fingerprint, versionId };
  } catch {
    return undefined;
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

/** Compares in constant time. Without a token from Lambda it is always false. */
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
  const status = reason === "notFound" ? 404 : reason === "denied" ? 403 : reason === "refused" ? 400 : 503;
  return { status, body: JSON.stringify({ error: name, reason }) };
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}
