import type { DeclaredSecret } from "../agent/secrets.ts";
import type { Environment } from "../client/credentials.ts";

/**
 * What a command inherits: everything but Rekey's own variables and the credentials with which its key is read. A
 * command that could read the secret itself could hold a key that nobody knows of.
 */
export function environmentFor(
  env: Environment,
  { pass, secret: { secret } }: { pass: readonly string[]; secret: DeclaredSecret },
): NodeJS.ProcessEnv {
  const logins = secret.startsWith("azure://") ? azureLogins : [];
  const kept = Object.entries(env).filter(
    ([name]) => !(isWithheld(name) || logins.includes(name)) || pass.includes(name),
  );
  return Object.fromEntries(kept);
}

const withheld = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_SECURITY_TOKEN",
  "AWS_PROFILE",
  "AWS_DEFAULT_PROFILE",
  "AWS_CONFIG_FILE",
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_ROLE_ARN",
  "AWS_ROLE_SESSION_NAME",
  "AWS_ENDPOINT_URL",
  "VAULT_TOKEN",
  "VAULT_TOKEN_FILE",
];

/** A program may have an Azure identity for other things; where its key is in Azure, that identity reads the key. */
const azureLogins = ["AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"];

function isWithheld(name: string): boolean {
  return /^(REKEY|AWS_CONTAINER|AWS_ENDPOINT_URL)_/.test(name) || withheld.includes(name);
}
