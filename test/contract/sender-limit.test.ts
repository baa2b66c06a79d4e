import { countUnseen, mayContain, planFor, senderLimit } from "../../core/incident/plan.ts";
import { raiseAlerts } from "../../functions/alerts/raise.ts";
import { newWorld } from "../cli/incident-world.ts";
import { NOON_MS } from "./admin-world.ts";

const hourMs = 3_600_000;
const open = { source: "report", exposure: "public", verified: "live" } as const;
const policies = [{ mode: "rotate", incident: { containByMs: 1, escalateAfterMs: 1 } }] as const;

test("beyond the limit of its sender an alert lets consumers move first; another sender's alert still contains", () => {
  const limited = { ...open, overLimit: true } as const;
  expect(planFor({ match: "keyId", alerts: [open], policies }).plan).toBe("contain-first");
  expect(planFor({ match: "keyId", alerts: [limited], policies })).toMatchObject({
    plan: "switch-first",
    why: expect.stringContaining("as many keys contained as it may unseen"),
  });
  expect(planFor({ match: "keyId", alerts: [limited, { ...open, source: "github" }], policies }).plan).toBe(
    "contain-first",
  );
});

test("each key counts once, up to the limit, and again after an hour", () => {
  let counted: Parameters<typeof countUnseen>[0];
  const count = (subject: string, atMs: number) => {
    const next = countUnseen(counted, { subject, atMs, limit: senderLimit });
    counted = next.counted;
    return next.isOver;
  };
  const keys = Array.from({ length: senderLimit.keysPerHour }, (_, n) => `key/main/k${n}`);
  expect(keys.map((key) => count(key, 0))).toEqual(keys.map(() => false));
  expect(count("key/main/one-more", 1)).toBe(true);
  expect(count("key/main/k0", 2)).toBe(false);
  expect(count("key/main/one-more", hourMs - 1)).toBe(true);
  expect(count("key/main/one-more", hourMs)).toBe(false);
});

test("which secrets a sender speaks for", () => {
  const secret = { name: "payments-eu", secretArn: "arn:aws:secretsmanager:eu-west-1:1:secret:x-AbCdEf" };
  expect(mayContain({ keysPerHour: 1 }, secret)).toBe(true);
  expect(mayContain({ keysPerHour: 1, secrets: ["payments-*"] }, secret)).toBe(true);
  expect(mayContain({ keysPerHour: 1, secrets: [secret.secretArn] }, secret)).toBe(true);
  expect(mayContain({ keysPerHour: 1, secrets: ["search-*"] }, secret)).toBe(false);
});

test("one signed report with public key ids cuts off no more than the deployment lets it, and pages", async () => {
  const { world, keys, cli: _ } = await newWorld();
  Object.assign(world.deps, { intakeLimits: { report: { keysPerHour: 1 } } });
  const ids = [keys["billing-key"]?.keyId ?? "", keys["search-key"]?.keyId ?? ""];
  for (const [index, keyId] of ids.entries()) {
    const identity = { kind: "keyId" as const, provider: "openai", keyId };
    const alert = { schema: 1 as const, ...open, sourceId: `finding-${index}`, where: [], identity };
    await raiseAlerts({ alert, kind: "start", receivedAtMs: NOON_MS, intake: "report" }, world.deps);
  }
  const incidents = await world.ledger.incidents.incidents();
  const limited = incidents.map(({ alerts }) => alerts[0]?.overLimit === true);
  expect(limited.sort()).toEqual([false, true]);
});
