import { hurtsNobody } from "../../../core/adoption/hurts-nobody.ts";
import { incoming, report, retiring, use } from "./adoption-world.ts";

const other = { fingerprint: "sha256:FAKE-9", versionId: "v9" };

test.each([
  ["with the incoming key", report()],
  ["that has used it", report({ uses: [use(incoming, [5, null])] })],
  ["that was refused with it before it was active everywhere", report({ uses: [use(incoming, [5, 9])] })],
  ["that ends", report({ ended: true, holds: retiring })],
])("a report %s hurts nobody", (_which, item) => {
  expect(hurtsNobody(item, { incoming })).toBe(true);
});

test.each([
  ["with the retiring key", report({ holds: retiring })],
  ["with an unknown key", report({ holds: other })],
  ["that still used the retiring key", report({ uses: [use(retiring, [5, null])] })],
  ["that ends and was refused with the retiring key", report({ ended: true, uses: [use(retiring, [9, 5])] })],
  ["that is refused with the incoming key", report({ uses: [use(incoming, [null, 5])] })],
  ["that is refused with it since it worked", report({ uses: [use(incoming, [9, 5])] })],
  ["that proves nothing", report({ unproven: "unsigned" })],
  [
    "of an instance that was forgotten",
    report({ forgotten: { by: "ada", atMs: 0, reason: "gone", sequence: 0 } }),
  ],
])("a report %s may", (_which, item) => {
  expect(hurtsNobody(item, { incoming })).toBe(false);
});
