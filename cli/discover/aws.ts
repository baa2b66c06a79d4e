import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { awsBounds } from "../../aws/bounds.ts";
import { regionOf } from "../region.ts";
import { type Account, accountOf } from "./account.ts";

export async function awsAccount(): Promise<Account> {
  const secretsManager = new SecretsManagerClient(awsBounds);
  await regionOf(secretsManager);
  return accountOf({
    secretsManager,
    cloudTrail: new CloudTrailClient(awsBounds),
    clock: { nowMs: Date.now, pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
  });
}
