import { credentialChain } from "./credentials.ts";
import { OptionInvalid } from "./errors.ts";
import { type GoogleLogin, googleToken, loginFrom } from "./google-login.ts";
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

export type { GoogleLogin } from "./google-login.ts";

export interface GoogleOptions {
  /** Its id or number. Default REKEY_GOOGLE_PROJECT, or GOOGLE_CLOUD_PROJECT. */
  project?: string | undefined;
  /** Of regional secrets, such as "europe-west3". Default REKEY_GOOGLE_LOCATION, or the whole project's secrets. */
  location?: string | undefined;
  /** Default REKEY_GOOGLE_ENDPOINT, or Google's own. */
  endpoint?: string | undefined;
  /** Default what REKEY_GOOGLE_LOGIN and its neighbours say, or the metadata server of the machine. */
  login?: GoogleLogin | undefined;
}

/**
 * Options of a client whose secrets may also be in Google Secret Manager, named as in `rekey.yml`:
 * `createRekey(googleOptions({ consumer, … }))`, then `open({ secret: "google://main/openai" })`. Reports go to the
 * same bus as ever.
 */
export function googleOptions({
  google = {},
  ...options
}: RekeyOptions & { google?: GoogleOptions | undefined }): RekeyOptions {
  return withStore(options, (world) => googleTransport(google, world));
}

const words: Words = { store: "Google", see: "see DNS, the route to it and REKEY_GOOGLE_ENDPOINT" };

/** Secrets named `google://…` are read in Google Secret Manager; all else goes where it went. */
export function googleTransport(given: GoogleOptions, { aws, clock, env, fetch }: StoreWorld): Transport {
  let made: ReturnType<typeof reader> | undefined;
  const read = (secret: string, signal: AbortSignal) => {
    const location = given.location || env["REKEY_GOOGLE_LOCATION"] || "";
    made ??= reader({
      location,
      endpoint: given.endpoint || env["REKEY_GOOGLE_ENDPOINT"] || endpointOf(location),
      project: given.project || env["REKEY_GOOGLE_PROJECT"] || env["GOOGLE_CLOUD_PROJECT"] || "",
      login: given.login ?? loginFrom(env),
      ...{ clock, env, fetch },
    });
    return made(secret, signal);
  };
  return storeTransport({ scheme: "google://", name: "Google", read }, aws);
}

function endpointOf(location: string): string {
  return location
    ? `https://secretmanager.${location}.rep.googleapis.com`
    : "https://secretmanager.googleapis.com";
}

interface Place extends Omit<StoreWorld, "aws"> {
  endpoint: string;
  location: string;
  project: string;
  login: GoogleLogin;
}

/** As the deployment's references are: a project's name, which says nothing here, and the secret. */
const form = /^google:\/\/[a-z][a-z0-9-]{0,31}\/([\w-]{1,255})$/;

function reader({ endpoint, location, project, login, clock, env, fetch }: Place) {
  if (!/^([a-z]{2,20}-[a-z]{2,20}\d{1,2})?$/.test(location))
    throw new OptionInvalid("REKEY_GOOGLE_LOCATION has to be a location such as europe-west3");
  const address = trustedAddress(endpoint, "REKEY_GOOGLE_ENDPOINT");
  if (!/^[a-z0-9-]{1,30}$/.test(project))
    throw new OptionInvalid("REKEY_GOOGLE_PROJECT has to be the id or the number of the project");
  const place = location && `/locations/${location}`;
  const wallMs = () => clock.wallMs();
  const world = { login, env, fetch, words, wallMs, credentials: credentialChain({ env, fetch, wallMs }) };
  const token = heldToken({ wallMs, login: (asked) => googleToken(asked, world) });

  return async (secret: string, signal: AbortSignal): Promise<Reading> => {
    const [, name = ""] = form.exec(secret) ?? [];
    if (!name) throw new OptionInvalid("a secret in Google is named google://<project>/<secret>");
    const asked = { secret, signal };
    // Never `latest`: that is the newest version, also one that is only pending or disabled.
    const url = `${address}/v1/projects/${project}${place}/secrets/${name}/versions/current:access`;
    return readingIn(await askWithToken(url, asked, { token, fetch, words }), secret);
  };
}

interface Accessed {
  name?: unknown;
  payload?: { data?: unknown; dataCrc32c?: unknown };
}

function readingIn({ status, body }: { status: number; body: unknown }, about: string): Reading {
  if (status === 401 || status === 403) {
    const says = "Google's IAM does not allow this identity to read it";
    throw unavailable("denied", { about, status, says });
  }
  if (status === 404)
    throw unavailable("notFound", { about, status, says: 'Google has no version with the alias "current"' });
  const { name, payload } = (body ?? {}) as Accessed;
  const number = /\/versions\/(\d{1,15})$/.exec(`${name}`)?.[1];
  const { data } = payload ?? {};
  if (status !== 200 || typeof data !== "string" || !number)
    throw unavailable("refused", { about, status, says: `Google answered ${status}, and nothing readable` });
  const bytes = Buffer.from(data, "base64");
  if (crc32c(bytes) !== Number(payload?.dataCrc32c))
    throw unavailable("server", { about, status, says: "what Google sent arrived damaged" });
  return {
    ...{ ARN: about, Name: about, VersionId: `gsm-${number}`, SecretString: bytes.toString("utf8") },
    VersionStages: ["AWSCURRENT"],
  };
}

/** CRC-32C (Castagnoli), which Google sends beside each payload. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
