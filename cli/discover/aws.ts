import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { awsBounds } from "../../aws/bounds.ts";
import { type Account, accountOf } from "./account.ts";

export function awsAccount(): Account {
  return accountOf({
    secretsManager: new SecretsManagerClient(awsBounds),
    cloudTrail: new CloudTrailClient(awsBounds),
    clock: { nowMs: Date.now, pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
  });
}
