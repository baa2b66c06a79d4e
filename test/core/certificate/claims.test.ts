import type { Evidence } from "../../../core/adoption/evidence.ts";
import { type Claim, claimOf, weakestOf } from "../../../core/certificate/claims.ts";

test.each<[Claim, readonly Evidence["kind"][]]>([
  ["reported", ["client", "extension", "agent", "exec"]],
  ["observed", ["ecs", "lambda", "kubernetes", "kms", "copy", "provider"]],
  ["attested", ["attestation"]],
])("the kinds of evidence that are %s", (claim, kinds) => {
  expect(kinds.map(claimOf)).toEqual(kinds.map(() => claim));
});

test.each<[readonly Claim[], Claim]>([
  [["observed"], "observed"],
  [["reported", "observed"], "reported"],
  [["attested", "observed", "reported"], "attested"],
])("what rests on %j is worth %s", (claims, worth) => {
  expect(weakestOf(claims)).toBe(worth);
});

test("what rests on nothing is worth nothing", () => {
  expect(weakestOf([])).toBeUndefined();
});
