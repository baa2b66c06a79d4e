import { NeedsHuman } from "../../core/errors.ts";
import type { KeyId, KeyUse } from "../../core/ports.ts";
import { type AdminApi, adminApi, isOk } from "../admin-api.ts";
import { pathId } from "../key-listing.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { providerCalls } from "../provider-calls.ts";
import { verifyBy } from "../verify-table.ts";
import { type AnthropicKeys, anthropicKeys, keyIn, keysPath } from "./keys.ts";
import { AnthropicSettings } from "./settings.ts";
import { requestsSince } from "./usage.ts";
import { verifyTable } from "./verify-table.ts";

const version = { "anthropic-version": "2023-06-01" };

export function connect({ settings: block, admin, http }: ConnectOptions): ProviderCalls {
  const settings = parseSettings(AnthropicSettings, block);
  const { baseUrl } = settings;
  const api = adminApi(
    {
      ...{ kind: "anthropic", baseUrl },
      headers: (credential) => ({ "x-api-key": credential, ...version }),
      codeAt: ["/error/details/error_code", "/error/type"],
      codes: [
        ...["api_error", "authentication_error", "billing_error", "invalid_request_error", "not_found_error"],
        ...["overloaded_error", "permission_error", "rate_limit_error", "timeout_error"],
      ],
    },
    { admin, http },
  );
  const keys = anthropicKeys(api, settings);
  const world = { api, keys, settings };

  return providerCalls(keys, {
    mint: async () => {
      const place = settings.workspace === undefined ? "" : `, in workspace ${settings.workspace}`;
      throw new NeedsHuman(`anthropic has no API that makes keys: make one in its console${place}`);
    },
    verify: (secret) =>
      verifyBy(secret, {
        ...{ http, table: verifyTable },
        request: (text) => ({
          ...{ method: "GET", url: `${baseUrl}/v1/models` },
          headers: { "x-api-key": text, ...version },
        }),
      }),
    use: (query) => use(query, world),
    quarantine: async ({ keyId }) =>
      (await setStatus("inactive", keyId, world)) === "set" ? "quarantined" : "cannot",
    restore: async ({ keyId }) => void (await setStatus("active", keyId, world)),
    revoke: async (keyId) =>
      (await setStatus("archived", keyId, world)) === "set" ? "revoked" : "alreadyGone",
  });
}

interface World {
  readonly api: AdminApi;
  readonly keys: AnthropicKeys;
  readonly settings: AnthropicSettings;
}

/** A key of another workspace is `gone` as well: its status is not Rekey's to change. */
async function setStatus(
  status: "active" | "inactive" | "archived",
  keyId: KeyId,
  { api, keys, settings }: World,
): Promise<"set" | "gone"> {
  if (settings.workspace !== undefined && (await keys.find(keyId)) === undefined) return "gone";
  const reply = await api.send({ method: "POST", path: `${keysPath}/${pathId(keyId)}`, body: { status } });
  if (reply.status === 404 || reply.status === 400) {
    if ((await keys.find(keyId)) === undefined) return "gone";
    throw new NeedsHuman(
      `anthropic did not make key ${keyId} ${status}: ${api.outcomeOf(reply)}; do it in its console`,
    );
  }
  if (!isOk(reply)) throw api.failureOf(reply);
  keyIn(reply, keyId);
  return "set";
}

async function use(
  { keyId, sinceMs }: { readonly keyId: KeyId; readonly sinceMs: number },
  { api, keys }: World,
): Promise<KeyUse | undefined> {
  const found = await keys.find(keyId);
  if (found?.dateMs === undefined) return undefined;
  const requests = await requestsSince(api, { keyId, sinceMs, untilMs: found.dateMs });
  return { keyId, seenAtMs: found.dateMs, ...(requests !== undefined && { requests }) };
}
