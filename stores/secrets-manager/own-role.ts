import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { assumedRole } from "../../aws/assumed-role.ts";
import { awsBounds } from "../../aws/bounds.ts";
import { StoreUnavailable } from "../../core/errors.ts";
import type { Client } from "./calls.ts";

/** Calls Secrets Manager as the role that may write the secrets of admin credentials. */
export function clientOfRole(role: string): Client {
  const refused = (says: string) => new StoreUnavailable(says);
  const credentials = assumedRole(role, { sessionName: "rekey-admin-credentials", refused });
  return new SecretsManagerClient({ ...awsBounds, credentials });
}
