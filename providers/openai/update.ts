import { InputInvalid, NeedsHuman, ProviderGarbled } from "../../core/errors.ts";
import type { KeyId, KeySettings } from "../../core/ports.ts";
import { type AdminApi, isOk } from "../admin-api.ts";
import type { ProjectKeys } from "./keys.ts";
import { expirySeconds } from "./mint.ts";
import { OneKey, outcomeOf, pathId } from "./replies.ts";

/** A quarantined key can read files and nothing else. OpenAI has no scope that allows nothing at all. */
const QUARANTINE_SCOPES = ["api.files.read"];

type Change = { readonly scopes: readonly string[] } | { readonly expires_in_seconds: number };

/** OpenAI does not show a key's scopes, so only scopes that Rekey itself set can be put back. */
export async function quarantine(
  api: AdminApi,
  keys: ProjectKeys,
  { keyId, scopes }: KeySettings,
): Promise<"quarantined" | "cannot"> {
  if (scopes === undefined || scopes.length === 0) return "cannot";
  const outcome = await update(api, keys, { keyId, change: { scopes: QUARANTINE_SCOPES } });
  return outcome === "updated" ? "quarantined" : "cannot";
}

export async function restore(
  api: AdminApi,
  keys: ProjectKeys,
  { keyId, scopes }: KeySettings,
): Promise<void> {
  if (scopes === undefined || scopes.length === 0) {
    throw new InputInvalid(
      "a key whose scopes are not known cannot be restored: an empty list means unrestricted",
    );
  }
  const outcome = await update(api, keys, { keyId, change: { scopes } });
  if (outcome === "updated" || (await keys.find(keyId)) === undefined) return;
  throw new NeedsHuman(`openai did not restore the scopes of key ${keyId}: ${outcome}`);
}

/** A key without an expiry stays without one, and one that lives longer than asked is not shortened. */
export async function extend(
  api: AdminApi,
  keys: ProjectKeys,
  { keyId, expiresInMs }: { readonly keyId: KeyId; readonly expiresInMs: number },
): Promise<"extended" | "cannot"> {
  const found = await keys.find(keyId);
  const expiresAtMs = found?.key.expiresAtMs;
  if (expiresAtMs === undefined) return "cannot";
  if (found?.dateMs !== undefined && expiresAtMs >= found.dateMs + expiresInMs) return "extended";
  const change = { expires_in_seconds: expirySeconds(expiresInMs) };
  return (await update(api, keys, { keyId, change })) === "updated" ? "extended" : "cannot";
}

/** "updated", or the code of a refusal that a repeat would not change. */
async function update(
  api: AdminApi,
  keys: ProjectKeys,
  { keyId, change }: { readonly keyId: KeyId; readonly change: Change },
): Promise<string> {
  const reply = await api.send({ method: "POST", path: `${keys.path}/${pathId(keyId)}`, body: change });
  if (reply.status === 404) await keys.confirmGone();
  if (reply.status === 404 || reply.status === 400 || reply.status === 422) return outcomeOf(reply);
  if (!isOk(reply)) throw api.failureOf(reply);

  const parsed = OneKey.safeParse(reply.json);
  if (parsed.success && parsed.data.keyId === keyId) return "updated";
  throw new ProviderGarbled("openai answered the update with something else than the updated key");
}
