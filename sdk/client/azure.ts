import { type AzureLogin, azureToken, loginFrom } from "./azure-login.ts";
import { credentialChain } from "./credentials.ts";
import { OptionInvalid } from "./errors.ts";
import type { RekeyOptions } from "./options.ts";
import {
  askWithToken,
  heldToken,
  storeTransport,
  trustedAddress,
  unavailable,
  type Words,
} from "./store-calls.ts";
import { type StoreWorld, withStore } from "./store-options.ts";
import type { Reading, Transport } from "./transport.ts";

export type { AzureLogin } from "./azure-login.ts";

export interface AzureOptions {
  /** Such as https://shop-production.vault.azure.net. Default REKEY_AZURE_VAULT. */
  vault?: string | undefined;
  /** Default what REKEY_AZURE_LOGIN and its neighbours say, or the identity that Azure gives the workload. */
  login?: AzureLogin | undefined;
}

/**
 * Options of a client whose secrets may also be in Azure Key Vault, named as in `rekey.yml`:
 * `createRekey(azureOptions({ consumer, … }))`, then `open({ secret: "azure://main/openai" })`. Reports go to the same
 * bus as ever.
 */
export function azureOptions({
  azure = {},
  ...options
}: RekeyOptions & { azure?: AzureOptions | undefined }): RekeyOptions {
  return withStore(options, (world) => azureTransport(azure, world));
}

const words: Words = { store: "Azure", see: "see REKEY_AZURE_VAULT, DNS and the route to it" };

/** Secrets named `azure://…` are read in Azure Key Vault; all else goes where it went. */
export function azureTransport(given: AzureOptions, { aws, clock, env, fetch }: StoreWorld): Transport {
  let made: ReturnType<typeof reader> | undefined;
  const read = (secret: string, signal: AbortSignal) => {
    made ??= reader({
      vault: given.vault || env["REKEY_AZURE_VAULT"] || "",
      login: given.login ?? loginFrom(env),
      ...{ clock, env, fetch },
    });
    return made(secret, signal);
  };
  return storeTransport({ scheme: "azure://", name: "Azure", read }, aws);
}

interface Place extends Omit<StoreWorld, "aws"> {
  vault: string;
  login: AzureLogin;
}

/** As the deployment's references are: a vault's name, which says nothing here, and the secret. */
const form = /^azure:\/\/[a-z][a-z0-9-]{0,31}\/([0-9a-z-]{1,112})$/;

function reader({ vault, login, clock, env, fetch }: Place) {
  const address = trustedAddress(vault, "REKEY_AZURE_VAULT");
  const wallMs = () => clock.wallMs();
  const credentials = credentialChain({ env, fetch, wallMs });
  const world = { resource: resourceOf(address), login, env, fetch, words, wallMs, credentials };
  const token = heldToken({ wallMs, login: (asked) => azureToken(asked, world) });

  return async (secret: string, signal: AbortSignal): Promise<Reading> => {
    const [, name = ""] = form.exec(secret) ?? [];
    if (!name || name.endsWith("-rekey-pending"))
      throw new OptionInvalid("a secret in Azure is named azure://<vault>/<secret>, in lower case");
    const asked = { secret, signal };
    const url = `${address}/secrets/${name}/?api-version=2025-07-01`;
    return readingIn(await askWithToken(url, asked, { token, fetch, words }), secret);
  };
}

/** Every vault of one cloud has the same; a stand-in on this host stands for the public one. */
function resourceOf(address: string): string {
  const { hostname } = new URL(address);
  const [, cloud = "vault.azure.net"] =
    /\.(vault\.(?:azure\.net|azure\.cn|usgovcloudapi\.net))$/.exec(hostname) ?? [];
  return `https://${cloud}`;
}

interface Found {
  value?: unknown;
  id?: unknown;
  attributes?: { created?: unknown };
  error?: { innererror?: { code?: unknown } | null };
}

function readingIn({ status, body }: { status: number; body: unknown }, about: string): Reading {
  const { value, id, attributes, error } = (body ?? {}) as Found;
  if (status === 403 && error?.innererror?.code === "SecretDisabled")
    throw unavailable("notFound", { about, status, says: "its newest version in Azure is disabled" });
  if (status === 401 || status === 403) {
    const says = "Azure does not allow this identity to read it";
    throw unavailable("denied", { about, status, says });
  }
  if (status === 404) throw unavailable("notFound", { about, status, says: "Azure has no such secret" });
  const version = /\/([0-9a-f]{32})$/.exec(`${id}`)?.[1];
  if (status !== 200 || typeof value !== "string" || !version)
    throw unavailable("refused", { about, status, says: `Azure answered ${status}, and nothing readable` });
  const { created } = attributes ?? {};
  return {
    ...{ ARN: about, Name: about, VersionId: `akv-${version}`, SecretString: value },
    ...{ VersionStages: ["AWSCURRENT"], ...(typeof created === "number" && { CreatedDate: created }) },
  };
}
