import { jsonOrNothing } from "../../core/json.ts";

test("text is what it says as JSON, or nothing", () => {
  expect(jsonOrNothing('{"a":[1]}')).toEqual({ a: [1] });
  expect(jsonOrNothing("null")).toBeNull();
  expect(jsonOrNothing("{")).toBeUndefined();
  expect(jsonOrNothing("")).toBeUndefined();
});

test("what is no text is a fault of the caller", () => {
  expect(() => jsonOrNothing(Symbol("FAKE") as unknown as string)).toThrow(TypeError);
});
