import { DescribeSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { awsBounds } from "../../../aws/bounds.ts";
import { failureIn } from "../../../aws/failure.ts";
import type { Destination, Destinations } from "../../../core/copies/destination.ts";
import { CopyRefused, PolicyInvalid, ProviderUnavailable } from "../../../core/errors.ts";
import type { SecretStore } from "../../../core/ports.ts";
import { connectLater } from "../../../destinations/connect.ts";
import type { AwsPlace, AwsReach } from "../../../destinations/destination.ts";
import { destinationKinds } from "../../../destinations/index.ts";
import { boundedHttp } from "../../../providers/http.ts";
import { connectSecretsManager } from "../../../stores/index.ts";
import { adminCredential } from "../../adapters/admin-credential.ts";
import type { Deps } from "../../deps.ts";
import type { Part } from "../base.ts";
import { listedDestinations, settings } from "../settings.ts";

/** The places that the deployment lists, each connected when it is first named. */
export const destinations: Part<"destinations"> = (base): Destinations => {
  const places = listedDestinations();
  const made = new Map<string, Destination>();
  return {
    named(name) {
      const place = Object.hasOwn(places, name) ? places[name] : undefined;
      if (place === undefined) return undefined;
      const destination = made.get(name) ?? connect(place, base);
      made.set(name, destination);
      return destination;
    },
  };
};

function connect(
  { kind: kindName, ...given }: Readonly<Record<string, unknown>>,
  { store, environment, clock }: Deps,
): Destination {
  const kind = Object.hasOwn(destinationKinds, String(kindName))
    ? destinationKinds[String(kindName)]
    : undefined;
  if (kind === undefined) throw new PolicyInvalid(`no destination is called ${String(kindName)}`);
  const tokenArn = typeof given["token"] === "string" ? given["token"] : undefined;
  const credential = adminCredential(store, tokenArn);
  const { allowLoopbackProviders: allowLoopback } = settings();
  return connectLater(kind, {
    settings: given,
    environment,
    token: ({ afresh = false } = {}) => {
      if (afresh) credential.refused();
      return credential.get();
    },
    http: boundedHttp({ allowHosts: kind.hosts(given), allowLoopback }),
    aws: awsReach(clock.pause),
  });
}

/** One client for each Region and role; a role's credentials are asked for again before they expire. */
function awsReach(pause: (ms: number) => Promise<void>): AwsReach {
  const clients = new Map<string, SecretsManagerClient>();
  const stores = new Map<string, SecretStore>();
  const clientFor = ({ region, role }: AwsPlace): SecretsManagerClient => {
    const id = `${region} ${role ?? ""}`;
    const credentials = role === undefined ? {} : { credentials: assumed(role, region) };
    const client = clients.get(id) ?? new SecretsManagerClient({ ...awsBounds, region, ...credentials });
    clients.set(id, client);
    return client;
  };
  return {
    secrets(place) {
      const id = `${place.region} ${place.role ?? ""}`;
      const store = stores.get(id) ?? connectSecretsManager(clientFor(place), pause);
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
