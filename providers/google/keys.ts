import * as z from "zod";
import { ProviderGarbled } from "../../core/errors.ts";
import type { KeyId } from "../../core/ports.ts";
import { type AdminApi, isOk } from "../admin-api.ts";
import { type FoundItem, type Item, type KeyListing, keyListing, pathId } from "../key-listing.ts";
import { printable } from "../reply-text.ts";
import type { GoogleSettings } from "./settings.ts";

const pageLength = 300;
const time = z.iso.datetime({ offset: true }).nullish().catch(undefined);

const Key = z.object({
  name: z.string().regex(/^projects\/[A-Za-z0-9_-]{1,64}\/locations\/global\/keys\/[A-Za-z0-9_-]{1,128}$/),
  uid: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  displayName: z.string().max(4096).nullish(),
  createTime: time,
  deleteTime: z.string().max(64).nullish(),
  restrictions: z.record(z.string(), z.unknown()).nullish(),
  serviceAccountEmail: z.string().max(256).nullish(),
});
export type GoogleKey = z.output<typeof Key>;

const KeyPage = z.object({
  keys: z.array(Key).max(1000).nullish(),
  nextPageToken: z.string().max(4096).nullish(),
});

export interface GoogleKeys extends KeyListing<GoogleKey> {
  /** After the base URL. */
  readonly path: string;
}

export function googleKeys(api: AdminApi, { project }: GoogleSettings): GoogleKeys {
  const path = `/v2/projects/${project}/locations/global/keys`;
  const listing = keyListing(api.kind, async (pageToken) => {
    const query = new URLSearchParams({ pageSize: String(pageLength) });
    if (pageToken !== undefined) query.set("pageToken", pageToken);
    const { json, dateMs } = await api.read(`${path}?${query}`);
    const isObject = typeof json === "object" && json !== null && !("error" in json);
    const parsed = KeyPage.safeParse(json);
    if (!isObject || !parsed.success) {
      throw new ProviderGarbled("google answered a list of keys that is not its protocol");
    }
    const { keys, nextPageToken } = parsed.data;
    return { items: (keys ?? []).map(itemOf), next: nextPageToken || undefined, dateMs };
  });

  async function find(keyId: KeyId): Promise<FoundItem<GoogleKey> | undefined> {
    const reply = await api.send({ method: "GET", path: `${path}/${pathId(keyId)}` });
    if (reply.status === 404) {
      await api.read(`${path}?pageSize=1`);
      return undefined;
    }
    if (!isOk(reply)) throw api.failureOf(reply);
    const parsed = Key.safeParse(reply.json);
    if (!parsed.success || itemOf(parsed.data).key.keyId !== keyId) {
      throw new ProviderGarbled("google answered something else than the key that was asked for");
    }
    // A deleted key can be looked up for 30 days more.
    return parsed.data.deleteTime ? undefined : { ...itemOf(parsed.data), dateMs: reply.dateMs };
  }

  return { ...listing, path, find };
}

function itemOf(raw: GoogleKey): Item<GoogleKey> {
  const { name, displayName, createTime, serviceAccountEmail } = raw;
  const key = {
    ...{ keyId: lastPart(name), name: printable(displayName ?? ""), status: "active" as const },
    ...(serviceAccountEmail && { owner: printable(serviceAccountEmail) }),
    ...(createTime && { createdAtMs: Date.parse(createTime) }),
  };
  return { key, raw };
}

export function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
