import { LambdaClient } from "@aws-sdk/client-lambda";
import { DescribeSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SSMClient } from "@aws-sdk/client-ssm";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { awsBounds } from "../../../aws/bounds.ts";
import { failureIn } from "../../../aws/failure.ts";
import { CopyRefused, ProviderUnavailable } from "../../../core/errors.ts";
import type { SecretStore } from "../../../core/ports.ts";
import type { AwsPlace, AwsReach } from "../../../destinations/destination.ts";
import { connectWith } from "../../../stores/secrets-manager/connect.ts";

/** One client for each Region and role; a role's credentials are asked for again before they expire. */
export function awsReach(pause: (ms: number) => Promise<void>): AwsReach {
  const stores = new Map<string, SecretStore>();
  const clientFor = clientsOf((options) => new SecretsManagerClient({ ...awsBounds, ...options }));
  return {
    pause,
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
  readonly credentials?: ReturnType<typeof assumed>;
}

function clientsOf<Client>(make: (options: ClientOptions) => Client): (place: AwsPlace) => Client {
  const clients = new Map<string, Client>();
  return ({ region, role }) => {
    const id = `${region} ${role ?? ""}`;
    const credentials = role === undefined ? {} : { credentials: assumed(role, region) };
    const client = clients.get(id) ?? make({ region, ...credentials });
    clients.set(id, client);
    return client;
  };
}

const sessionSeconds = 900;
/** Renewed so long before the end that no call is made with credentials about to expire. */
const renewBeforeMs = 60_000;

/** The SDK asks again once `expiration` is near. */
function assumed(roleArn: string, region: string) {
  return async () => {
    const sts = new STSClient({ ...awsBounds, region });
    const command = new AssumeRoleCommand({
      ...{ RoleArn: roleArn, RoleSessionName: "rekey-copies", DurationSeconds: sessionSeconds },
    });
    const { Credentials } = await sts.send(command);
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (AccessKeyId === undefined || SecretAccessKey === undefined)
      throw new CopyRefused(`${roleArn} gave no credentials`);
    return {
      ...{ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey },
      ...(SessionToken !== undefined && { sessionToken: SessionToken }),
      ...(Expiration !== undefined && { expiration: new Date(Expiration.getTime() - renewBeforeMs) }),
    };
  };
}
