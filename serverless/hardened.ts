import type { Deployment } from "./deployment.ts";
import type { Resource, Resources } from "./statements.ts";

/** Gives every role the path and the boundary that the account demands. */
export function hardened(resources: Resources, deployment: Deployment): Resources {
  return Object.fromEntries(
    Object.entries(resources).map(([id, resource]) => [
      id,
      resource.Type === "AWS::IAM::Role" ? hardenedRole(resource, deployment) : resource,
    ]),
  );
}

function hardenedRole(role: Resource, { rolePath, permissionsBoundary }: Deployment): Resource {
  return {
    ...role,
    Properties: {
      ...role.Properties,
      ...(rolePath !== "/" && { Path: rolePath }),
      ...(permissionsBoundary !== undefined && { PermissionsBoundary: permissionsBoundary }),
    },
  };
}
