import type { KeyUse } from "../../core/ports.ts";
import type { AdminApi } from "../admin-api.ts";
import type { Http } from "../http.ts";
import { type AdminCredential, type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { mayBe } from "../reply-text.ts";
import { verifyBy } from "../verify-table.ts";
import { openaiApi } from "./admin-api.ts";
import { type ProjectKeys, projectKeys } from "./keys.ts";
import { mint } from "./mint.ts";
import { revoke } from "./revoke.ts";
import { OpenAiSettings } from "./settings.ts";
import { extend, quarantine, restore } from "./update.ts";
import { requestsSince } from "./usage.ts";
import { verifyTable } from "./verify-table.ts";

export function connect({ settings, ...options }: ConnectOptions): ProviderCalls {
  return calls(parseSettings(OpenAiSettings, settings), options);
}

function calls(
  settings: OpenAiSettings,
  { admin, http }: { readonly admin: AdminCredential; readonly http: Http },
): ProviderCalls {
  const { project } = settings;
  const baseUrl = settings.baseUrl.replace(/\/$/, "");
  const api = openaiApi(baseUrl, { admin, http });
  const keys = projectKeys(api, project);

  return {
    mint: (request) => mint(api, settings, request),
    list: async ({ namePrefix = "" } = {}) =>
      (await keys.all()).filter(({ name }) => name.startsWith(namePrefix)),
    find: async (keyId) => (await keys.find(keyId))?.key,
    verify: (secret) =>
      verifyBy(secret, {
        http,
        table: verifyTable,
        request: (text) => ({
          method: "GET",
          url: `${baseUrl}/models`,
          headers: { authorization: `Bearer ${text}` },
        }),
      }),
    use: (query) => use({ ...query, api, keys, settings }),
    quarantine: (key) => quarantine(api, keys, key),
    restore: (key) => restore(api, keys, key),
    revoke: (keyId) => revoke(api, keys, { project, keyId }),
    extend: (query) => extend(api, keys, query),
    candidates: async (secret, listed = keys.all) =>
      (await listed()).filter(({ hint }) => mayBe(hint, secret.reveal())),
  };
}

/** Undefined for a key that is gone, and for a reply without a Date, because quiet is measured on that clock. */
async function use(query: {
  readonly keyId: string;
  readonly sinceMs: number;
  readonly api: AdminApi;
  readonly keys: ProjectKeys;
  readonly settings: OpenAiSettings;
}): Promise<KeyUse | undefined> {
  const { keyId, sinceMs, api, keys, settings } = query;
  const found = await keys.find(keyId);
  if (found?.dateMs === undefined) return undefined;
  const { lastUsedAtMs } = found.key;
  const families = settings.usageFamilies;
  const requests = await requestsSince(api, { keyId, sinceMs, untilMs: found.dateMs, families });
  return {
    keyId,
    seenAtMs: found.dateMs,
    ...(lastUsedAtMs === undefined ? {} : { lastUsedAtMs }),
    ...(requests === undefined ? {} : { requests }),
  };
}
