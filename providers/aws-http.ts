import { Readable } from "node:stream";
import { failureIn } from "../aws/failure.ts";
import {
  AdminCredentialRefused,
  ProviderThrottled,
  ProviderUnavailable,
  RotationError,
} from "../core/errors.ts";
import type { Http, HttpRequest } from "./http.ts";
import type { ConnectOptions } from "./provider.ts";
import { retryAfterMs } from "./reply-text.ts";

/** What the SDK hands to its HTTP handler, as far as it is needed. */
interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/**
 * Settings that send an AWS client's requests through the client of providers: exact hosts, public addresses, bounded
 * replies, and the account's budget, as for every other provider. The adapters' own rules retry, and the SDK does not.
 */
export function awsClientOn(http: Http, role: ConnectOptions["awsCredentials"]) {
  return {
    maxAttempts: 1,
    credentials: async () => {
      if (role === undefined)
        throw new AdminCredentialRefused("no role of Rekey's own signs calls to AWS here");
      const { sessionToken, ...pair } = await role();
      return { ...pair, ...(sessionToken !== undefined && { sessionToken }) };
    },
    requestHandler: {
      metadata: { handlerProtocol: "http/1.1" },
      async handle(request: SdkRequest) {
        const reply = await http.send(requestOf(request));
        const { status, headers, json, text } = reply;
        // Said here, because the SDK drops the Retry-After of most services.
        if (status === 429)
          throw new ProviderThrottled("AWS asks to wait: 429", { retryAfterMs: retryAfterMs(reply) });
        if (status === 408 || status >= 500) throw new ProviderUnavailable(`AWS is unavailable: ${status}`);
        const body = text ?? (json === undefined ? "" : JSON.stringify(json));
        return { response: { statusCode: status, headers, body: Readable.from([Buffer.from(body)]) } };
      },
      destroy: () => undefined,
    },
  } as const;
}

function requestOf({ method, protocol, hostname, port, path, query = {}, ...sent }: SdkRequest): HttpRequest {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const each of [value].flat()) search.append(name, String(each ?? ""));
  const host = port === undefined ? hostname : `${hostname}:${port}`;
  const { "content-type": type = "application/json", ...headers } = sent.headers;
  const text = textOf(sent.body);
  return {
    method: method as HttpRequest["method"],
    url: `${protocol}//${host}${path}${search.size === 0 ? "" : `?${search}`}`,
    headers,
    ...(text !== undefined && { text: { type, content: text } }),
  };
}

function textOf(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  return typeof body === "string" ? body : Buffer.from(body as Uint8Array).toString("utf8");
}

/** One call of an AWS client, with its failure in a provider's words. The SDK's message may quote what was sent. */
export async function awsAnswer<Answer>(what: string, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    throw awsFailure(what, error);
  }
}

const denied: ReadonlySet<string> = new Set([
  ...["AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "SignatureDoesNotMatch"],
  ...[
    "MissingAuthenticationToken",
    "UnrecognizedClientException",
    "CredentialsProviderError",
    "InvalidSignatureException",
  ],
]);

/** A closed list: an unknown code is text of whoever answered, and could quote a key. */
const known: ReadonlySet<string> = new Set([
  ...["ConcurrentModification", "EntityAlreadyExists", "InvalidInput", "LimitExceeded", "NoSuchEntity"],
  ...["ServiceNotSupported", "ValidationError", "ResourceNotFoundException", "ResourceConflictException"],
  ...["InvalidParameterValueException", "InvalidRequestContentException", "RequestTooLargeException"],
]);

export function awsFailure(what: string, error: unknown): Error {
  if (error instanceof RotationError) return error;
  const { kind, name: said } = failureIn(error);
  const name = known.has(said) || denied.has(said) ? said : "without a known code";
  if (denied.has(name)) return new AdminCredentialRefused(`AWS does not let Rekey's role ${what} (${name})`);
  if (kind === "throttled") return new ProviderThrottled(`AWS asks for fewer calls: ${what} (${name})`);
  if (kind === "unavailable") return new ProviderUnavailable(`AWS did not answer: ${what} (${name})`);
  return new AwsRefused(what, name);
}

/** AWS refused one call; what that means depends on the call, so an adapter looks at the name. */
export class AwsRefused extends Error {
  override readonly name = "AwsRefused";
  readonly code: string;

  constructor(what: string, code: string) {
    super(`AWS refused to ${what} (${code})`);
    this.code = code;
  }
}
