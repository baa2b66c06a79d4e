import * as errors from "../../core/errors.ts";

const { ProviderThrottled, RotationError, StoreUnavailable } = errors;

test("an error is told apart by its class and by a name that survives a minifier", () => {
  const error = new StoreUnavailable("no answer", { cause: new Error("reset") });
  expect(error).toBeInstanceOf(RotationError);
  expect(error).toBeInstanceOf(Error);
  expect([error.name, error.message, `${error}`]).toEqual([
    "StoreUnavailable",
    "no answer",
    "StoreUnavailable: no answer",
  ]);
  expect(error.cause).toEqual(new Error("reset"));
});

test("a throttle carries how long the provider wants to be left alone, where it said so", () => {
  expect(new ProviderThrottled("slow down", { retryAfterMs: 1_500 }).retryAfterMs).toBe(1_500);
  expect(new ProviderThrottled("slow down").retryAfterMs).toBeUndefined();
});
