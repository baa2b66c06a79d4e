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
  /** The service's error code. The message is left out, because it may quote what was sent. */
  readonly name: string;
}

/** Reads what an SDK client threw. Without a status there was no answer. */
export function failureIn(error: unknown): Failure {
  const { name = "unknown", $metadata } = (error ?? {}) as {
    readonly name?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  return { kind: kindOf(name, $metadata?.httpStatusCode), name };
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
