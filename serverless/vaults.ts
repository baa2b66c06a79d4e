import type { Deployment } from "./deployment.ts";
import type { FunctionRow } from "./function-row.ts";
import { allow, type Statement } from "./statements.ts";

export function hasVaults({ vaults }: Pick<Deployment, "vaults">): boolean {
  return Object.keys(vaults).length > 0;
}

/** The secrets with the credentials of the logins. */
export function vaultLogins({ vaults }: Pick<Deployment, "vaults">): readonly string[] {
  const credentials = Object.values(vaults).flatMap(({ login }) =>
    "credential" in login ? [login.credential] : [],
  );
  return [...new Set(credentials)];
}

/** A function that may touch rotated secrets may log in to where some of them are. */
export function vaultStatements({ secrets }: FunctionRow, deployment: Deployment): readonly Statement[] {
  const logins = vaultLogins(deployment);
  if (secrets === undefined || logins.length === 0) return [];
  return [allow("VaultLogins", ["secretsmanager:GetSecretValue"], logins)];
}
