import { createHash } from "node:crypto";
import * as z from "zod";
import {
  InputInvalid,
  MintOutcomeUnknown,
  NeedsHuman,
  ProviderGarbled,
  ProviderUnavailable,
  type RotationError,
} from "../../core/errors.ts";
import type { KeyId, ListedKey, MintedKey, MintRequest } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { type AdminApi, adminApi, isOk } from "../admin-api.ts";
import type { HttpReply } from "../http.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { tokenCredential } from "../token-credential.ts";
import { exchangeForToken } from "../token-exchange.ts";
import { verifyBy } from "../verify-table.ts";
import { AzureOpenAiSettings, endpointOf } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

const kind = "azure-openai";

const keyText = z.string().regex(/^[\x21-\x7e]{16,512}$/);
const Keys = z.object({ key1: keyText, key2: keyText });

const places = ["key1", "key2"] as const;
type Place = (typeof places)[number];

/** One place, and the key that is in it now. */
interface Held {
  readonly place: Place;
  readonly keyId: KeyId;
  readonly secret: Secret;
}

export function connect({ settings: block, admin, http }: ConnectOptions): ProviderCalls {
  const settings = parseSettings(AzureOpenAiSettings, block);
  const api = adminApi(
    {
      ...{ kind, baseUrl: settings.managementUrl },
      headers: (token) => ({ authorization: `Bearer ${token}` }),
      codeAt: ["/error/code"],
      codes: [
        ...["AuthorizationFailed", "ResourceNotFound", "ResourceGroupNotFound", "SubscriptionNotFound"],
        ...["InvalidAuthenticationToken", "Conflict", "InternalServerError"],
      ],
    },
    { http, admin: tokenCredential(admin, (credential) => token(credential, { settings, http })) },
  );
  const account = accountKeys(api, settings);

  return {
    mint: (request) => mint(request, account),
    list: async ({ namePrefix = "" } = {}) =>
      (await account.read()).map(listedKey).filter(({ name }) => name.startsWith(namePrefix)),
    async find(keyId) {
      assertId(keyId);
      return (await account.read()).map(listedKey).find((key) => key.keyId === keyId);
    },
    verify: (secret) =>
      verifyBy(secret, {
        ...{ http, table: verifyTable },
        request: (text) => ({
          ...{ method: "GET", url: `${endpointOf(settings)}${settings.verifyPath}` },
          headers: { "api-key": text },
        }),
      }),
    use: async () => undefined,
    quarantine: async () => "cannot",
    restore: async () => undefined,
    async revoke(keyId) {
      assertId(keyId);
      const held = (await justRead(account)).find((each) => each.keyId === keyId);
      if (held === undefined) return "alreadyGone";
      const reply = await account.regenerate(held.place);
      if (!isOk(reply)) throw api.failureOf(reply);
      if (heldIn(reply).some((each) => each.keyId === keyId)) {
        throw new ProviderGarbled(`${kind} says that it regenerated ${held.place}, and its key is the same`);
      }
      return "revoked";
    },
    extend: async () => "cannot",
    async candidates(secret, listed) {
      const fingerprint = fingerprintOf(secret);
      const keys = listed === undefined ? (await account.read()).map(listedKey) : await listed();
      return keys.filter((key) => key.fingerprint === fingerprint);
    },
  };
}

interface AccountKeys {
  /** Both places; this call changes nothing and may be repeated. */
  read(): Promise<readonly Held[]>;
  /** Ends the key in this place and puts another one there. A repeat makes yet another one. */
  regenerate(place: Place): Promise<HttpReply>;
  failureOf(reply: HttpReply): RotationError;
}

