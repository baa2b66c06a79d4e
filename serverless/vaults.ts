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

/** What Azure's federated credentials expect a token to be for, so a function can get none for any other use. */
const azureAudience = "api://AzureADTokenExchange";

/** Azure is shown a statement by AWS of which role the function has. */
export function azureStatements(
  { secrets }: FunctionRow,
  { azureVaults }: Pick<Deployment, "azureVaults">,
): readonly Statement[] {
  if (secrets === undefined || Object.keys(azureVaults).length === 0) return [];
  const Condition = { "ForAllValues:StringEquals": { "sts:IdentityTokenAudience": [azureAudience] } };
  const roles = [...new Set(Object.values(azureVaults).flatMap(({ role }) => role ?? []))];
  return [
    { ...allow("AzureLogins", ["sts:GetWebIdentityToken"], ["*"]), Condition },
    ...(roles.length > 0 ? [allow("AzureRoles", ["sts:AssumeRole"], roles)] : []),
  ];
}

/** A function that may touch rotated secrets may log in to where some of them are. */
export function vaultStatements({ secrets }: FunctionRow, deployment: Deployment): readonly Statement[] {
  const logins = vaultLogins(deployment);
  if (secrets === undefined || logins.length === 0) return [];
  return [allow("VaultLogins", ["secretsmanager:GetSecretValue"], logins)];
}
