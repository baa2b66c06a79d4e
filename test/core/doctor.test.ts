import type { Evidence } from "../../core/adoption/evidence.ts";
import { type Finding, findings } from "../../core/doctor.ts";
import type { ConsumerPolicy, Policy } from "../../core/policy.ts";
import {
  account,
  attestation,
  consumer,
  minute,
  nowMs,
  provider,
  read,
  report,
  role,
} from "./adoption/adoption-world.ts";

const day = 24 * 60 * minute;
const secretArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing-AbCdEf";

function found(
  consumers: readonly ConsumerPolicy[] | "none",
  evidence: readonly Evidence[],
  { mode = "rotate" as Policy["mode"] } = {},
): readonly Finding[] {
  const policies = [{ secretArn, name: "billing-key", environment: "production", mode, consumers } as Policy];
  return findings({ policies, evidence: new Map([[secretArn, evidence]]), nowMs });
}

const shown = (list: readonly Finding[]) =>
  list.map(({ reason, consumer: name }) => `${reason} ${name ?? ""}`.trim());

test("a declared consumer that reports is nothing to find", () => {
  expect(found([consumer()], [report(), provider()])).toEqual([]);
});

test("a role that no consumer has is named once, at its latest read", () => {
  const principal = `arn:aws:iam::${account}:role/stranger`;
  const stranger = { principal, consumer: "role/stranger" };
  const list = found(
    [consumer()],
    [
      report(),
      read({ ...stranger, versionId: "v1", observedAtMs: nowMs - 9 * minute }),
      read({ ...stranger, observedAtMs: nowMs - minute }),
      read({ ...stranger, versionId: "v0", observedAtMs: nowMs - 5 * minute }),
    ],
  );
  expect(list).toEqual([
    {
      ...{ reason: "UndeclaredReader", secretArn, secret: "billing-key", environment: "production" },
      ...{ lastSeenAgoMs: minute, consumer: "role/stranger", principal },
      detail: `${principal} reads the secret, and no consumer has this role`,
      hint: "give the role to a consumer in rekey.yml, or remove its access",
    },
  ]);
});

test("a reader with a declared role is known", () => {
  expect(found([consumer({ roles: [role] })], [report(), read()])).toEqual([]);
});

test("a reporter that nobody declared is named, whether it has consumers beside it or none at all", () => {
  const stranger = report({ consumer: "stranger" });
  expect(shown(found([consumer()], [report(), stranger]))).toEqual(["UndeclaredReporter stranger"]);
  expect(shown(found("none", [stranger]))).toEqual(["UndeclaredReporter stranger"]);
});

test("a known name in another place is said to be there", () => {
  const [one] = found([consumer()], [report(), report({ environment: "staging", instance: "i2" })]);
  expect(one).toMatchObject({ reason: "DeclaredElsewhere", environment: "staging" });
  expect(one?.detail).toBe(
    `billing reports from staging of ${account}, and is declared in production of ${account}`,
  );
});

test("a declared consumer that was never seen is named; what another place says of it does not count", () => {
  expect(shown(found([consumer({ evidence: ["ecs", "kms"] })], []))).toEqual(["NeverSeen billing"]);
  expect(shown(found([consumer()], [report({ environment: "staging" })]))).toEqual([
    "DeclaredElsewhere billing",
    "NeverSeen billing",
  ]);
});

test("one that only people vouch for is not expected to be seen", () => {
  expect(found([consumer({ evidence: ["attestation"] })], [])).toEqual([]);
  expect(found([consumer({ evidence: ["attestation"] })], [attestation()])).toEqual([]);
});

test("a stranger is one finding in each place, and two readers are two though one name covers both", () => {
  const stranger = (fields: Parameters<typeof report>[0]) => report({ consumer: "stranger", ...fields });
  const reports = [stranger({}), stranger({ environment: "staging" }), stranger({ account: "999988887777" })];
  expect(found([], reports)).toHaveLength(3);
  const reader = (name: string) =>
    read({ principal: `arn:aws:iam::${account}:role/${name}`, consumer: "roles" });
  expect(found([], [reader("a"), reader("b"), reader("a")]).map(({ principal }) => principal)).toEqual([
    `arn:aws:iam::${account}:role/a`,
    `arn:aws:iam::${account}:role/b`,
  ]);
});

