import type { Deployment } from "./deployment.ts";
import type { Resource, Resources } from "./statements.ts";

/** The one condition of every service's trust: the service acts for this account, where it says for whom. */
const forThisAccount = { StringEqualsIfExists: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } };

interface Trust {
  readonly Version: string;
  readonly Statement: readonly Readonly<Record<string, unknown>>[];
}

/** Gives every role the account's path and boundary, and its trust the account that it may be used for. */
export function hardened(resources: Resources, deployment: Deployment): Resources {
  return Object.fromEntries(
    Object.entries(resources).map(([id, resource]) => [
      id,
      resource.Type === "AWS::IAM::Role" ? hardenedRole(resource, deployment) : resource,
    ]),
  );
}

function hardenedRole(role: Resource, { rolePath, permissionsBoundary }: Deployment): Resource {
  const { Version, Statement } = role.Properties["AssumeRolePolicyDocument"] as Trust;
  return {
    ...role,
    Properties: {
      ...role.Properties,
      ...(rolePath !== "/" && { Path: rolePath }),
      ...(permissionsBoundary !== undefined && { PermissionsBoundary: permissionsBoundary }),
      AssumeRolePolicyDocument: {
        Version,
        Statement: Statement.map((each) => ({ Condition: forThisAccount, ...each })),
      },
    },
  };
}
