import type { SecretStore } from "../../core/ports.ts";
import { type CallOptions, type Client, labelledVersions } from "./calls.ts";
import { storeOnLabels } from "./labels.ts";

/** AWS Secrets Manager as the store from which consumers read. */
export function secretsManagerStore(client: Client, options: CallOptions): SecretStore {
  return storeOnLabels(labelledVersions(client, options));
}