test("a finding says what to do", () => {
  const both = consumer({ evidence: ["client", "attestation"] });
  expect(found([both], [])).toMatchObject([
    {
      detail: "billing is declared, and no client or attestation evidence of it was ever seen",
      hint: "check that it reports to this environment, or take it out of rekey.yml",
    },
  ]);
  const silent = consumer({ evidence: ["client", "kms"], roles: [role] });
  const late = report({ observedAtMs: nowMs - 3 * day });
  expect(
    found([silent, consumer({ name: "search", roles: [role] })], [late, report({ consumer: "search" })]),
  ).toMatchObject([
    { hint: "the next rotation would wait for it: start it, or take it out of rekey.yml" },
    {
      detail: `billing and search share the role ${role}: a read by one counts for all`,
      hint: "give each consumer a role of its own",
    },
  ]);
  const [elsewhere] = found(
    [consumer(), consumer({ environment: "staging" })],
    [report(), report({ environment: "staging" }), report({ environment: "dev" })],
  );
  expect(elsewhere?.detail).toContain(`production of ${account} and staging of ${account}`);
  expect(elsewhere?.hint).toBe("give it the secret of its own environment, or declare it there as well");
  expect(found("none", [report()])[0]).toMatchObject({
    detail: "billing reports that it uses the secret, and no policy declares it",
    hint: "declare it in rekey.yml, or stop it",
  });
});

test("one that has been silent for days is named, by its latest sign of life", () => {
  const silent = (ms: number, fields: Partial<ConsumerPolicy> = {}) =>
    found(
      [consumer(fields)],
      [report({ observedAtMs: nowMs - ms }), report({ instance: "i2", observedAtMs: nowMs - 9 * day })],
    );
  expect(silent(2 * day)).toEqual([]);
  expect(silent(2 * day + 1)).toMatchObject([
    { reason: "LongSilent", lastSeenAgoMs: 2 * day + 1, detail: "billing has not reported for 2 days" },
  ]);
  expect(silent(6 * day, { cadenceMs: 3 * day })).toEqual([]);
  expect(shown(silent(6 * day + 1, { cadenceMs: 3 * day }))).toEqual(["LongSilent billing"]);
  expect(shown(silent(3 * day, { evidence: ["extension"] }))).toEqual(["LongSilent billing"]);
  expect(silent(9 * day, { evidence: ["ecs"] })).toEqual([]);
});

test("a role of two consumers cannot tell them apart", () => {
  const two = [
    consumer({ roles: [role] }),
    consumer({ name: "search", roles: [role] }),
    consumer({ name: "other" }),
  ];
  expect(
    shown(found(two, [report(), report({ consumer: "search" }), report({ consumer: "other" })])),
  ).toEqual(["RoleOfTwoConsumers"]);
});

test("a secret that is only watched is not examined, and one without evidence is", () => {
  expect(found("none", [report()], { mode: "index" })).toEqual([]);
  const policies = [
    {
      secretArn,
      name: "billing-key",
      environment: "production",
      mode: "rotate",
      consumers: [consumer()],
    } as unknown as Policy,
  ];
  expect(shown(findings({ policies, evidence: new Map(), nowMs }))).toEqual(["NeverSeen billing"]);
});

test("an age is never negative", () => {
  expect(found("none", [report({ observedAtMs: nowMs + day })])).toMatchObject([{ lastSeenAgoMs: 0 }]);
});

test("a key of one environment that is declared for another one is named, with who uses it there", () => {
  const staging = consumer({ name: "trial", environment: "staging", evidence: ["attestation"] });
  const list = found([consumer(), staging], [report()]);
  expect(list).toMatchObject([
    {
      reason: "KeyAcrossEnvironments",
      detail: "its key is of production, and is used across environments: by trial in staging",
      hint: "give each environment a secret with a key of its own",
    },
  ]);
  expect(found([consumer()], [report()])).toEqual([]);
});
