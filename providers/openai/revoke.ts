import { NeedsHuman, ProviderGarbled, ProviderUnavailable } from "../../core/errors.ts";
import type { KeyId } from "../../core/ports.ts";
import { type AdminApi, isOk } from "../admin-api.ts";
import type { HttpReply } from "../http.ts";
import type { ProjectKeys } from "./keys.ts";
import { Deleted, outcomeOf, pathId, ServiceAccount } from "./replies.ts";

/** Only an account with such a name may be deleted in place of its last key. */
const OWN_ACCOUNT_PREFIX = "rekey/";

export async function revoke(
  api: AdminApi,
  keys: ProjectKeys,
  query: { readonly project: string; readonly keyId: KeyId },
): Promise<"revoked" | "alreadyGone"> {
  const { keyId } = query;
  const reply = await api.send({ method: "DELETE", path: `${keys.path}/${pathId(keyId)}` });
  if (reply.status === 404) {
    await assertNotListed(keys, keyId);
    return "alreadyGone";
  }
  if (reply.status === 400) return revokeWithAccount(api, keys, { ...query, refusal: outcomeOf(reply) });
  return confirmDeleted(reply, { id: keyId, api });
}

/** One 404 is no proof: a key was seen to work, and to be listed, after its deletion was answered so. */
async function assertNotListed(keys: ProjectKeys, keyId: KeyId): Promise<void> {
  if ((await keys.all()).every((listed) => listed.keyId !== keyId)) return;
  throw new ProviderUnavailable(`openai lists key ${keyId} and does not find it`);
}

/** Organisations that cannot delete a service account's key answer 400: there the whole account is deleted. */
async function revokeWithAccount(
  api: AdminApi,
  keys: ProjectKeys,
  query: { readonly project: string; readonly keyId: KeyId; readonly refusal: string },
): Promise<"revoked" | "alreadyGone"> {
  const { project, keyId, refusal } = query;
  const everyKey = await keys.all();
  const key = everyKey.find((listed) => listed.keyId === keyId);
  if (!key) return "alreadyGone";

  const path = `/organization/projects/${pathId(project)}/service_accounts/${pathId(key.owner ?? "unknown")}`;
  const sharesAccount = everyKey.some((other) => other.keyId !== keyId && other.owner === key.owner);
  if (key.owner === undefined || sharesAccount || !(await isOwnAccount(api, { path, id: key.owner }))) {
    throw new NeedsHuman(
      `openai did not delete key ${keyId} alone (${refusal}); its account is not Rekey's or is shared: ` +
        `delete the key in OpenAI's console, project ${project}`,
    );
  }
  const reply = await api.send({ method: "DELETE", path });
  if (reply.status === 404) {
    await keys.confirmGone();
    return "alreadyGone";
  }
  return confirmDeleted(reply, { id: key.owner, api });
}

async function isOwnAccount(
  api: AdminApi,
  { path, id }: { readonly path: string; readonly id: string },
): Promise<boolean> {
  const reply = await api.send({ method: "GET", path });
  if (reply.status === 404) return false;
  if (!isOk(reply)) throw api.failureOf(reply);
  const parsed = ServiceAccount.safeParse(reply.json);
  return parsed.success && parsed.data.id === id && parsed.data.name.startsWith(OWN_ACCOUNT_PREFIX);
}

function confirmDeleted(
  reply: HttpReply,
  { id, api }: { readonly id: string; readonly api: AdminApi },
): "revoked" {
  if (!isOk(reply)) throw api.failureOf(reply);
  const parsed = Deleted.safeParse(reply.json);
  if (parsed.success && parsed.data.id === id) return "revoked";
  throw new ProviderGarbled("openai answered the deletion with something else than its confirmation");
}
