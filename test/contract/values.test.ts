import fc from "fast-check";
import { Secret } from "../../core/secret.ts";
import { keyIn, withKey } from "../../stores/value.ts";

const key = new Secret("FAKE-incoming");

describe("the key in a secret's value", () => {
  test("is the whole text when no field is named", () => {
    expect(keyIn(new Secret("FAKE-bare")).reveal()).toBe("FAKE-bare");
    expect(withKey(new Secret("FAKE-bare"), undefined, key).reveal()).toBe("FAKE-incoming");
  });

  test("has no byte order mark in front of it and no line end behind it", () => {
    for (const text of ["FAKE-bare\n", "\uFEFFFAKE-bare\r\n", " FAKE-bare "])
      expect(keyIn(new Secret(text)).reveal()).toBe("FAKE-bare");
    expect(keyIn(new Secret('\uFEFF{"apiKey":"FAKE-bare\\n"}'), "apiKey").reveal()).toBe("FAKE-bare");
    const pem = "-----BEGIN FAKE KEY-----\nFAKE\n-----END FAKE KEY-----";
    expect(keyIn(new Secret(`${pem}\n`)).reveal()).toBe(pem);
  });

  test("is one field of a JSON object when it is named, even by a name that objects inherit", () => {
    const text = new Secret('{"apiKey":"FAKE-\\u0061","__proto__":"FAKE-b","constructor":"FAKE-c"}');

    expect(keyIn(text, "apiKey").reveal()).toBe("FAKE-a");
    expect(keyIn(text, "__proto__").reveal()).toBe("FAKE-b");
    expect(keyIn(text, "constructor").reveal()).toBe("FAKE-c");
    expect(() => keyIn(text, "toString")).toThrow('no field "toString"');
  });

  const unusable: [string, string, string | undefined, string][] = [
    ["not JSON", "FAKE-bare", "apiKey", "is not JSON"],
    ["JSON but no object", '["FAKE-a"]', "apiKey", "is no object"],
    ["null", "null", "apiKey", "is no object"],
    ["without the field", '{"other":{"apiKey":"FAKE-a"}}', "apiKey", 'no field "apiKey"'],
    ["with the field twice", '{"apiKey":"FAKE-a","apiKe\\u0079":"FAKE-b"}', "apiKey", "twice"],
    ["with a field that is no string", '{"apiKey":{"value":"FAKE-a"}}', "apiKey", "is not a string"],
    ["with an empty field", '{"apiKey":" "}', "apiKey", "is empty"],
    ["empty", " \n", undefined, "is empty"],
    ["an object, but no field is named", '{"apiKey":"FAKE-a"}', undefined, "name the field"],
    ["an object behind a byte order mark", '\uFEFF{"apiKey":"FAKE-a"}', undefined, "name the field"],
    ["an object with a comma too many", '{"apiKey":"FAKE-a",}', undefined, "a JSON object"],
    ["a list", '["FAKE-a"]', undefined, "a JSON list"],
    ["a text in quotes", '"FAKE-a"', undefined, "a text in quotes"],
    ["a line of a .env file", "API_KEY=FAKE-a\n", undefined, "a .env file"],
    ["a .env file", "# main\nAPI_KEY=FAKE-a\nexport OTHER=FAKE-b\n", undefined, "several lines"],
    ["a YAML file", "api_key: FAKE-a\nother: FAKE-b\n", undefined, "YAML"],
    ["two keys", "FAKE-a\nFAKE-b\n", undefined, "several lines"],
  ];

  test.each(unusable)(
    "is unusable in a value that is %s, and the error does not quote it",
    (_, text, field, why) => {
      for (const act of [() => keyIn(new Secret(text), field), () => withKey(new Secret(text), field, key)]) {
        const error = thrownBy(act);
        expect(error).toMatchObject({ name: "SecretUnusable", message: expect.stringContaining(why) });
        expect(String(error) + String(error.cause)).not.toContain("FAKE");
      }
    },
  );
});

describe("a value with another key", () => {
  test("keeps every byte outside the field", () => {
    const before =
      '{\n  "id" : 12345678901234567890, "n": 1.0, "__proto__": {"apiKey": "kept"},\t"apiKey"\t:"FAKE-a" ,"z":[]}\n';

    const after = withKey(new Secret(before), "apiKey", key).reveal();

    expect(after).toBe(before.replace('"FAKE-a"', '"FAKE-incoming"'));
  });

  test("differs from the value before in that field alone, whatever the fields and the key are", () => {
    const name = fc.oneof(fc.string(), fc.constantFrom("__proto__", "a,b", 'say "{', "\\", "é"));
    const other = fc.dictionary(name, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 });
    const property = fc.property(
      other,
      name,
      nonBlank(),
      nonBlank(),
      fc.nat(3),
      (fields, field, old, next, spaces) => {
        const value = Object.fromEntries([...Object.entries(fields), [field, old]]);
        const text = new Secret(JSON.stringify(value, null, spaces));

        const merged = withKey(text, field, new Secret(next));

        expect(keyIn(text, field).reveal()).toBe(old.trim());
        expect(keyIn(merged, field).reveal()).toBe(next.trim());
        expect(merged.reveal()).toBe(
          JSON.stringify(Object.fromEntries([...Object.entries(value), [field, next]]), null, spaces),
        );
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  function nonBlank(): fc.Arbitrary<string> {
    return fc.string({ minLength: 1, unit: "binary" }).filter((text) => text.trim() !== "");
  }
});

function thrownBy(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}
