import { gradeOf } from "../../core/discovery/grade.ts";
import type { ProviderFacts } from "../../core/policy.ts";
import type { ProviderCapabilities } from "../../core/ports.ts";

function facts(capabilities: Partial<ProviderCapabilities> = {}): ProviderFacts {
  const able = { shape: { kind: "sideBySide" }, revoke: true, lastUsed: true, usagePerKey: true };
  return { capabilities: { ...able, ...capabilities } } as unknown as ProviderFacts;
}

const readers = ["arn:aws:iam::111122223333:role/billing"];
const graceless = { shape: { kind: "inPlace" }, revoke: true } as const;

test.each([
  ["provable", { readers, facts: facts() }],
  [
    "provable",
    { readers: [...readers, "arn:aws:iam::111122223333:role/b"], facts: facts({ lastUsed: false }) },
  ],
  ["needsAttestation", { readers, facts: facts({ lastUsed: false, usagePerKey: false }) }],
  ["needsAttestation", { readers: [], facts: facts() }],
  ["needsAttestation", { readers, facts: facts(), areReadersKnown: false }],
  ["cannotBeProven", { readers, facts: facts({ revoke: false }) }],
  ["cannotBeProven", { readers, facts: facts(graceless) }],
  ["cannotBeProven", { readers }],
  ["needsNoKey", { readers, facts: facts({ shape: { kind: "federated" } }) }],
] as const)("%s: %#", (grade, { readers: roles, ...given }) => {
  const known = "facts" in given ? { facts: given.facts } : {};
  const areReadersKnown = "areReadersKnown" in given ? given.areReadersKnown : true;
  const graded = gradeOf({
    issuer: { title: "X", keyless: "https://x", ...known },
    readers: roles,
    areReadersKnown,
  });
  expect(graded.grade).toBe(grade);
});

test("where a key can be done without, the draft says where it is written", () => {
  const graded = (keyless?: string) =>
    gradeOf({
      issuer: { title: "X", facts: facts(), ...(keyless && { keyless }) },
      readers,
      areReadersKnown: true,
    });
  expect(graded().why).toBe("1 role reads it, and X shows when a key is used");
  expect(graded("https://x").why).toBe(
    "1 role reads it, and X shows when a key is used; better without a key: https://x",
  );
});

test("a key of nobody known cannot be proven", () => {
  expect(gradeOf({ readers, areReadersKnown: true }).grade).toBe("cannotBeProven");
});
