import type { Policy } from "../../../core/policy.ts";
import { adoptCurrent } from "../../../core/rotation/secret-record.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import { exampleProvider } from "../../contract/example-provider.ts";
import { secretArnOf } from "../../simulation/world/account.ts";
import { policyFor } from "../../simulation/world/declared-policy.ts";
import { World } from "../../simulation/world/world.ts";

const secretArn = secretArnOf("made-up-key");

/** A secret at a provider that only this test knows. Its policy names a kind that the registry lacks. */
async function madeUp() {
  const issuer = exampleProvider({ kind: "sideBySide" });
  const world = new World({ issuer: issuer.provider });
  const { id: keyId } = issuer.add();
  const secret = issuer.textOf(keyId);
  const versionId = world.store.create(secretArn, secret.reveal());
  const declared = policyFor({ name: "made-up-key", secretArn, consumers: [], propagation: {} });
  const provider = { ...declared.provider, account: "made-up-main", kind: "made-up", settings: {} };
  const policy: Policy = { ...declared, provider, consumers: "none", signals: [], quietMs: 0 };
  await world.ledger.putPolicy(policy);
  const fingerprint = fingerprintOf(secret);
  const key = { name: "by hand", state: "current" as const, keyId, versionId, fingerprint };
  await world.ledger.changeSecret(secretArn, (now) => adoptCurrent(now, key));
  await world.ledger.putHolder({ fingerprint, secretArn, versionId, keyId, role: "rotated" });
  return { world, issuer, retiringId: keyId };
}

test("a provider that no function has heard of is rotated: minted, proven, promoted, revoked, seen dead", async () => {
  const { world, issuer, retiringId } = await madeUp();
  const run = await world.rotate(secretArn);

  expect(run.outcome).toMatchObject({ status: "SUCCEEDED" });
  const [incomingId, ...others] = issuer.listed();
  expect(others).toEqual([]);
  expect(incomingId).not.toBe(retiringId);
  const { text } = await world.store.current(secretArn);
  expect(text.reveal()).toBe(issuer.textOf(incomingId ?? "").reveal());
  expect(await issuer.provider.verify(issuer.textOf(retiringId))).toBe("refused");
  expect(await world.ledger.debts()).toEqual([]);
  world.close();
});
