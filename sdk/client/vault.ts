import { credentialChain } from "./credentials.ts";
import { KeyUnreadable, OptionInvalid } from "./errors.ts";
import type { RekeyOptions } from "./options.ts";
import { storeTransport, trustedAddress } from "./store-calls.ts";
import { type StoreWorld, withStore } from "./store-options.ts";
import type { Reading, Transport } from "./transport.ts";
import { createVaultCalls, type VaultCalls } from "./vault-calls.ts";
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
  return withStore(options, (world) => vaultTransport(vault, world));
}

/** Secrets named `vault://…` are read in Vault; all else goes where it went. */
export function vaultTransport(given: VaultOptions, { aws, clock, env, fetch }: StoreWorld): Transport {
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
  const look = (secret: string, signal: AbortSignal) => read(secret, { calls: calls(), signal });
  return storeTransport({ scheme: "vault://", name: "Vault", read: look }, aws);
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

const addressesMax = 5;

function addressesOf(text: string): readonly string[] {
  const addresses = text.split(",");
  if (addresses.length > addressesMax)
    throw new OptionInvalid(`VAULT_ADDR has more than ${addressesMax} addresses`);
  return addresses.map((each) => trustedAddress(each, "VAULT_ADDR"));
}
