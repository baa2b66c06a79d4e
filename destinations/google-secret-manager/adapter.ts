import type { CopySeen, CopyText, PlaceRefusal } from "../../core/copies/destination.ts";
import { ProviderUnavailable } from "../../core/errors.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { federated, LoginRefused } from "../../stores/google-secret-manager/federation.ts";
import {
  foundAfter,
  type GoogleSecret,
  type GoogleSecrets,
  secretsOf,
  withCurrent,
} from "../../stores/google-secret-manager/secrets.ts";
import type { Fetch } from "../../stores/http.ts";
import { placeRefusal } from "../aws-calls.ts";
import {
  type ConnectOptions,
  type DestinationCalls,
  type Http,
  type HttpRequest,
  parseSettings,
  refusalOf,
} from "../destination.ts";
import { environmentMark, markRefusal } from "../environment-mark.ts";
import { asDestination } from "../store-errors.ts";
import { googleSecretManagerSettings } from "./settings.ts";

export function connect({ settings: given, environment, http, aws }: ConnectOptions): DestinationCalls {
  const settings = parseSettings(googleSecretManagerSettings, given);
  const { project, location } = settings;
  const fetch = fetchOver(http);
  const token = federated({ settings, fetch, nowMs: Date.now, awsCredentials: aws.credentials });
  const secrets = secretsOf({ project, location, token, fetch, nameIn: (name) => name });
  const place = location === undefined ? project : `${project}, ${location}`;

  return {
    whyNotHere: () => placeRefusal(() => asDestination(() => whyNotHere({ secrets, place, environment }))),
    look: (name) => asDestination(async () => seenOf(await standing(name, secrets))),
    read: (name) =>
      asDestination(async () => {
        const value = await currentValue(name, secrets);
        return value && fingerprintOf(value);
      }),
    write: (copy) => asDestination(() => write(copy, secrets)),
    activate: async () => undefined,
    use: async () => ({ state: "active", detail: "readers are given it at their next read" }),
  };
}

async function whyNotHere({
  secrets,
  place,
  environment,
}: {
  readonly secrets: GoogleSecrets;
  readonly place: string;
  readonly environment: string;
}): Promise<PlaceRefusal | undefined> {
  try {
    const mark = await currentValue(environmentMark, secrets);
    return markRefusal(mark?.reveal().trim(), { place, environment });
  } catch (error) {
    if (!(error instanceof LoginRefused)) throw error;
    return { reason: "CredentialRefused", detail: error.message };
  }
}

interface Standing {
  readonly secret?: GoogleSecret;
  /** The version that the alias `current` is on; where nobody set it, the newest. */
  readonly number?: number;
}

async function standing(name: string, secrets: GoogleSecrets): Promise<Standing> {
  const secret = await secrets.find(name);
  if (secret === undefined) return {};
  const number = secret.aliases["current"] ?? (await secrets.newerThan(name, 0))[0];
  return { secret, ...(number !== undefined && { number }) };
}

function seenOf({ secret, number }: Standing): CopySeen {
  return {
    ...(number !== undefined && { mark: `version ${number}` }),
    ...(secret !== undefined && { guard: secret.etag }),
  };
}

async function currentValue(name: string, secrets: GoogleSecrets) {
  const { number } = await standing(name, secrets);
  return number === undefined ? undefined : secrets.access(name, number);
}

/** A version that was added and never became `current` is nobody's yet: a repeat finds it by its text. */
async function write({ name, text, seen }: CopyText, secrets: GoogleSecrets): Promise<string> {
  const there = await standing(name, secrets);
  const { number: before } = there;
  const isThere = before !== undefined && (await secrets.access(name, before)).reveal() === text.reveal();
  if (isThere && there.secret?.aliases["current"] === before) return `version ${before}`;
  const { mark, guard } = seenOf(there);
  if (mark !== seen.mark || guard !== seen.guard) throw changedMeanwhile();
  const secret = there.secret ?? (await secrets.create(name));
  if (secret === "exists") throw changedMeanwhile();
  const found = isThere
    ? before
    : await foundAfter({ reference: name, after: secret.aliases["current"] ?? 0, text }, secrets);
  const number = found ?? (await secrets.add(name, text));
  if ((await secrets.update(name, withCurrent(secret, number))) === "overtaken") throw changedMeanwhile();
  return `version ${number}`;
}

function changedMeanwhile(): Error {
  return new ProviderUnavailable("the secret changed meanwhile");
}

/** The store's calls through a destination's client, which reaches the listed hosts alone. */
function fetchOver(http: Http): Fetch {
  return async (url, { method = "GET", headers = {}, body }) => {
    const request = {
      ...{ method: method as HttpRequest["method"], url },
      headers: headers as Readonly<Record<string, string>>,
    };
    const reply = await http.send({
      ...request,
      ...(body !== undefined && { body: JSON.parse(String(body)) }),
    });
    const { status, json } = reply;
    if (status === 429 || status >= 500) throw refusalOf(reply, `${method} ${new URL(url).host}`);
    return new Response(json === undefined ? null : JSON.stringify(json), { status });
  };
}
