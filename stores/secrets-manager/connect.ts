import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { awsBounds } from "../../aws/bounds.ts";
import type { SecretArn, SecretStore } from "../../core/ports.ts";
import { type Client, labelledVersions } from "./calls.ts";
import { storeOnLabels } from "./labels.ts";

/** Secrets that this process may only touch as another role. */
export interface OwnRole {
  readonly role: string;
  readonly secrets: readonly SecretArn[];
}

/** The store over the account and Region that the process runs in. */
export function connect(pause: (ms: number) => Promise<void>, own?: OwnRole): SecretStore {
  const client = new SecretsManagerClient(awsBounds);
  return connectWith(own === undefined ? client : routed(client, own), pause);
}

export function connectWith(client: Client, pause: (ms: number) => Promise<void>): SecretStore {
  return storeOnLabels(labelledVersions(client, { pause }));
}

/** Few functions meet an admin credential, so the role is assumed at the first call that does. */
function routed(client: SecretsManagerClient, { role, secrets }: OwnRole): Client {
  let other: Promise<Client> | undefined;
  const send = async (command: { readonly input: { readonly SecretId?: string | undefined } }) => {
    const { SecretId = "" } = command.input;
    if (!secrets.includes(SecretId)) return client.send(command as never);
    other ??= import("./own-role.ts").then(({ clientOfRole }) => clientOfRole(role));
    return (await other).send(command as never);
  };
  return { send: send as Client["send"] };
}
