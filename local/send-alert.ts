import { randomUUID } from "node:crypto";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { Secret } from "../core/secret.ts";
import { signatureHeader, signEnvelope } from "../events/intake/edge/signed-envelope.ts";
import { clientAs, type LocalCloud } from "./world.ts";

/** As a scanner does that found the key in public: a signed request to the intake's URL. */
export async function sendAlert(cloud: LocalCloud, key: string): Promise<void> {
  const nonce = randomUUID();
  const where = ["https://example.com/leak"];
  const body = JSON.stringify({
    alerts: [{ id: nonce, key, exposure: "public", verified: "live", where }],
  });
  const secret = new Secret(await secretText(cloud, "rekey/intake/report"));
  const signature = signEnvelope({ secret, body, nowMs: Date.now(), nonce });
  const url = `${cloud.outputs["IntakeUrl"]?.replace(/\/$/, "")}/intake/report`;
  const { status } = await fetch(url, { method: "POST", headers: { [signatureHeader]: signature }, body });
  if (status !== 202) throw new Error(`the intake answered ${status}`);
}

/** The current value of a secret, as whoever may do everything reads it. */
export async function secretText(cloud: LocalCloud, SecretId: string): Promise<string> {
  const secrets = new SecretsManagerClient(clientAs(cloud, "administrator"));
  const { SecretString = "" } = await secrets.send(new GetSecretValueCommand({ SecretId }));
  secrets.destroy();
  return SecretString;
}
