import fc from "fast-check";
import { canonicalJson } from "../../audit/canonical-json.ts";

describe("canonical JSON", () => {
  test("orders keys, and writes no white space", () => {
    expect(canonicalJson({ b: [1, { d: null, c: "é\n" }], a: undefined, "10": true, "9": 1e21 })).toBe(
      '{"10":true,"9":1e+21,"b":[1,{"c":"é\\n","d":null}]}',
    );
  });

  test("means what the value means, whatever order its keys were written in", () => {
    const property = fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(reversed(JSON.parse(text)))).toBe(text);
    });
    fc.assert(property);
  });

  test("refuses what has no text, and what is too deep", () => {
    const deep = JSON.parse("[".repeat(40) + "]".repeat(40));

    expect(() => canonicalJson(undefined)).toThrow(expect.objectContaining({ name: "InputInvalid" }));
    expect(() => canonicalJson(deep)).toThrow(expect.objectContaining({ name: "InputInvalid" }));
  });

  function reversed(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, item]) => [name, reversed(item)]),
    );
  }
});
