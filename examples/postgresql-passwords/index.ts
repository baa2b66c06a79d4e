import { createPrivateKey } from "node:crypto";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { passwordsOf } from "./function.ts";

/** Read once per process: a published version keeps its settings, and its own secret is changed with a new version. */
const settings = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

/** `{"privateKey": "-----BEGIN PRIVATE KEY-----...", "adminUser": "rekey_admin", "adminPassword": "..."}` */
async function ownSecret(): Promise<Readonly<Record<string, string>>> {
  const client = new SecretsManagerClient();
  const { SecretString = "" } = await client.send(
    new GetSecretValueCommand({ SecretId: settings("OWN_SECRET") }),
  );
  return JSON.parse(SecretString);
}

let passwords: Promise<ReturnType<typeof passwordsOf>> | undefined;

async function connect(): Promise<ReturnType<typeof passwordsOf>> {
  const { privateKey = "", adminUser = "", adminPassword = "" } = await ownSecret();
  const ca = process.env["PG_CA"];
  return passwordsOf({
    server: {
      ...{ host: settings("PG_HOST"), port: Number(process.env["PG_PORT"] ?? "5432") },
      ...{ database: settings("PG_DATABASE"), tls: ca === undefined ? "system" : { ca } },
    },
    admin: { user: adminUser, password: adminPassword },
    users: settings("PG_USERS").split(","),
    privateKey: createPrivateKey(privateKey),
    log: (line) => void process.stdout.write(`${JSON.stringify(line)}\n`),
  });
}

export async function handler(request: Parameters<ReturnType<typeof passwordsOf>>[0]): Promise<object> {
  passwords ??= connect().catch((error: unknown) => {
    passwords = undefined;
    throw error;
  });
  return (await passwords)(request);
}
