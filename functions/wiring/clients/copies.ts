import { LambdaClient } from "@aws-sdk/client-lambda";
import { DescribeSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SSMClient } from "@aws-sdk/client-ssm";
import { assumedRole } from "../../../aws/assumed-role.ts";
import { awsBounds } from "../../../aws/bounds.ts";
import { failureIn } from "../../../aws/failure.ts";
import { CopyRefused, ProviderUnavailable } from "../../../core/errors.ts";
import type { SecretStore } from "../../../core/ports.ts";
import type { AwsPlace, AwsReach } from "../../../destinations/destination.ts";
import { connectWith } from "../../../stores/secrets-manager/connect.ts";
import { roleCredentials } from "../settings.ts";

/** One client for each Region and role; a role's credentials are asked for again before they expire. */
export function awsReach(pause: (ms: number) => Promise<void>): AwsReach {
  const stores = new Map<string, SecretStore>();
  const clientFor = clientsOf((options) => new SecretsManagerClient({ ...awsBounds, ...options }));
  return {
    pause,
    credentials: async () => roleCredentials(),
    parameters: clientsOf((options) => new SSMClient({ ...awsBounds, ...options })),
    lambda: clientsOf((options) => new LambdaClient({ ...awsBounds, ...options })),
    secrets(place) {
      const id = `${place.region} ${place.role ?? ""}`;
      const store = stores.get(id) ?? connectWith(clientFor(place), pause);
      stores.set(id, store);
      return store;
    },
    async tags(place, secretArn) {
      try {
        const { Tags = [] } = await clientFor(place).send(new DescribeSecretCommand({ SecretId: secretArn }));
        return Object.fromEntries(Tags.map(({ Key = "", Value = "" }) => [Key, Value]));
      } catch (error) {
        const { kind, name } = failureIn(error);
        if (kind === "refused") throw new CopyRefused(`${secretArn}: DescribeSecret was refused (${name})`);
        throw new ProviderUnavailable(`${secretArn}: DescribeSecret did not answer (${name})`);
      }
    },
  };
}

interface ClientOptions {
  readonly region: string;
  readonly credentials?: ReturnType<typeof assumedRole>;
}

function clientsOf<Client>(make: (options: ClientOptions) => Client): (place: AwsPlace) => Client {
  const clients = new Map<string, Client>();
  return ({ region, role }) => {
    const id = `${region} ${role ?? ""}`;
    const credentials =
      role === undefined
        ? {}
        : {
            credentials: assumedRole(role, {
              region,
              sessionName: "rekey-copies",
              refused: (says) => new CopyRefused(says),
            }),
          };
    const client = clients.get(id) ?? make({ region, ...credentials });
    clients.set(id, client);
    return client;
  };
}
