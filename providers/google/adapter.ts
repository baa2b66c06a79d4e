import * as z from "zod";
import { NeedsHuman, ProviderGarbled } from "../../core/errors.ts";
import type { KeyId, KeyUse, ListedKey } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import { type AdminApi, type AdminDialect, adminApi, isOk } from "../admin-api.ts";
import { pathId } from "../key-listing.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { providerCalls } from "../provider-calls.ts";
import { tokenCredential } from "../token-credential.ts";
import { verifyBy } from "../verify-table.ts";
import { type GoogleKeys, googleKeys, lastPart } from "./keys.ts";
import { type MintWorld, mint } from "./mint.ts";
import { ended } from "./operation.ts";
import { GoogleSettings } from "./settings.ts";
import { googleToken } from "./token.ts";
import { requestsSince } from "./usage.ts";
import { verifyTable } from "./verify-table.ts";

const dialect: Omit<AdminDialect, "baseUrl"> = {
  kind: "google",
  headers: (token) => ({ authorization: `Bearer ${token}` }),
  codeAt: ["/error/status"],
  codes: [
    ...["ALREADY_EXISTS", "FAILED_PRECONDITION", "INTERNAL", "INVALID_ARGUMENT", "NOT_FOUND"],
    ...["PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "UNAVAILABLE"],
  ],
};

export function connect({ settings: block, admin, http, pause }: ConnectOptions): ProviderCalls {
  const settings = parseSettings(GoogleSettings, block);
  const { geminiUrl, model } = settings;
  const token = tokenCredential(admin, (credential) => googleToken(credential, { settings, http }));
  const apiAt = (baseUrl: string) => adminApi({ ...dialect, baseUrl }, { http, admin: token });
  const api = apiAt(settings.keysUrl);
  const monitoring = apiAt(settings.monitoringUrl);
  const keys = googleKeys(api, settings);
  const world: MintWorld = { api, keys, settings, ...(pause && { pause }) };

  return providerCalls(keys, {
    mint: (request) => mint(request, world),
    verify: (secret) =>
      verifyBy(secret, {
        ...{ http, table: verifyTable },
        request: (text) => ({
          ...{ method: "POST", url: `${geminiUrl}/v1beta/models/${model}:countTokens` },
          headers: { "x-goog-api-key": text },
          body: { contents: [{ parts: [{ text: "rekey" }] }] },
        }),
      }),
    async use({ keyId, sinceMs }): Promise<KeyUse | undefined> {
      const found = await keys.find(keyId);
      if (found?.dateMs === undefined) return undefined;
      const query = { project: settings.project, uid: found.raw.uid, sinceMs, untilMs: found.dateMs };
      const requests = await requestsSince(monitoring, query);
      return { keyId, seenAtMs: found.dateMs, ...(requests !== undefined && { requests }) };
    },
    revoke: (keyId) => revoke(keyId, world),
    candidates: (secret) => lookUp(secret, { api, keys }),
  });
}

/** The key is out of the listing at once, however long Google goes on accepting it. */
async function revoke(keyId: KeyId, world: MintWorld): Promise<"revoked" | "alreadyGone"> {
  const { api, keys } = world;
  const reply = await api.send({ method: "DELETE", path: `${keys.path}/${pathId(keyId)}` });
  if (reply.status === 404 || reply.status === 400) {
    if ((await keys.find(keyId)) === undefined) return "alreadyGone";
    throw new NeedsHuman(`google did not delete key ${keyId}: ${api.outcomeOf(reply)}`);
  }
  if (!isOk(reply)) throw api.failureOf(reply);
  const { error } = await ended(reply.json, world);
  if (error) throw new ProviderGarbled(`google's deletion failed with code ${error.code}`);
  return "revoked";
}

const LookedUp = z.object({ name: z.string().max(512) });

/** Google tells whose a key is by its text, exactly; its interface takes the text in the address and nowhere else. */
async function lookUp(
  secret: Secret,
  { api, keys }: { readonly api: AdminApi; readonly keys: GoogleKeys },
): Promise<readonly ListedKey[]> {
  const query = new URLSearchParams({ keyString: secret.reveal() });
  const reply = await api.send({ method: "GET", path: `/v2/keys:lookupKey?${query}` });
  if (reply.status === 404 || reply.status === 400) return [];
  if (!isOk(reply)) throw api.failureOf(reply);
  const parsed = LookedUp.safeParse(reply.json);
  if (!parsed.success) throw new ProviderGarbled("google answered something else than a key's name");
  const found = await keys.find(lastPart(parsed.data.name));
  return found === undefined ? [] : [found.key];
}
