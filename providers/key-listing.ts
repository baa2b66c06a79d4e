import { InputInvalid, ProviderGarbled, ProviderUnavailable } from "../core/errors.ts";
import type { KeyId, ListedKey } from "../core/ports.ts";
import { type AdminApi, type AdminCall, isOk } from "./admin-api.ts";

/** One key of a listing, with what only its adapter reads. */
export interface Item<Raw> {
  readonly key: ListedKey;
  readonly raw: Raw;
}

export interface Page<Raw> {
  readonly items: readonly Item<Raw>[];
  /** What asks for the next page; absent on the last one. */
  readonly next?: string | undefined;
  /** The Date header of the reply. */
  readonly dateMs?: number | undefined;
}

export interface FoundItem<Raw> extends Item<Raw> {
  readonly dateMs?: number | undefined;
}

export interface KeyListing<Raw> {
  all(): Promise<readonly ListedKey[]>;
  items(): Promise<readonly FoundItem<Raw>[]>;
  find(keyId: KeyId): Promise<FoundItem<Raw> | undefined>;
}

const pagesMax = 50;
const idText = /^[A-Za-z0-9_-]{1,128}$/;

/** Ids become path segments: ".." or "a/b" would delete something else than what was meant. */
export function pathId(id: string): string {
  if (!idText.test(id)) throw new InputInvalid("a key id has characters that no id of this provider has");
  return id;
}

const nameText = /^[\x20-\x7e]{1,128}$/;

/** A key's name is stored at the provider and read back from there, so it is plain ASCII in one line. */
export function keyNameText(name: string): string {
  if (nameText.test(name)) return name;
  throw new InputInvalid("a key's name has to be 1 to 128 printable ASCII characters");
}

/** Every key of one account. A list that is cut short could hide a key that still works, so a doubt is an error. */
export function keyListing<Raw>(
  kind: string,
  page: (cursor: string | undefined) => Promise<Page<Raw>>,
): KeyListing<Raw> {
  async function items(): Promise<readonly FoundItem<Raw>[]> {
    const found = new Map<KeyId, FoundItem<Raw>>();
    let cursor: string | undefined;
    for (let count = 0; count < pagesMax; count++) {
      const { items: some, next, dateMs } = await page(cursor);
      const before = found.size;
      for (const item of some) found.set(item.key.keyId, { ...item, dateMs });
      if (next === undefined) return [...found.values()];
      if (found.size === before) throw new ProviderGarbled(`${kind}'s list of keys does not end`);
      cursor = next;
    }
    throw new ProviderGarbled(`${kind}'s list of keys has more than ${pagesMax} pages`);
  }

  return {
    items,
    all: async () => (await items()).map(({ key }) => key),
    async find(keyId) {
      pathId(keyId);
      return (await items()).find(({ key }) => key.keyId === keyId);
    },
  };
}

/** Deletes one key. A 404 is believed only when the listing does not have the key either. */
export async function deleteKey<Raw>(
  { api, listing }: { readonly api: AdminApi; readonly listing: KeyListing<Raw> },
  { keyId, call, isConfirmed = isAnswer }: DeleteOrder,
): Promise<"revoked" | "alreadyGone"> {
  const reply = await api.send(call);
  if (reply.status === 404) {
    if ((await listing.find(keyId)) === undefined) return "alreadyGone";
    throw new ProviderUnavailable(`${api.kind} lists key ${keyId} and does not find it`);
  }
  if (!isOk(reply)) throw api.failureOf(reply);
  if (reply.status === 204 || isConfirmed(reply.json)) return "revoked";
  throw new ProviderGarbled(`${api.kind} answered the deletion with something else than its confirmation`);
}

interface DeleteOrder {
  readonly keyId: KeyId;
  readonly call: AdminCall;
  isConfirmed?(json: unknown): boolean;
}

function isAnswer(json: unknown): boolean {
  return typeof json === "object" && json !== null && !("error" in json);
}
