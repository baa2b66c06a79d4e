import fc from "fast-check";
import { type FailureKind, failureIn, failureNamed } from "../../aws/failure.ts";

function thrown(name: string, httpStatusCode?: number) {
  return Object.assign(new Error("FAKE text that quotes what was sent"), {
    name,
    $metadata: httpStatusCode === undefined ? {} : { httpStatusCode },
  });
}

/** Each with the status that the service sends it with. */
const cases: readonly (readonly [string, number | undefined, FailureKind])[] = [
  // Secrets Manager, EventBridge Scheduler, CloudTrail, KMS
  ["ThrottlingException", 400, "throttled"],
  ["TooManyRequestsException", 429, "throttled"],
  ["LimitExceededException", 400, "throttled"],
  ["InternalServiceError", 500, "unavailable"],
  ["DependencyTimeoutException", 400, "unavailable"],
  ["KMSInternalException", 400, "unavailable"],
  ["AccessDeniedException", 400, "refused"],
  ["ResourceNotFoundException", 404, "refused"],
  ["KMSInvalidStateException", 400, "refused"],
  ["ServiceQuotaExceededException", 402, "refused"],
  // DynamoDB
  ["ProvisionedThroughputExceededException", 400, "throttled"],
  ["RequestLimitExceeded", 400, "throttled"],
  ["TransactionConflictException", 400, "unavailable"],
  ["InternalServerError", 500, "unavailable"],
  ["ValidationException", 400, "refused"],
  ["ConditionalCheckFailedException", 400, "refused"],
  // S3
  ["SlowDown", 503, "throttled"],
  ["OperationAborted", 409, "unavailable"],
  ["ConditionalRequestConflict", 409, "unavailable"],
  ["RequestTimeout", 400, "unavailable"],
  ["PreconditionFailed", 412, "refused"],
  ["NoSuchBucket", 404, "refused"],
  // credentials that are renewed by themselves
  ["ExpiredToken", 400, "unavailable"],
  ["ExpiredTokenException", 400, "unavailable"],
  ["UnrecognizedClientException", 400, "refused"],
  // Step Functions, EventBridge
  ["ExecutionLimitExceeded", 400, "throttled"],
  ["KmsThrottlingException", 400, "throttled"],
  ["InternalException", 500, "unavailable"],
  ["StateMachineDoesNotExist", 400, "refused"],
  // a name that nobody knows
  ["FakeException", 429, "throttled"],
  ["FakeException", 500, "unavailable"],
  ["FakeException", 400, "refused"],
  // nobody answered
  ["TimeoutError", undefined, "unavailable"],
  ["ECONNREFUSED", undefined, "unavailable"],
];

test.each(cases)("%s (%p) is %s", (name, status, kind) => {
  expect(failureIn(thrown(name, status))).toEqual({ kind, name });
});

test.each<[string, FailureKind]>([
  ["ThrottlingException", "throttled"],
  ["InternalException", "unavailable"],
  ["NotAuthorizedForSourceException", "refused"],
])("%s as the code of one entry is %s", (name, kind) => {
  expect(failureNamed(name)).toEqual({ kind, name });
});

test("an unknown name is judged by its status alone", () => {
  fc.assert(
    fc.property(fc.integer({ min: 300, max: 599 }), (status) => {
      const expected = status === 429 ? "throttled" : status >= 500 ? "unavailable" : "refused";
      expect(failureIn(thrown("FakeException", status)).kind).toBe(expected);
    }),
  );
});

test.each(["constructor", "__proto__", "toString"])("%s is a name like any other", (name) => {
  expect(failureIn(thrown(name, 400)).kind).toBe("refused");
});

test.each([undefined, null, "text", 7, {}])("what is no error at all (%p) may be tried again", (value) => {
  expect(failureIn(value)).toEqual({ kind: "unavailable", name: "unknown" });
});

describe("where no connection came about, the name says so and where", () => {
  const node = (code: string, more: object = {}) => Object.assign(new Error("FAKE text"), { code, ...more });
  test.each([
    ["ECONNREFUSED 127.0.0.1:4566", node("ECONNREFUSED", { address: "127.0.0.1", port: 4566 })],
    ["ENOTFOUND dynamodb.example.com", node("ENOTFOUND", { hostname: "dynamodb.example.com" })],
    [
      "ECONNREFUSED ::1:4566",
      node("ECONNREFUSED", { errors: [node("ECONNREFUSED", { address: "::1", port: 4566 })] }),
    ],
    ["ECONNRESET", node("ECONNRESET")],
    ["EPIPE 10.0.0.1", node("EPIPE", { address: "10.0.0.1\n" })],
  ])("%s", (name, error) => {
    expect(failureIn(error)).toEqual({ kind: "unavailable", name });
  });

  test("and an answer keeps the service's own name", () => {
    const answered = Object.assign(thrown("ThrottlingException", 400), { code: "ECONNRESET" });
    expect(failureIn(answered)).toEqual({ kind: "throttled", name: "ThrottlingException" });
  });
});
