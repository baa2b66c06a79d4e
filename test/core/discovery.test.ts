import { type GradeView, gradeOf, gradeTexts } from "../../core/discovery/grade.ts";
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

type Changes = Partial<Omit<GradeView, "issuer">> & { readonly issuer?: GradeView["issuer"] | undefined };

test.each<[string, Changes, ProviderFacts?]>([
  ["its name and tags say nothing about who issued the key", { issuer: undefined }],
  ["Rekey cannot rotate keys of X", { issuer: { title: "X" } }],
  ["X gives workloads short-lived credentials", {}, facts({ shape: { kind: "federated" } })],
  ["a new key of X ends the one in use at once", {}, facts(graceless)],
  ["no API of X shows or ends its keys", {}, facts({ revoke: false })],
  [
    "who reads it is not known: CloudTrail was not read; better without a key: https://x",
    { areReadersKnown: false },
  ],
  [
    "nobody was seen reading it: somebody has to say who uses it; better without a key: https://x",
    { readers: [] },
  ],
  [
    "2 roles read it, and X does not show use of a key: let its readers report (docs/consumers.md), or attest; " +
      "better without a key: https://x",
    { readers: ["arn:FAKE-a", "arn:FAKE-b"] },
    facts({ lastUsed: false, usagePerKey: false }),
  ],
  [
    "1 role reads it, and X shows when a key is used; better without a key: https://x",
    {},
    facts({ usagePerKey: false }),
  ],
])("the draft says why: %s", (why, changes, known = facts()) => {
  const issuer = { title: "X", keyless: "https://x", facts: known };
  const view = { issuer, readers, areReadersKnown: true, ...changes };
  const { issuer: given, ...rest } = view;
  expect(gradeOf({ ...rest, ...(given && { issuer: given }) }).why).toBe(why);
});

test("each grade has a name for people", () => {
  expect(Object.values(gradeTexts)).toEqual([
    "provable",
    "needs attestation",
    "cannot be proven",
    "needs no key",
  ]);
});
