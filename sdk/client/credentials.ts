import { CredentialsMissing } from "./errors.ts";
import type { Credentials } from "./sigv4.ts";

export type Environment = Readonly<Record<string, string | undefined>>;
export type Fetch = typeof globalThis.fetch;
export type CredentialSource = () => Promise<Credentials>;

interface World {
  env: Environment;
  fetch: Fetch;
  /** Milliseconds since 1970. */
  wallMs(): number;
}

/** Credentials are replaced this long before they expire, so that a call that is signed now is still accepted. */
const headStartMs = 5 * 60_000;

/**
 * Fetches credentials when they are needed, one request at a time: from environment variables, then from the
 * container endpoint (ECS, EKS pod identity), then from the AWS SDK's provider chain if that optional peer is
 * installed.
 */
export function credentialChain(world: World): CredentialSource {
  let untilMs = 0;
  let held: Promise<Credentials> | undefined;

  const ask = async (): Promise<Credentials> => {
    const credentials = fromEnvironment(world.env) ?? (await fromContainer(world)) ?? (await fromSdk());
    untilMs = (credentials.expiration?.getTime() ?? Infinity) - headStartMs;
    return credentials;
  };

  return () => {
    if (held === undefined || world.wallMs() >= untilMs) {
      untilMs = Infinity;
      held = ask();
      held.catch(() => {
        held = undefined;
      });
    }
    return held;
  };
}

function fromEnvironment(env: Environment): Credentials | undefined {
  const accessKeyId = env["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = env["AWS_SECRET_ACCESS_KEY"];
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: env["AWS_SESSION_TOKEN"] };
}

const container = "AWS_CONTAINER_";

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */
async function fromContainer({ env, fetch }: World): Promise<Credentials | undefined> {
  const relative = env[`${container}CREDENTIALS_RELATIVE_URI`];
  const full = relative ? `http://169.254.170.2${relative}` : env[`${container}CREDENTIALS_FULL_URI`];
  if (!full) return undefined;
  if (!trusted.test(new URL(full).origin))
    throw new CredentialsMissing(`the address in ${container}CREDENTIALS_FULL_URI is not this host's own`);

  // The file is read each time: Kubernetes replaces the token in it every few hours.
  const file = env[`${container}AUTHORIZATION_TOKEN_FILE`];
  const files = process.getBuiltinModule("node:fs/promises");
  const authorization = file
    ? (await files.readFile(file, "utf8")).trim()
    : env[`${container}AUTHORIZATION_TOKEN`];
  const response = await fetch(full, { headers: authorization ? { authorization } : {}, redirect: "error" });
  const body = (response.ok ? await response.json() : {}) as Partial<Record<string, string>>;
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = body;
  if (!AccessKeyId || !SecretAccessKey)
    throw new CredentialsMissing(`the container's credentials endpoint answered ${response.status}`);
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: Token,
    expiration: Expiration ? new Date(Expiration) : undefined,
  };
}

/**
 * Plain http sends a token and receives keys, so it is allowed only to the host itself or to the documented
 * addresses.
 */
const trusted =
  /^(https:.*|http:..(localhost|127(\.\d+){3}|\[::1]|169\.254\.170\.23?|\[fd00:ec2::23])(:\d+)?)$/;

/** Named through a variable so that a bundler leaves the optional peer out. */
const optionalPeer: string = "@aws-sdk/credential-providers";

async function fromSdk(): Promise<Credentials> {
  const sdk: { fromNodeProviderChain: () => CredentialSource } | undefined = await import(optionalPeer).catch(
    () => undefined,
  );
  if (!sdk)
    throw new CredentialsMissing(
      `no AWS credentials in the environment or the container: give it a role, or install ${optionalPeer}`,
    );
  return sdk.fromNodeProviderChain()();
}
