/**
 * What a failed AWS call means for its caller: `throttled` and `unavailable` may succeed later; `refused`
 * will be the answer again.
 */
export type FailureKind = "throttled" | "unavailable" | "refused";

/**
 * Errors that may pass, whatever their status: throttling and expired credentials come with status 400. One
 * list for all services, because a name means the same in each.
 */
const passing: Readonly<Record<string, Exclude<FailureKind, "refused">>> = {
  BandwidthLimitExceeded: "throttled",
  ExecutionLimitExceeded: "throttled",
  KmsThrottlingException: "throttled",
  LimitExceededException: "throttled",
  ProvisionedThroughputExceededException: "throttled",
  RequestLimitExceeded: "throttled",
  RequestThrottled: "throttled",
  RequestThrottledException: "throttled",
  SlowDown: "throttled",
  ThrottledException: "throttled",
  Throttling: "throttled",
  ThrottlingException: "throttled",
  TooManyRequestsException: "throttled",

  ConditionalRequestConflict: "unavailable",
  DependencyTimeoutException: "unavailable",
  ExpiredToken: "unavailable",
  ExpiredTokenException: "unavailable",
  InternalException: "unavailable",
  InternalFailure: "unavailable",
  InternalServerError: "unavailable",
  InternalServerException: "unavailable",
  InternalServiceError: "unavailable",
  InternalServiceErrorException: "unavailable",
  KMSInternalException: "unavailable",
  KeyUnavailableException: "unavailable",
  OperationAborted: "unavailable",
  RequestTimeout: "unavailable",
  RequestTimeoutException: "unavailable",
  ServiceUnavailable: "unavailable",
  ServiceUnavailableException: "unavailable",
  TimeoutError: "unavailable",
  TransactionConflictException: "unavailable",
  TransactionInProgressException: "unavailable",
};

export interface Failure {
  readonly kind: FailureKind;
  /**
   * The service's error code; where no connection came about, Node's code and the address. The message is left out,
   * because it may quote what was sent.
   */
  readonly name: string;
}

/** Reads what an SDK client threw. Without a status there was no answer. */
export function failureIn(error: unknown): Failure {
  const thrown = (error ?? {}) as NodeError & {
    readonly name?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const { name = "unknown", $metadata } = thrown;
  const status = $metadata?.httpStatusCode;
  // A connection that broke off or ran out of time has a name of the SDK's, and may have reached the service.
  const isNamed = status !== undefined || Object.hasOwn(passing, name);
  const unreached = isNamed ? undefined : unreachedIn(thrown);
  return { kind: kindOf(name, status), name: unreached ?? name };
}

interface NodeError {
  readonly code?: unknown;
  readonly hostname?: string;
  readonly address?: string;
  readonly port?: number;
  /** Of a host with several addresses, one for each. */
  readonly errors?: readonly NodeError[];
}

/** "ECONNREFUSED 127.0.0.1:4566", "ENOTFOUND dynamodb.example.com"; undefined for any other error. */
function unreachedIn({ code, errors = [], ...error }: NodeError): string | undefined {
  if (typeof code !== "string" || !/^E[A-Z_]{2,20}$/.test(code)) return undefined;
  const { hostname, address, port } = errors[0] ?? error;
  const at = hostname ?? (address && (port === undefined ? address : `${address}:${port}`)) ?? "";
  return `${code} ${at.replace(/[^\w.:-]/g, "").slice(0, 255)}`.trim();
}

/** Reads the error code of one entry in an answer. No status is needed, because there was an answer. */
export function failureNamed(name: string): Failure {
  return { kind: kindOf(name, 200), name };
}

function kindOf(name: string, status: number | undefined): FailureKind {
  const known = Object.hasOwn(passing, name) ? passing[name] : undefined;
  if (known !== undefined) return known;
  if (status === 429) return "throttled";
  return status === undefined || status >= 500 ? "unavailable" : "refused";
}
