import * as z from "zod";
import { MintOutcomeUnknown, ProviderGarbled, ProviderUnavailable } from "../../core/errors.ts";
import type { KeyId, ListedKey, MintedKey, MintRequest } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { type AdminApi, adminApi, isOk } from "../admin-api.ts";
import { type Item, type KeyListing, keyListing, keyNameText, pathId } from "../key-listing.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { providerCalls } from "../provider-calls.ts";
import { printable } from "../reply-text.ts";
import { expiryMs } from "../settings.ts";
import { tokenCredential } from "../token-credential.ts";
import { exchangeForToken } from "../token-exchange.ts";
import { verifyBy } from "../verify-table.ts";
import { AzureAppSettings } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

const kind = "azure-app";
const secretsMax = 1_000;
/** As Graph shows them; shorter ones are no client secret. */
const hintLength = 3;
const textLengthMin = 16;

const time = z.iso.datetime({ offset: true }).nullish().catch(undefined);
const Shown = z.object({
  keyId: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  displayName: z.string().max(4096).nullish(),
  hint: z.string().max(16).nullish().catch(undefined),
  ...{ startDateTime: time, endDateTime: time },
});
type Shown = z.output<typeof Shown>;

const Application = z.object({ passwordCredentials: z.array(Shown).max(secretsMax) });
const Added = Shown.extend({ secretText: z.string().regex(/^[\x21-\x7e]{16,512}$/) });

export function connect({ settings: block, admin, http }: ConnectOptions): ProviderCalls {
  const settings = parseSettings(AzureAppSettings, block);
  const { tenant, client, graphUrl: graph } = settings;
  const tokenUrl = `${settings.loginUrl}/${tenant}/oauth2/v2.0/token`;
  const formOf = (secret: string) => ({
    ...{ grant_type: "client_credentials", client_id: client, client_secret: secret },
    scope: `${graph}/.default`,
  });
  const exchange = (credential: Secret) =>
    exchangeForToken({ kind, http, url: tokenUrl, form: formOf(credential.reveal()) });
  const api = adminApi(
    {
      ...{ kind, baseUrl: graph, shows: "the application" },
      headers: (token) => ({ authorization: `Bearer ${token}` }),
      codeAt: ["/error/code"],
      codes: [
        ...["Authorization_RequestDenied", "InvalidAuthenticationToken", "Request_BadRequest"],
        ...["Request_ResourceNotFound", "Directory_QuotaExceeded"],
      ],
      quotaCodes: ["Directory_QuotaExceeded"],
    },
    { http, admin: tokenCredential(admin, exchange) },
  );
  const path = `/v1.0/applications(appId='${client}')`;
  const secrets = secretsOf(api, path);
  return providerCalls(secrets, {
    mint: (request) => mint(request, { api, path, settings }),
    verify: (secret) =>
      verifyBy(secret, {
        ...{ http, table: verifyTable },
        request: (text) => ({ method: "POST", url: tokenUrl, headers: {}, form: formOf(text) }),
      }),
    revoke: (keyId) => revoke(keyId, { api, path, secrets }),
    candidates: async (secret, listed = secrets.all) =>
      (await listed()).filter((key) => beginsLike(key, secret.reveal())),
  });
}

function beginsLike({ hint = "" }: ListedKey, text: string): boolean {
  return hint.length === hintLength && text.length >= textLengthMin && text.startsWith(hint);
}

/** All of them are in the application itself. */
function secretsOf(api: AdminApi, path: string): KeyListing<undefined> {
  return keyListing(kind, async () => {
    const { json, dateMs } = await api.read(`${path}?$select=passwordCredentials`);
    const parsed = Application.safeParse(json);
    if (!parsed.success) throw new ProviderGarbled("graph answered something else than the application");
    return { items: parsed.data.passwordCredentials.map(itemOf), dateMs };
  });
}

function itemOf({ keyId, displayName, hint, startDateTime, endDateTime }: Shown): Item<undefined> {
  const key = {
    ...{ keyId, name: printable(displayName ?? ""), status: "active" as const },
    ...(hint && { hint: printable(hint) }),
    ...(startDateTime && { createdAtMs: Date.parse(startDateTime) }),
    ...(endDateTime && { expiresAtMs: Date.parse(endDateTime) }),
  };
  return { key, raw: undefined };
}

interface World {
  readonly api: AdminApi;
  readonly path: string;
}

async function mint(
  request: MintRequest,
  { api, path, settings }: World & { readonly settings: AzureAppSettings },
): Promise<MintedKey> {
  const displayName = keyNameText(request.name);
  const lifeMs = expiryMs(request, settings);
  const passwordCredential = {
    displayName,
    ...(lifeMs !== undefined && { endDateTime: new Date(Date.now() + lifeMs).toISOString() }),
  };
  const reply = await api.mint({ method: "POST", path: `${path}/addPassword`, body: { passwordCredential } });
  const parsed = Added.safeParse(reply.json);
  if (!parsed.success || parsed.data.displayName !== displayName)
    throw new MintOutcomeUnknown("graph answered the mint with something else than the secret asked for");
  const { keyId, secretText, endDateTime } = parsed.data;
  const secret = new Secret(secretText);
  return { keyId, secret, ...(endDateTime && { expiresAtMs: Date.parse(endDateTime) }) };
}

/** Graph answers 400 for a secret that is gone; like a 404, it is believed only if the application has it no more. */
async function revoke(
  keyId: KeyId,
  { api, path, secrets }: World & { readonly secrets: KeyListing<undefined> },
): Promise<"revoked" | "alreadyGone"> {
  pathId(keyId);
  const reply = await api.send({ method: "POST", path: `${path}/removePassword`, body: { keyId } });
  if (reply.status === 400 || reply.status === 404) {
    if ((await secrets.find(keyId)) === undefined) return "alreadyGone";
    throw new ProviderUnavailable(`graph lists the secret ${keyId} and does not remove it`);
  }
  if (!isOk(reply)) throw api.failureOf(reply);
  if (reply.status === 204) return "revoked";
  throw new ProviderGarbled("graph answered the removal with something else than its confirmation");
}
