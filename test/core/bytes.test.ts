import fc from "fast-check";
import { cutToBytes, jsonBytes, utf8Bytes } from "../../core/bytes.ts";

/** Characters at the limits of each length in UTF-8, and the two halves of pairs. */
const limits = ["\0", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff"];
const halves = ["\ud800", "\udbff", "\udc00", "\udfff"];
const text = fc.array(fc.constantFrom("a", ...limits, ...halves, "\u{1f600}")).map((all) => all.join(""));

test("a text takes as many bytes as UTF-8 needs, also with half a pair in it", () => {
  fc.assert(fc.property(text, (each) => expect(utf8Bytes(each)).toBe(Buffer.byteLength(each))));
});

test("a value takes what its JSON takes, and one that JSON leaves out takes nothing", () => {
  expect(jsonBytes({ name: "\u20ac" })).toBe(Buffer.byteLength('{"name":"\u20ac"}'));
  expect(jsonBytes(undefined)).toBe(0);
});

test("a text that fits is kept; of one that is too long as much as fits is kept, whole characters and a mark", () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 3, max: 40 }), (each, bytesMax) => {
      const cut = cutToBytes(each, bytesMax);
      if (Buffer.byteLength(each) <= bytesMax) return expect(cut).toBe(each);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(bytesMax);
      const kept = cut.slice(0, -3);
      expect(cut).toBe(`${kept}...`);
      expect(each.startsWith(kept)).toBe(true);
      const next = String.fromCodePoint(each.codePointAt(kept.length) ?? 0);
      expect(Buffer.byteLength(`${kept}${next}...`)).toBeGreaterThan(bytesMax);
    }),
  );
});