function accountKeys(api: AdminApi, settings: AzureOpenAiSettings): AccountKeys {
  const { subscription, group, account, apiVersion } = settings;
  const root =
    `/subscriptions/${subscription}/resourceGroups/${group}` +
    `/providers/Microsoft.CognitiveServices/accounts/${account}`;
  const query = `?api-version=${apiVersion}`;
  return {
    failureOf: api.failureOf,
    async read() {
      const reply = await api.send({ method: "POST", path: `${root}/listKeys${query}` });
      if (!isOk(reply)) throw api.failureOf(reply);
      return heldIn(reply);
    },
    regenerate(place) {
      const body = { keyName: place === "key1" ? "Key1" : "Key2" };
      return api.send({ method: "POST", path: `${root}/regenerateKey${query}`, body });
    },
  };
}

/**
 * Regenerates the place that does not hold the retiring key, and refuses when neither holds it, or when the other one
 * holds another key than the one that may end. After any doubtful
 * answer the places are read again: they tell whether there is another key, and which.
 */
async function mint({ retiring, displaces }: MintRequest, account: AccountKeys): Promise<MintedKey> {
  const before = await justRead(account);
  const live = before.find(({ keyId }) => keyId === retiring);
  const idle = before.find(({ keyId }) => keyId !== retiring);
  if (live === undefined || idle === undefined) {
    throw new NeedsHuman(`${kind}: neither place holds the retiring key, so none may be overwritten`);
  }
  if (displaces !== undefined && idle.keyId !== displaces)
    throw new ProviderUnavailable(`${kind}: ${idle.place} has another key than the one that may end`);
  const answer = await account.regenerate(idle.place).catch((error: unknown) => error);
  const after = await account.read().catch(() => []);
  const made = after.find(({ place, keyId }) => place === idle.place && keyId !== idle.keyId);
  if (made !== undefined) return { keyId: made.keyId, secret: made.secret };
  const isThrottled = isReply(answer) && answer.status === 429 && after.length > 0;
  if (isThrottled) throw account.failureOf(answer);
  throw new MintOutcomeUnknown(`${kind} did not say whether it regenerated ${idle.place}`);
}

/** So old may a look at the places be before one of them is regenerated, which ends whatever is in it by then. */
const lookMaxMs = 10_000;
const looksMax = 3;

/** The two places as they are now: a function that slept over the reply looks again. */
async function justRead(account: AccountKeys): Promise<readonly Held[]> {
  for (let looks = 0; looks < looksMax; looks++) {
    const beganMs = Date.now();
    const held = await account.read();
    if (Date.now() - beganMs <= lookMaxMs) return held;
  }
  throw new ProviderUnavailable(
    `${kind} took longer than ${lookMaxMs / 1_000} s to list its two keys, ${looksMax} times`,
  );
}

function isReply(answer: unknown): answer is HttpReply {
  return typeof answer === "object" && answer !== null && "status" in answer;
}

function heldIn({ json }: HttpReply): readonly Held[] {
  const parsed = Keys.safeParse(json);
  if (!parsed.success) throw new ProviderGarbled(`${kind} answered something else than its two keys`);
  return places.map((place) => ({
    place,
    keyId: idOf(place, parsed.data[place]),
    secret: new Secret(parsed.data[place]),
  }));
}

/** The place and what is in it: a former key of the same place has another id, and is never revoked by mistake. */
function idOf(place: Place, text: string): KeyId {
  return `${place}:${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
}

function assertId(keyId: KeyId): void {
  if (!/^[A-Za-z0-9:_-]{1,128}$/.test(keyId)) {
    throw new InputInvalid("a key id has characters that no id of this provider has");
  }
}

function listedKey({ place, keyId, secret }: Held): ListedKey {
  return { keyId, name: place, status: "active", fingerprint: fingerprintOf(secret) };
}

async function token(
  credential: Secret,
  { settings, http }: { readonly settings: AzureOpenAiSettings; readonly http: ConnectOptions["http"] },
): Promise<Secret> {
  const { tenant, client, loginUrl } = settings;
  return exchangeForToken({
    ...{ kind: "Microsoft Entra", http, url: `${loginUrl}/${tenant}/oauth2/v2.0/token` },
    form: {
      ...{ grant_type: "client_credentials", client_id: client, client_secret: credential.reveal() },
      scope: "https://management.azure.com/.default",
    },
  });
}
