import { ProviderGarbled } from "../../core/errors.ts";
import type { ListedKey } from "../../core/ports.ts";
import type { AdminApi } from "../admin-api.ts";
import { type Item, type KeyListing, keyListing, type Page } from "../key-listing.ts";
import { printable } from "../reply-text.ts";
import { holds, valueAt } from "../verify-table.ts";
import type { DeclaredList, Paging } from "./declaration.ts";
import { callOf } from "./request.ts";
import type { TemplateValues } from "./template.ts";

const membersMax = 10_000;

export function declaredListing(
  api: AdminApi,
  list: DeclaredList,
  values: TemplateValues,
): KeyListing<undefined> {
  return keyListing(api.kind, async (cursor) => {
    const { path } = callOf(list, values, pageQuery(list.paging, cursor));
    const { json, dateMs } = await api.read(path);
    const members = valueAt(json, list.items);
    if (!Array.isArray(members) || members.length > membersMax) throw garbled(api, "no list of keys");
    const next = nextPage({ json, members, cursor }, list, api);
    return { items: itemsIn(members, list, api), next, dateMs } satisfies Page<undefined>;
  });
}

function itemsIn(members: readonly unknown[], list: DeclaredList, api: AdminApi): readonly Item<undefined>[] {
  const ours = members.filter((member) => (list.only ?? []).every((condition) => holds(condition, member)));
  return ours.map((member) => ({ key: listedKey(member, list, api), raw: undefined }));
}

function listedKey(member: unknown, list: DeclaredList, api: AdminApi): ListedKey {
  const keyId = idAt(member, list.keyId);
  if (keyId === undefined) throw garbled(api, "a key without an id");
  const text = (pointer: string | undefined) => (pointer === undefined ? "" : textAt(member, pointer));
  const [hint, owner, sha256] = [hintIn(member, list), text(list.owner), text(list.sha256)];
  const isDisabled = list.disabled?.every((condition) => holds(condition, member)) === true;
  return {
    ...{ keyId, name: text(list.name), status: isDisabled ? "disabled" : "active" },
    ...(hint !== "" && { hint }),
    ...(owner !== "" && { owner }),
    ...(/^[0-9a-f]{64}$/.test(sha256) && { fingerprint: `sha256:${sha256}` }),
    ...timesIn(member, list),
  };
}

function hintIn(member: unknown, { hint }: DeclaredList): string {
  if (hint === undefined) return "";
  if (typeof hint === "string") return textAt(member, hint);
  const first = hint.first === undefined ? "" : textAt(member, hint.first);
  const last = hint.last === undefined ? "" : textAt(member, hint.last);
  return first === "" && last === "" ? "" : `${first}...${last}`;
}

const times = ["createdAt", "lastUsedAt", "expiresAt"] as const;

function timesIn(member: unknown, list: DeclaredList) {
  const found: Partial<Record<`${(typeof times)[number]}Ms`, number>> = {};
  for (const name of times) {
    const pointer = list[name];
    const atMs = pointer === undefined ? undefined : timeAt(member, pointer);
    if (atMs !== undefined) found[`${name}Ms`] = atMs;
  }
  return found;
}

function textAt(json: unknown, pointer: string): string {
  const value = valueAt(json, pointer);
  return typeof value === "string" ? printable(value) : "";
}

const idText = /^[A-Za-z0-9_-]{1,128}$/;

/** Some providers number their keys. */
export function idAt(json: unknown, pointer: string): string | undefined {
  const value = valueAt(json, pointer);
  const id = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  return typeof id === "string" && idText.test(id) ? id : undefined;
}

/** Seconds are told from milliseconds by their size: this many seconds are the year 5138. */
const secondsMax = 100_000_000_000;

/** A date as text, or a number of seconds or milliseconds. */
export function timeAt(json: unknown, pointer: string): number | undefined {
  const value = valueAt(json, pointer);
  const atMs =
    typeof value === "number" ? value * (value < secondsMax ? 1000 : 1) : Date.parse(String(value ?? ""));
  return Number.isFinite(atMs) && atMs > 0 ? atMs : undefined;
}

// ---- pages -----------------------------------------------------------------------------------------------

function pageQuery(paging: Paging, cursor: string | undefined): Readonly<Record<string, string>> {
  switch (paging.kind) {
    case "none":
      return {};
    case "page":
      return { [paging.param]: cursor === undefined ? String(paging.first) : placeOf(cursor).number };
    case "url":
      return cursor === undefined ? {} : Object.fromEntries(new URLSearchParams(cursor));
    default:
      return cursor === undefined ? {} : { [paging.param]: cursor };
  }
}

interface PageReply {
  readonly json: unknown;
  readonly members: readonly unknown[];
  readonly cursor: string | undefined;
}

function nextPage(reply: PageReply, list: DeclaredList, api: AdminApi): string | undefined {
  const { json, members } = reply;
  const { paging } = list;
  switch (paging.kind) {
    case "none": {
      const count = paging.count === undefined ? members.length : valueAt(json, paging.count);
      if (count !== members.length) throw garbled(api, "fewer keys than it counts");
      return undefined;
    }
    case "cursor": {
      const next = valueAt(json, paging.next);
      return typeof next === "number"
        ? String(next)
        : typeof next === "string" && next !== ""
          ? next
          : undefined;
    }
    case "after": {
      if (valueAt(json, paging.hasMore) !== true) return undefined;
      const last = idAt(members.at(-1), list.keyId);
      if (last === undefined) throw garbled(api, "more keys and none to go on from");
      return last;
    }
    case "page":
      return numberedPage(reply, paging, api);
    case "url":
      return parametersOf(valueAt(json, paging.next), paging, api);
  }
}

/** The cursor of a numbered page is its number and how many keys were seen before it. */
function placeOf(cursor: string): { readonly number: string; readonly seen: number } {
  const [number = "", seen = ""] = cursor.split(" ");
  return { number, seen: Number(seen) };
}

function numberedPage(
  { json, members, cursor }: PageReply,
  { first, total: pointer }: Extract<Paging, { kind: "page" }>,
  api: AdminApi,
): string | undefined {
  const total = valueAt(json, pointer);
  if (typeof total !== "number") throw garbled(api, "no count of its keys");
  const { number, seen } = placeOf(cursor ?? `${first} 0`);
  const seenNow = seen + members.length;
  if (seenNow >= total) return undefined;
  if (members.length === 0) throw garbled(api, "fewer keys than it counts");
  return `${Number(number) + 1} ${seenNow}`;
}

function parametersOf(
  next: unknown,
  { params }: Extract<Paging, { kind: "url" }>,
  api: AdminApi,
): string | undefined {
  if (typeof next !== "string" || next === "") return undefined;
  const given = URL.canParse(next) ? new URL(next).searchParams : new URLSearchParams();
  const taken = params.flatMap((param) => {
    const value = given.get(param);
    return value === null ? [] : [[param, value] as [string, string]];
  });
  if (taken.length === 0) throw garbled(api, "a next page without its parameters");
  return new URLSearchParams(taken).toString();
}

function garbled({ kind }: AdminApi, what: string): ProviderGarbled {
  return new ProviderGarbled(`${kind} answered its list of keys with ${what}`);
}
