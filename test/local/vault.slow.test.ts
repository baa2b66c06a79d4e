import { setTimeout as pause } from "node:timers/promises";
import type { RotationRecord } from "../../ledger/entries.ts";
import { checkCertificate } from "../../local/certificate.ts";
import { type Demonstration, secretName, startDemonstration } from "../../local/demonstration.ts";
import { troubleIn } from "../../local/summary.ts";
import { type VaultCompany, vaultCompany } from "../../local/vault-company.ts";

let company: Demonstration;
let vault: VaultCompany;

beforeAll(async () => {
  vault = await vaultCompany();
  company = await startDemonstration({ own: vault.own, pace: 5 });
}, 120_000);

afterAll(async () => {
  await company?.close();
  await vault?.close();
});

async function finished(): Promise<RotationRecord> {
  for (const untilMs = Date.now() + 90_000; Date.now() < untilMs; await pause(100)) {
    const [rotation] = await company.ledger.rotations(company.secretArn);
    if (rotation !== undefined && rotation.outcome !== "running") return rotation;
  }
  throw new Error(`the rotation has not ended: ${troubleIn(company.cloud).join("; ")}`);
}

test("a key in Vault is rotated under traffic by consumers that read it there, to a certificate that verifies", async () => {
  const { fake } = vault.vault;
  expect(company.secretArn).toBe("vault://main/app/billing#api_key");
  await company.rekey("rotate", secretName, "--reason", "test");
  const rotation = await finished();

  expect(rotation).toMatchObject({ outcome: "rotated", secretArn: company.secretArn });
  const versions = fake.secrets.get("app/billing")?.versions ?? [];
  expect(versions).toHaveLength(2);
  const { api_key: key, ...others } = JSON.parse(versions[1]?.fields ?? "{}") as Record<string, unknown>;
  expect(others).toEqual({ model: "gpt-fake", limit: 10 });
  expect(key).not.toBe((JSON.parse(versions[0]?.fields ?? "{}") as Record<string, unknown>)["api_key"]);

  const evidence = await company.ledger.evidence(company.secretArn);
  const { keys } = await company.ledger.secret(company.secretArn);
  const incoming = keys.find(({ keyId }) => keyId === rotation.incomingKeyId)?.fingerprint;
  const held = evidence.flatMap((item) => (item.kind === "client" ? [item.holds.fingerprint] : []));
  expect(held).toEqual(Array(6).fill(incoming));
  expect(company.fleet.tally()).toMatchObject({ failed: 0 });
  expect(company.provider.state().find(({ keyId }) => keyId === company.retiringKeyId)?.isAccepted).toBe(
    false,
  );
  // The pending key, and the retiring one that was pinned, are in no document any more.
  expect(JSON.stringify(fake.secrets.get("rekey/app/billing/api_key"))).not.toContain(String(key));
  expect(await checkCertificate(company.cloud, rotation.rotationId)).toMatchObject({ verified: true });
  expect(troubleIn(company.cloud)).toEqual([]);
}, 120_000);
