import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { awsBounds } from "../../aws/bounds.ts";
import type { SecretStore } from "../../core/ports.ts";
import { type Client, labelledVersions } from "./calls.ts";
import { storeOnLabels } from "./labels.ts";

/** The store over the account and Region that the process runs in. */
export function connect(pause: (ms: number) => Promise<void>): SecretStore {
  return connectWith(new SecretsManagerClient(awsBounds), pause);
}

export function connectWith(client: Client, pause: (ms: number) => Promise<void>): SecretStore {
  return storeOnLabels(labelledVersions(client, { pause }));
}
