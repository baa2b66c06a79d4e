import { readFrom } from "../../consumers/kms.ts";
import { whyUnexpected } from "../../core/adoption/unexpected-read.ts";
import type { Policy } from "../../core/policy.ts";
import { localTimeIn } from "../../events/zone-time.ts";
import { recordRead } from "../../functions/evidence/record-read.ts";
import { appliedWorld } from "../cli/cli-world.ts";
import { NOON_MS as sunday } from "./admin-world.ts";

const account = "111122223333";
const roleArn = (name: string) => `arn:aws:iam::${account}:role/${name}`;
const own = [`arn:aws:iam::${account}:role/rekey-production-`];
const hour = 3_600_000;
const dayMs = 24 * hour;
const noon = sunday + dayMs;

/** One Decrypt as CloudTrail writes it; `principal` is a role, a user or an AWS service. */
function record(secretArn: string, { principal, refused = false }: { principal: string; refused?: boolean }) {
  const isRole = principal.includes(":role/");
  return {
    ...({ eventSource: "kms.amazonaws.com", eventName: "Decrypt" } as const),
    ...(refused && { errorCode: "AccessDenied" }),
    userIdentity: isRole
      ? {
          arn: `arn:aws:sts::${account}:assumed-role/${principal.split("/").at(-1)}/session-${principal.length}`,
          sessionContext: { sessionIssuer: { arn: principal } },
        }
      : principal.startsWith("arn:")
        ? { arn: principal }
        : {},
    requestParameters: { encryptionContext: { SecretARN: secretArn, SecretVersionId: "v1" } },
  };
}

async function restricted() {
  const { world } = await appliedWorld();
  const [policy] = await world.ledger.policies();
  if (policy === undefined || policy.consumers === "none")
    throw new Error("one secret with consumers was applied");
  const [first, ...others] = policy.consumers;
  if (first === undefined) throw new Error("it has a consumer");
  const open = [{ days: [1, 2, 3, 4, 5], fromMinute: 7 * 60, untilMinute: 19 * 60 }];
  const terms: Policy = {
    ...policy,
    consumers: [{ ...first, roles: [roleArn("billing"), roleArn("billing-canary")] }, ...others],
    ...{ readers: [roleArn("backup")], classification: "restricted" },
    readHours: { timezone: "Europe/Zurich", open },
  };
  await world.ledger.putPolicy(terms);
  const replay = (principal: string, atMs: number) =>
    recordRead.run(
      recordRead.input.parse({
        ...{ environment: "production", own },
        event: {
          account,
          time: new Date(atMs).toISOString(),
          detail: record(policy.secretArn, { principal }),
        },
      }),
      world.depsOf("record-read"),
    );
  return { world, policy: terms, replay };
}

test("a reader whom the policy does not name opens one item a day, and asking again changes nothing", async () => {
  const { world, policy, replay } = await restricted();
  await replay(roleArn("billing"), noon);
  expect(await world.ledger.triage(policy.secretArn)).toEqual([]);

  for (let i = 0; i < 5; i++) await replay(roleArn("intruder"), noon + i * 1_000);
  await replay(roleArn("other"), noon + hour);
  await replay(roleArn("intruder"), noon + dayMs);

  const items = await world.ledger.triage(policy.secretArn);
  expect(items.map(({ reads }) => reads.map(({ principal }) => principal.split("/").at(-1)))).toEqual([
    ["intruder", "other"],
    ["intruder"],
  ]);
});

test("a consumer that reads a restricted secret outside its hours opens one too", async () => {
  const { world, policy, replay } = await restricted();
  const night = Math.floor(noon / dayMs) * dayMs + 1 * hour;
  await replay(roleArn("billing"), night);
  expect(await world.ledger.triage(policy.secretArn)).toMatchObject([{ reads: [{ why: "outsideHours" }] }]);
});

/** A month of reads: what is usual in an account, and what should be seen. Each kind comes so often a day. */
const usual: readonly (readonly [kind: string, principal: string, hours: readonly number[]])[] = [
  ["a consumer", roleArn("billing"), [8, 9, 10, 11, 12, 13, 14, 15, 16]],
  ["its canary, under a role of its own", roleArn("billing-canary"), [8, 12]],
  ["a declared backup", roleArn("backup"), [9]],
  ["Rekey itself", roleArn("rekey-production-eu-west-1-mint-key"), [3, 12]],
  ["an AWS service without a principal", "secretsmanager.amazonaws.com", [3]],
];
const wrong: readonly (readonly [kind: string, principal: string, hours: readonly number[]])[] = [
  ["a role that nobody declared", roleArn("web"), [12]],
  ["a person with a user", `arn:aws:iam::${account}:user/eve`, [10]],
  ["a role whose name begins like a declared one", roleArn("billing-old"), [11]],
  ["a declared role at night", roleArn("billing"), [2]],
];

test("on a month of replayed records nothing usual is triaged, and all that is wrong is", async () => {
  const { policy } = await restricted();
  const monday = Date.UTC(2026, 10, 2);
  const workdays = Array.from({ length: 30 }, (_none, day) => monday + day * dayMs).filter((atMs) =>
    [1, 2, 3, 4, 5].includes(new Date(atMs).getUTCDay()),
  );
  const flagged = (principal: string, atMs: number) => {
    const envelope = { account, atMs, environment: "production", own };
    const read = readFrom(record(policy.secretArn, { principal }), { envelope, policy });
    return (
      read !== undefined &&
      whyUnexpected({ principal: read.principal, atMs }, policy, localTimeIn) !== undefined
    );
  };
  const count = (kinds: typeof usual) => {
    const reads = kinds.flatMap(([, principal, hours]) =>
      workdays.flatMap((day) => hours.map((at) => flagged(principal, day + at * hour))),
    );
    return { reads: reads.length, flagged: reads.filter(Boolean).length };
  };
  const [good, bad] = [count(usual), count(wrong)];
  const rate = ((100 * good.flagged) / good.reads).toFixed(2);
  process.stdout.write(
    `unexpected reads: ${good.flagged} of ${good.reads} usual reads triaged (${rate} % false positives), ` +
      `${bad.flagged} of ${bad.reads} wrong ones found\n`,
  );
  expect(good.flagged).toBe(0);
  expect(bad.flagged).toBe(bad.reads);
});

test("a read that was refused, and a policy that names no role, open nothing", async () => {
  const { policy } = await restricted();
  const envelope = { account, atMs: noon, environment: "production", own };
  const refused = record(policy.secretArn, { principal: roleArn("intruder"), refused: true });
  expect(readFrom(refused, { envelope, policy })).toBeUndefined();
  const { readers: _none, classification: _open, ...silent } = policy;
  const consumers =
    silent.consumers === "none" ? [] : silent.consumers.map(({ roles: _gone, ...each }) => each);
  const read = { principal: roleArn("intruder"), atMs: noon };
  expect(whyUnexpected(read, { ...silent, consumers }, localTimeIn)).toBeUndefined();
});
