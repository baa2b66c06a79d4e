/** Who signed a request, as far as loopback can know: the signature itself is not checked. */
export interface Caller {
  /** From the SigV4 Authorization header; "" when the request is unsigned. */
  readonly accessKeyId: string;
  readonly account: string;
  readonly arn: string;
}

/** One AWS service with a JSON protocol: the server parses the body and names the operation. */
export interface JsonService {
  /** The part of X-Amz-Target before the dot, such as "secretsmanager", "AWSStepFunctions" or "AWSEvents". */
  readonly target: string;
  /** Answers one operation; throws AwsError for what AWS would refuse. `undefined` is sent as `{}`. */
  call(operation: string, input: Record<string, unknown>, caller: Caller): Promise<unknown>;
}

/** One AWS service with REST paths or the query protocol: Lambda, Scheduler, S3, SNS. */
export interface HttpService {
  /** Under this name the server counts the service's requests: "lambda", "scheduler", "s3", "sns". */
  readonly name?: string;
  matches(request: HttpRequest): boolean;
  /** Names the operation for the request counts; without it the method is counted. */
  operation?(request: HttpRequest): string;
  /** An AwsError as this service words it; without it, as REST-JSON. */
  refusal?(error: AwsError, request: HttpRequest): HttpResponse;
  /** Answers one request; an AwsError thrown here is answered as REST-JSON, so XML services shape their own errors. */
  handle(request: HttpRequest): Promise<HttpResponse>;
}

export interface HttpRequest {
  readonly method: string;
  /** Still percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** From the SigV4 credential scope; "" if unsigned. */
  readonly signingService: string;
  readonly caller: Caller;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** What a service calls of another one, for its machine or its schedule. */
export interface InnerCall {
  /** The stand-in's target or name. */
  readonly service: "lambda" | "AWSStepFunctions" | "AWSEvents" | "sns";
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Decides whether a caller may make a call, before it is served. Throws an AwsError where it may not. */
export interface Gate {
  admit(
    caller: Caller,
    call: {
      /** The stand-in's target or name. */
      readonly service: string;
      readonly operation: string;
      /** Empty for a service that is not JSON. */
      readonly input: Readonly<Record<string, unknown>>;
      readonly request: HttpRequest;
    },
  ): void;
}

/** A refusal as AWS words it; `code` is the literal AWS error name. */
export class AwsError extends Error {
  override readonly name = "AwsError";
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
