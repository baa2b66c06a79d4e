import { createHash } from "node:crypto";
import type { FakeReply, FakeRequest } from "../fake.ts";
import { json, pageOf, type World, type WorldKey } from "../fake-world.ts";
import { type Condition, type VerifyTable, verdictOf } from "../verify-table.ts";
import type { DeclaredList } from "./declaration.ts";
import type { Plan } from "./plan.ts";

/** A body in which these conditions hold. */
export function answerOf(conditions: readonly Condition[]): unknown {
  return conditions.reduce<unknown>(
    (body, { at, is, has, type }) => put(body, at, has ?? is?.[0] ?? sampleOf(type)),
    {},
  );
}

function sampleOf(type: Condition["type"]): unknown {
  return { string: "FAKE", object: {}, list: [] }[type ?? "string"];
}

/** A copy with a value at a JSON pointer; a step `*`, or a number, makes a list. */
export function put(json: unknown, pointer: string, value: unknown): unknown {
  const [step, ...rest] = pointer.split("/").slice(1);
  if (step === undefined) return typeof value === "object" && isEmpty(value) ? (json ?? value) : value;
  const below = rest.length === 0 ? "" : `/${rest.join("/")}`;
  if (step === "*" || /^\d+$/.test(step)) {
    const list = Array.isArray(json) ? json : [];
    return [put(list[0], below, value), ...list.slice(1)];
  }
  const object = typeof json === "object" && json !== null && !Array.isArray(json) ? json : {};
  return { ...object, [step]: put((object as Record<string, unknown>)[step], below, value) };
}

function isEmpty(value: unknown): boolean {
  return Object.keys(Object(value)).length === 0 && !Array.isArray(value);
}

/** The first answer of this meaning that no earlier row takes for another. */
export function saying(means: "valid" | "refused", table: VerifyTable): FakeReply {
  for (const row of table) {
    if (row.means !== means) continue;
    const body = answerOf(row.where ?? []);
    if (verdictOf({ status: row.status, headers: {}, json: body }, table) === means)
      return json(row.status, body);
  }
  throw new Error(`the verify table has no row that means ${means}`);
}

export function mintReply(key: WorldKey, { declaration }: Plan): FakeReply {
  const { keyId, secret } = declaration.mint;
  const { parts, joinedBy } = typeof secret === "string" ? { parts: [secret], joinedBy: "\n" } : secret;
  const texts = key.text.split(joinedBy);
  const withSecret = parts.reduce<unknown>((body, at, nth) => put(body, at, texts[nth]), {});
  return json(200, parts.includes(keyId) ? withSecret : put(withSecret, keyId, idOf(key)));
}

/** An id of digits is a number, as some providers have it. */
function idOf({ keyId }: WorldKey): string | number {
  return /^\d{1,12}$/.test(keyId) ? Number(keyId) : keyId;
}

export function listReply(world: World, { query }: FakeRequest, { declaration }: Plan): FakeReply {
  const { list } = declaration;
  const { paging } = list;
  const keys = world.listed();
  const start = startOf(query, keys, { list, pageMax: world.pageMax });
  const size = paging.kind === "none" ? keys.length : Math.min(world.pageMax, 100);
  const { page, nextStart } = pageOf(keys, { start, size });
  const members = page.map((key) => memberOf(key, list));
  const body = put({}, list.items, members);
  return json(200, withPaging(body, { list, nextStart, count: keys.length, size }));
}

function startOf(
  query: URLSearchParams,
  keys: readonly WorldKey[],
  { list: { paging }, pageMax }: { readonly list: DeclaredList; readonly pageMax: number },
): number {
  switch (paging.kind) {
    case "none":
      return 0;
    case "cursor":
      return Number(query.get(paging.param) ?? 0);
    case "after":
      return keys.findIndex(({ keyId }) => keyId === query.get(paging.param)) + 1;
    case "page":
      return (Number(query.get(paging.param)) - paging.first) * Math.min(pageMax, 100);
    case "url":
      return Number(query.get(paging.params[0] ?? "") ?? 0);
  }
}

interface Place {
  readonly list: DeclaredList;
  readonly nextStart: number | undefined;
  readonly count: number;
  readonly size: number;
}

function withPaging(body: unknown, { list: { paging }, nextStart, count }: Place): unknown {
  switch (paging.kind) {
    case "none":
      return paging.count === undefined ? body : put(body, paging.count, count);
    case "cursor":
      return put(body, paging.next, nextStart === undefined ? null : String(nextStart));
    case "after":
      return put(body, paging.hasMore, nextStart !== undefined);
    case "page":
      return put(body, paging.total, count);
    case "url": {
      const next = new URLSearchParams({ [paging.params[0] ?? ""]: String(nextStart) });
      return put(
        body,
        paging.next,
        nextStart === undefined ? null : `https://elsewhere.example/next?${next}`,
      );
    }
  }
}

function memberOf(key: WorldKey, list: DeclaredList): unknown {
  const { text } = key;
  const time = (atMs: number | undefined) => (atMs === undefined ? null : new Date(atMs).toISOString());
  const isDisabled = key.disabledAtMs !== undefined;
  const hint = typeof list.hint === "object" ? list.hint : { first: undefined, last: undefined };
  const fields: readonly (readonly [string | undefined, unknown])[] = [
    ...(list.only ?? []).map(({ at, is }) => [at, is?.[0]] as const),
    ...(list.disabled ?? []).map(
      ({ at, is }) => [at, isDisabled ? is?.[0] : is?.[0] === true ? false : "on"] as const,
    ),
    [list.keyId, idOf(key)],
    [list.name, key.name],
    [typeof list.hint === "string" ? list.hint : undefined, `${text.slice(0, 4)}...${text.slice(-4)}`],
    [hint.first, text.slice(0, text.length - 12)],
    [hint.last, text.slice(-4)],
    [list.sha256, createHash("sha256").update(text).digest("hex")],
    [list.owner, "owner-FAKE"],
    [list.createdAt, time(key.createdAtMs)],
    [list.lastUsedAt, time(key.usesMs.at(-1))],
    [list.expiresAt, time(key.expiresAtMs)],
  ];
  return fields.reduce<unknown>(
    (member, [at, value]) => (at === undefined ? member : put(member, at, value)),
    {},
  );
}
