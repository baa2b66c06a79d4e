import { execFile } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { GetPublicKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { clientAs, type LocalCloud } from "./world.ts";

const run = promisify(execFile);
const rekey = fileURLToPath(new URL("../bin/rekey.mjs", import.meta.url));

/** Where the certificate of a run was saved, and whether a stranger with only the file and the key can verify it. */
export interface CheckedCertificate {
  readonly path: string;
  readonly keyPath: string;
  readonly verified: boolean;
}

/**
 * Fetches the certificate and the public key as an auditor would, into a folder that outlives the cloud, and verifies
 * it without the cloud.
 */
export async function checkCertificate(cloud: LocalCloud, runId: string): Promise<CheckedCertificate> {
  const folder = mkdtempSync(join(tmpdir(), "rekey-certificate-"));
  const [path, keyPath] = [join(folder, `${runId}.json`), join(folder, "audit-key.pem")];
  writeFileSync(keyPath, await publicKeyPem(cloud));
  const env = { ...process.env, ...cloud.env("auditor"), NO_COLOR: "1" };
  const { stdout } = await run(process.execPath, ["--no-warnings", rekey, "prove", runId, "--json"], { env });
  writeFileSync(path, stdout);
  return { path, keyPath, verified: await isVerified(path, keyPath) };
}

async function publicKeyPem(cloud: LocalCloud): Promise<string> {
  const client = new KMSClient(clientAs(cloud, "auditor"));
  const KeyId = cloud.outputs["AuditKeyArn"] ?? "";
  const { PublicKey = new Uint8Array() } = await client.send(new GetPublicKeyCommand({ KeyId }));
  const lines =
    Buffer.from(PublicKey)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN PUBLIC KEY-----", ...lines, "-----END PUBLIC KEY-----", ""].join("\n");
}

async function isVerified(path: string, keyPath: string): Promise<boolean> {
  try {
    await run(process.execPath, ["--no-warnings", rekey, "verify", path, "--key", keyPath], {
      env: { PATH: process.env["PATH"], NO_COLOR: "1" },
    });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === 1) return false;
    throw error;
  }
}
