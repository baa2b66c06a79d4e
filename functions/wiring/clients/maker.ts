import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { awsBounds } from "../../../aws/bounds.ts";
import type { SecretMaker } from "../../../core/ports.ts";
import { secretMaker } from "../../../stores/secrets-manager/maker.ts";

export function connectMaker(environment: string): SecretMaker {
  return secretMaker(new SecretsManagerClient(awsBounds), { environment });
}
