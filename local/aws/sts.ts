import { randomUUID } from "node:crypto";
import { sign } from "../../sdk/client/sigv4.ts";
import { AwsError, type HttpRequest, type HttpResponse, type HttpService } from "./service.ts";
import { xmlDocument } from "./xml.ts";

export interface StsOptions {
  readonly region: string;
  /** What an access key id signs with; undefined for one that nobody has. */
  secretOf(accessKeyId: string): string | undefined;
  /** Lets the caller act as the role, which was admitted before; answers what the session signs with. Absent: nobody. */
  assume?(session: { readonly roleArn: string; readonly name: string }): SessionKey;
}

export interface SessionKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly arn: string;
}

const namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
/** AWS takes a signature for so long before and after its date. */
const dateMsMax = 15 * 60_000;

/**
 * Security Token Service: GetCallerIdentity and AssumeRole. The one stand-in that checks signatures, because whoever
 * forwards a signed request here goes by nothing else.
 */
export function sts({ region, secretOf, assume }: StsOptions): HttpService {
  return {
    name: "sts",
    matches: ({ signingService }) => signingService === "sts",
    operation: (request) => questionIn(request).get("Action") ?? "?",
    refusal: (error, request) => failure(error, request),
    async handle(request) {
      try {
        const form = questionIn(request);
        const action = form.get("Action") ?? "";
        if (!["GetCallerIdentity", "AssumeRole"].includes(action) || form.get("Version") !== "2011-06-15")
          throw new AwsError("InvalidAction", "Could not find operation for this version");
        refuseSignature(request, { region, secretOf });
        return action === "AssumeRole" ? assumed(form, assume) : identity(request);
      } catch (error) {
        if (error instanceof AwsError) return failure(error, request);
        throw error;
      }
    },
  };
}

/** AWS takes it in the address as well, which is how Google has it sent. */
function questionIn({ query, body }: HttpRequest): URLSearchParams {
  return query.size > 0 ? query : new URLSearchParams(body.toString());
}

function refuseSignature(
  { headers, method, path, query, body, caller }: HttpRequest,
  { region, secretOf }: Pick<StsOptions, "region" | "secretOf">,
): void {
  const secretAccessKey = secretOf(caller.accessKeyId);
  if (secretAccessKey === undefined)
    throw new AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403);
  const {
    "x-amz-date": date = "",
    authorization = "",
    host = "",
    "x-amz-security-token": sessionToken,
  } = headers;
  const nowMs = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!(Math.abs(Date.now() - nowMs) <= dateMsMax))
    throw new AwsError("SignatureDoesNotMatch", `Signature expired: ${date}`, 403);
  const own = new Set(["host", "x-amz-date", "x-amz-security-token"]);
  const signed = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(";") ?? [];
  const url = new URL(path, `http://${host}`);
  url.search = query.toString();
  const again = sign({
    ...{ method, url, body: body.toString(), service: "sts", region, nowMs },
    headers: Object.fromEntries(
      signed.filter((name) => !own.has(name)).map((name) => [name, headers[name] ?? ""]),
    ),
    credentials: {
      accessKeyId: caller.accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
    },
  });
  const signature = (text = "") => /Signature=(\w+)$/.exec(text)?.[1];
  if (signature(again["authorization"]) !== signature(authorization)) {
    const message = "The request signature we calculated does not match the signature you provided.";
    throw new AwsError("SignatureDoesNotMatch", message, 403);
  }
}

function assumed(form: URLSearchParams, assume: StsOptions["assume"]): HttpResponse {
  const [roleArn, name] = [form.get("RoleArn") ?? "", form.get("RoleSessionName") ?? ""];
  const seconds = Number(form.get("DurationSeconds") ?? 3_600);
  if (!/^[\w+=,.@-]{2,64}$/.test(name) || !(seconds >= 900 && seconds <= 43_200))
    throw new AwsError("ValidationError", "RoleSessionName or DurationSeconds is out of bounds");
  if (assume === undefined) throw new AwsError("AccessDenied", "there are no roles here", 403);
  const { arn, accessKeyId, secretAccessKey } = assume({ roleArn, name });
  const Credentials = {
    ...{ AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: "FAKE-session" },
    Expiration: new Date(Date.now() + seconds * 1_000).toISOString(),
  };
  const AssumeRoleResult = { Credentials, AssumedRoleUser: { Arn: arn, AssumedRoleId: `AROAFAKE:${name}` } };
  const children = { AssumeRoleResult, ResponseMetadata: { RequestId: randomUUID() } };
  const body = xmlDocument("AssumeRoleResponse", children, { namespace });
  return { status: 200, headers: { "content-type": "text/xml" }, body };
}

/** JSON for whoever accepts it, as the real service does; XML for everybody else. */
function identity({ caller, headers }: HttpRequest): HttpResponse {
  const result = {
    Arn: caller.arn,
    UserId: `AROAFAKE:${caller.arn.split("/").at(-1)}`,
    Account: caller.account,
  };
  const children = { GetCallerIdentityResult: result, ResponseMetadata: { RequestId: randomUUID() } };
  if (headers["accept"]?.includes("application/json")) {
    const body = JSON.stringify({ GetCallerIdentityResponse: children });
    return { status: 200, headers: { "content-type": "application/json" }, body };
  }
  const body = xmlDocument("GetCallerIdentityResponse", children, { namespace });
  return { status: 200, headers: { "content-type": "text/xml" }, body };
}

function failure({ code, message, status }: AwsError, { headers }: HttpRequest): HttpResponse {
  const error = { Type: "Sender", Code: code, Message: message };
  if (headers["accept"]?.includes("application/json"))
    return {
      status,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ Error: error }),
    };
  return {
    status,
    headers: { "content-type": "text/xml" },
    body: xmlDocument("ErrorResponse", { Error: error }),
  };
}
