import { executionName } from "../../../core/rotation/execution-name.ts";

const once = "0d2f1c9a-5a0e-4a77-9f0e-000000000000";

test("an execution is called like its secret, cleaned, and ends with what makes a repeat the same", () => {
  expect(executionName("billing/openai key", { once })).toBe(`billing-openai-key-${once}`);
});

test("the name never has more than the 80 characters that Step Functions takes", () => {
  const name = executionName("a".repeat(200), { once });
  expect(name).toHaveLength(80);
  expect(name.endsWith(`-${once}`)).toBe(true);
});

test("room is kept for an id that only AWS knows", () => {
  const placeholder = "<aws.scheduler.execution-id>";
  const name = executionName("a".repeat(200), { once: placeholder, onceLengthMax: 36 });
  expect(name.replace(placeholder, once)).toHaveLength(80);
});
