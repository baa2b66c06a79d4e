import * as z from "zod";
import { InputInvalid } from "../../core/errors.ts";
import type { ListedKey } from "../../core/ports.ts";
import type { HttpReply } from "../http.ts";
import { printable } from "../reply-text.ts";

const ID = /^[A-Za-z0-9_-]{1,128}$/;

/** Ids become path segments: ".." or "a/b" would delete something else than what was meant. */
export function pathId(id: string): string {
  if (!ID.test(id)) throw new InputInvalid("a key id or account id has characters that no id of OpenAI has");
  return id;
}

const id = z.string().regex(ID);
const seconds = z.int().min(0).max(1e11).nullish().catch(undefined);
const shortText = z.string().max(4096).nullish().catch(undefined);
const account = z.object({ id }).nullish().catch(undefined);

const KeyItem = z.object({
  id,
  name: shortText,
  redacted_value: shortText,
  created_at: seconds,
  last_used_at: seconds,
  expires_at: seconds,
  owner_project_access: shortText,
  owner: z.object({ user: account, service_account: account }).nullish().catch(undefined),
});

/** `has_more` is required: a page whose end is unknown could hide a key that still works. */
export const KeyPage = z.object({
  data: z.array(KeyItem.transform(listedKey)).max(1000),
  has_more: z.boolean(),
  last_id: id.nullish().catch(undefined),
});

export const OneKey = KeyItem.transform(listedKey);

export const MintReply = z.object({
  id,
  value: z.string().regex(/^sk-[A-Za-z0-9_-]{16,252}$/),
  name: z.string().nullish(),
  expires_at: seconds,
  project_id: z.string().nullish(),
  service_account_id: z.string().nullish(),
  owner: z.object({ service_account: z.object({ id: z.string() }).nullish() }).nullish(),
});
export type MintReply = z.output<typeof MintReply>;

export const ServiceAccount = z.object({ id, name: z.string().max(4096) });
export const Deleted = z.object({ id, deleted: z.literal(true) });

/** `requests` adds up these numbers, so a result without one is invalid. */
export const UsagePage = z.object({
  data: z
    .array(
      z.object({
        results: z
          .array(
            z.object({ api_key_id: z.string().nullish(), num_model_requests: z.number().min(0).max(1e12) }),
          )
          .max(10_000),
      }),
    )
    .max(1440),
  has_more: z.boolean().nullish(),
  next_page: z.string().max(1024).nullish(),
});

function listedKey(item: z.output<typeof KeyItem>): ListedKey {
  const owner = item.owner?.service_account?.id ?? item.owner?.user?.id;
  return {
    keyId: item.id,
    name: printable(item.name ?? ""),
    status: item.owner_project_access === "inactive" ? "disabled" : "active",
    ...(item.redacted_value ? { hint: printable(item.redacted_value) } : {}),
    ...(owner === undefined ? {} : { owner }),
    ...milliseconds("createdAtMs", item.created_at),
    ...milliseconds("lastUsedAtMs", item.last_used_at),
    ...milliseconds("expiresAtMs", item.expires_at),
  };
}

export function milliseconds<Name extends string>(
  name: Name,
  unixSeconds: number | null | undefined,
): { readonly [name in Name]?: number } {
  if (unixSeconds === null || unixSeconds === undefined) return {};
  return { [name]: unixSeconds * 1000 } as { readonly [name in Name]: number };
}

/** A closed list: an unknown code is text of the provider's choice, and could quote a key. */
export const CODES = [
  "account_deactivated",
  "api_key_limit_reached",
  "expired_api_key",
  "insufficient_permissions",
  "insufficient_quota",
  "internal_error",
  "invalid_api_key",
  "invalid_request_error",
  "ip_not_authorized",
  "key_limit_reached",
  "max_api_keys_reached",
  "missing_scope",
  "not_found",
  "quota_exceeded",
  "rate_limit_exceeded",
  "server_error",
] as const;
export type Code = (typeof CODES)[number] | "unnamed";

const ErrorReply = z.object({ error: z.object({ code: shortText, type: shortText }) });

/** The error code of a reply; undefined if it is not an error reply of OpenAI's. */
export function errorCode({ json }: HttpReply): Code | undefined {
  const parsed = ErrorReply.safeParse(json);
  if (!parsed.success) return undefined;
  const { code, type } = parsed.data.error;
  return CODES.find((known) => known === code) ?? CODES.find((known) => known === type) ?? "unnamed";
}

/** The parts of a reply that may be in a message. */
export function outcomeOf(reply: HttpReply): string {
  return `${reply.status} ${errorCode(reply) ?? "without an error code"}`;
}
