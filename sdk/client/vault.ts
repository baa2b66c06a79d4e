import { type Clock, systemClock } from "./clock.ts";
import { credentialChain, type Environment, type Fetch } from "./credentials.ts";
import { KeyUnreadable, OptionInvalid } from "./errors.ts";
import { type RekeyOptions, transportFrom } from "./options.ts";
import type { Calls, Reading, Transport } from "./transport.ts";
import { createVaultCalls, unavailable, type VaultCalls } from "./vault-calls.ts";
import { loginFrom, type VaultLogin } from "./vault-login.ts";

export type { VaultLogin } from "./vault-login.ts";

export interface VaultOptions {
  /** Default VAULT_ADDR. Several servers of one cluster are separated by commas: the next is asked where one is sealed. */
  address?: string | undefined;
  /** Default VAULT_NAMESPACE. */
  namespace?: string | undefined;
  /** The mount of the KV v2 engine. Default REKEY_VAULT_MOUNT, or "secret". */
  mount?: string | undefined;
  /** Default what REKEY_VAULT_LOGIN and its neighbours say, or the token in VAULT_TOKEN. */
  login?: VaultLogin | undefined;
}

/**
 * Options of a client whose secrets may also be in HashiCorp Vault or OpenBao, named as in `rekey.yml`:
 * `createRekey(vaultOptions({ consumer, … }))`, then `open({ secret: "vault://main/app/billing#api_key" })`. Reports
 * go to the same bus as ever.
 */
export function vaultOptions({
  vault = {},
  ...options
}: RekeyOptions & { vault?: VaultOptions | undefined }): RekeyOptions {
  const { clock = systemClock, env = process.env, fetch = globalThis.fetch } = options;
  const aws = options.transport ?? transportFrom(options, clock);
  return { ...options, transport: vaultTransport(vault, { aws, clock, env, fetch }) };
}

interface World {
  /** Everything that is not in Vault. */
  aws: Transport;
  clock: Clock;
  env: Environment;
  fetch: Fetch;
}

/** Secrets named `vault://…` are read in Vault; all else goes where it went. */
export function vaultTransport(given: VaultOptions, { aws, clock, env, fetch }: World): Transport {
  let made: VaultCalls | undefined;
  const calls = (): VaultCalls => {
    made ??= createVaultCalls({
      ...{ fetch, wallMs: () => clock.wallMs() },
      addresses: addressesOf(given.address || env["VAULT_ADDR"] || ""),
      namespace: given.namespace || env["VAULT_NAMESPACE"],
      mount: given.mount || env["REKEY_VAULT_MOUNT"] || "secret",
      login: given.login ?? loginFrom(env),
      credentials: credentialChain({ env, fetch, wallMs: () => clock.wallMs() }),
    });
    return made;
  };
  const call = async (target: keyof Calls, input: object, signal: AbortSignal): Promise<unknown> => {
    const { SecretId = "", ...version } = input as { SecretId?: string };
    if (!SecretId.startsWith("vault://")) return aws(target, input as never, signal);
    const reading = await read(SecretId, { calls: calls(), signal });
    // A consumer's policy allows no look at what is pending, so the current version is all that is known.
    if (target === "secretsmanager.DescribeSecret")
      return { VersionIdsToStages: { [reading.VersionId]: ["AWSCURRENT"] } };
    const { VersionId, VersionStage } = version as { VersionId?: string; VersionStage?: string };
    const isCurrent = (VersionId ?? reading.VersionId) === reading.VersionId;
    if (isCurrent && (VersionStage ?? "AWSCURRENT") === "AWSCURRENT") return reading;
    throw unavailable("notFound", { about: SecretId, says: "only the current version is read in Vault" });
  };
  return call as Transport;
}

/** As the deployment's references are: a server's name, a path below the mount, and one field. */
const form = /^vault:\/\/[a-z][a-z0-9-]{0,31}\/((?:[\w.-]{1,64}\/){0,8}[\w.-]{1,64})#([\w.-]{1,64})$/;

async function read(
  secret: string,
  { calls, signal }: { calls: VaultCalls; signal: AbortSignal },
): Promise<Reading> {
  const [, path = "", field = ""] = form.exec(secret) ?? [];
  if (!field || path.split("/").some((part) => /^\.\.?$/.test(part)))
    throw new OptionInvalid("a secret in Vault is named vault://<server>/<path>#<field>");
  const found = await calls.read(path, { secret, signal });
  const value = new Map(Object.entries(found.fields)).get(field);
  if (typeof value !== "string") throw new KeyUnreadable(`${secret} was read, but there is no text in it`);
  // Vault counts its versions anew when a secret was removed and made again.
  const VersionId = `kv-${found.number}-${found.createdAt.replace(/\D/g, "").slice(0, 23)}`;
  const CreatedDate = Date.parse(found.createdAt) / 1000;
  return {
    ...{ ARN: secret, Name: secret, VersionId, SecretString: value, VersionStages: ["AWSCURRENT"] },
    ...(CreatedDate > 0 && { CreatedDate }),
  };
}

/** A token and keys go over this connection, so it is encrypted, or does not leave this host. */
const trusted = /^(https:\/\/[\w.:[\]-]+|http:\/\/(localhost|127(\.\d+){3}|\[::1])(:\d+)?)$/;
const addressesMax = 5;

function addressesOf(text: string): readonly string[] {
  const addresses = text.split(",").map((each) => each.trim().replace(/\/+$/, ""));
  if (addresses.length > addressesMax || !addresses.every((each) => trusted.test(each)))
    throw new OptionInvalid("VAULT_ADDR has to be https://host[:port]: a token is sent there");
  // NODE_OPTIONS can lower it for a whole process.
  const { DEFAULT_MIN_VERSION: lowest } = process.getBuiltinModule("node:tls");
  if (/^TLSv1(\.1)?$/.test(lowest) && addresses.some((each) => each.startsWith("https:")))
    throw new OptionInvalid(`this process allows ${lowest}: start it without --tls-min-v1.0 or 1.1`);
  return addresses;
}
