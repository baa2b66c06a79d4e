/**
 * What a failed call to AWS means for whoever made it: `throttled` and `unavailable` may be different the next
 * time, `refused` is the answer to this request and stays so.
 */
export type FailureKind = "throttled" | "unavailable" | "refused";

/**
 * Names that pass whatever status they came with: throttling and expired credentials arrive as 400. One list for
 * every service, because a name means the same wherever it is used.
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
  /** The service's machine code. Its message is left out: it may quote what was sent. */
  readonly name: string;
}

/** Reads what an SDK client threw. Without a status nobody answered at all. */
export function failureIn(error: unknown): Failure {
  const { name = "unknown", $metadata } = (error ?? {}) as {
    readonly name?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  return { kind: kindOf(name, $metadata?.httpStatusCode), name };
}

/** Reads the code that an answer gives for one of its entries: somebody did answer, so no status is needed. */
export function failureNamed(name: string): Failure {
  return { kind: kindOf(name, 200), name };
}

function kindOf(name: string, status: number | undefined): FailureKind {
  const known = Object.hasOwn(passing, name) ? passing[name] : undefined;
  if (known !== undefined) return known;
  if (status === 429) return "throttled";
  return status === undefined || status >= 500 ? "unavailable" : "refused";
}
