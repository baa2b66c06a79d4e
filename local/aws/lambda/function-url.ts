import { randomUUID } from "node:crypto";
import { isObject } from "../input.ts";
import { AwsError, type HttpRequest, type HttpResponse } from "../service.ts";

export interface Invocation {
  /** JSON text: the function's result, or `{errorType, errorMessage, trace}`. */
  readonly payload: string;
  readonly functionError?: "Unhandled";
  /** Of the function, that ran. */
  readonly version: string;
}

export interface FunctionUrl {
  /** "NONE" also answers callers that do not sign. */
  readonly auth: "AWS_IAM" | "NONE";
}

interface UrlOptions {
  urlOf?(functionName: string): FunctionUrl | undefined;
  readonly account: string;
  readonly region: string;
  invoke(functionName: string, event: unknown): Promise<Invocation>;
}

export const urlPath = /^\/function-urls\/([\w-]+)(\/.*)?$/;

/** Answers a request to a function's URL: the function gets a payload of version 2.0 and answers with one. */
export async function answerUrl(
  request: HttpRequest,
  { urlOf, invoke, account, region }: UrlOptions,
): Promise<HttpResponse> {
  const name = urlPath.exec(request.path)?.[1] ?? "";
  const url = urlOf?.(name);
  if (!url) throw new AwsError("AccessDeniedException", "Forbidden", 403);
  if (url.auth === "AWS_IAM" && request.signingService !== "lambda") {
    throw new AwsError("AccessDeniedException", "Forbidden", 403);
  }
  const { payload, functionError } = await invoke(
    name,
    urlEvent(request, { name, account, region, auth: url.auth }),
  );
  if (functionError) return json(502, { Message: "Internal Server Error" });
  return urlAnswer(JSON.parse(payload));
}

function urlEvent(
  { method, path, query, headers, body, caller }: HttpRequest,
  {
    name,
    account,
    region,
    auth,
  }: { name: string; account: string; region: string; auth: FunctionUrl["auth"] },
): Record<string, unknown> {
  const rawPath = urlPath.exec(path)?.[2] ?? "/";
  const domainName = headers["host"] ?? `${name}.lambda-url.${region}.on.aws`;
  const now = new Date();
  const iam = {
    accessKey: caller.accessKeyId,
    accountId: caller.account,
    userArn: caller.arn,
    userId: caller.accessKeyId,
  };
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString: query.toString(),
    headers: Object.fromEntries(Object.entries(headers).filter(([header]) => header !== "authorization")),
    ...(query.size > 0 ? { queryStringParameters: Object.fromEntries(query) } : {}),
    requestContext: {
      accountId: auth === "AWS_IAM" ? account : "anonymous",
      apiId: name,
      ...(auth === "AWS_IAM" ? { authorizer: { iam } } : {}),
      domainName,
      domainPrefix: name,
      http: {
        method,
        path: rawPath,
        protocol: "HTTP/1.1",
        sourceIp: "127.0.0.1",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey: "$default",
      stage: "$default",
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
    },
    // A URL hands text on as text; every signature is checked over these exact bytes.
    ...bodyMembers(body, headers["content-type"] ?? ""),
  };
}

function bodyMembers(body: Buffer, contentType: string): Record<string, unknown> {
  if (body.length === 0) return { isBase64Encoded: false };
  const isText = /^(text\/|application\/(json|xml|javascript|[\w.+-]+\+json|x-www-form-urlencoded))/.test(
    contentType,
  );
  return { body: body.toString(isText ? "utf8" : "base64"), isBase64Encoded: !isText };
}

/** A result without a statusCode is the body of a 200 itself. */
function urlAnswer(result: unknown): HttpResponse {
  if (!isObject(result) || !("statusCode" in result)) return json(200, result);
  const { statusCode, headers, body, isBase64Encoded } = result;
  const given = isObject(headers)
    ? Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)])
    : [];
  const text = typeof body === "string" ? body : JSON.stringify(body ?? "");
  return {
    status: Number(statusCode),
    headers: { "content-type": "application/json", ...Object.fromEntries(given) },
    body: isBase64Encoded === true ? Buffer.from(text, "base64") : text,
  };
}

function json(status: number, body: unknown): HttpResponse {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
