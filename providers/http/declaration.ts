import * as z from "zod";
import { pointerSetting, textSetting } from "./fields.ts";
import type { TemplateJson } from "./template.ts";

/**
 * How the keys of one HTTP API are made, listed, verified and ended, as data. Its texts are templates (template.ts),
 * its places in replies are JSON pointers, and what an answer means is a verify table.
 */

const templates = z.record(z.string().regex(/^[A-Za-z0-9_.[\]-]{1,64}$/), textSetting);
const header = z.union([textSetting, z.strictObject({ basic: textSetting })], {
  error: "write a text, or `basic:` with a text such as {{key.1}}:{{key.2}}",
});
const headers = z.record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/), header);

const bodyDepthMax = 8;
const body: z.ZodType<TemplateJson> = z.json().superRefine((value, context) => {
  if (JSON.stringify(value).length > 8192) context.addIssue("a body has at most 8192 characters");
  if (depthOf(value) > bodyDepthMax) context.addIssue(`a body has at most ${bodyDepthMax} levels`);
});

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const method = z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]);
const path = textSetting.refine((text) => text.startsWith("/") && !/[?#\\\s]/.test(text), {
  error: "a path begins with / and has no ?, # or space: parameters stand under `query`",
});

const requestFields = {
  method,
  path,
  /** A parameter whose variable has no value is left out. */
  query: templates.exactOptional(),
  body: body.exactOptional(),
  /** Sent in place of a JSON body. */
  form: templates.exactOptional(),
};

const Request = z.strictObject(requestFields);
export type DeclaredRequest = z.output<typeof Request>;

const value = z.union([z.string().max(256), z.number(), z.boolean(), z.null()]);
const conditions = z
  .array(
    z.strictObject({
      at: pointerSetting,
      is: z.array(value).min(1).max(16).exactOptional(),
      has: z.string().min(1).max(256).exactOptional(),
      type: z.enum(["string", "object", "list"]).exactOptional(),
    }),
  )
  .max(8);

const VerifyRow = z
  .strictObject({
    status: z.int().min(200).max(599),
    where: conditions.exactOptional(),
    means: z.enum(["valid", "refused", "notPermitted", "inconclusive"]),
  })
  .refine(({ means, where = [] }) => means !== "refused" || where.length > 0, {
    error:
      "`refused` proves a key dead, so it needs the provider's own words under `where`, not a status alone",
    path: ["where"],
  });

const parts = z.strictObject({
  parts: z.array(pointerSetting).min(2).max(4),
  joinedBy: z.string().length(1),
});

/** How a list goes on behind its first page. A list that may be cut short is an error, so one of these has to be said. */
const Paging = z.discriminatedUnion("kind", [
  /** The whole list is one reply. `count`: where it says how many there are. */
  z.strictObject({ kind: z.literal("none"), count: pointerSetting.exactOptional() }),
  /** The reply holds what asks for the next page. */
  z.strictObject({ kind: z.literal("cursor"), param: textSetting, next: pointerSetting }),
  /** The last id asks for the next page, as long as `hasMore` is true. */
  z.strictObject({ kind: z.literal("after"), param: textSetting, hasMore: pointerSetting }),
  /** Pages are numbered from `first`; `total` says how many keys there are. */
  z.strictObject({
    ...{ kind: z.literal("page"), param: textSetting, total: pointerSetting },
    first: z.int().min(0).max(1),
  }),
  /** The reply holds the next page's address. Only these parameters are taken from it: never its host or path. */
  z.strictObject({
    ...{ kind: z.literal("url"), next: pointerSetting },
    params: z.array(textSetting).min(1).max(4),
  }),
]);
export type Paging = z.output<typeof Paging>;

/** Places inside one member of the list. */
const List = z.strictObject({
  ...requestFields,
  items: pointerSetting,
  /** Members that are keys of this kind; without it, all are. */
  only: conditions.exactOptional(),
  keyId: pointerSetting,
  name: pointerSetting,
  /** Text and dots as the provider shows them, or what the key begins or ends with. */
  hint: z
    .union([
      pointerSetting,
      z.strictObject({ first: pointerSetting.exactOptional(), last: pointerSetting.exactOptional() }),
    ])
    .exactOptional(),
  /** The SHA-256 of the key's text, as 64 hex digits. */
  sha256: pointerSetting.exactOptional(),
  /** The key's text holds its id. */
  idInKey: z.boolean().exactOptional(),
  owner: pointerSetting.exactOptional(),
  createdAt: pointerSetting.exactOptional(),
  lastUsedAt: pointerSetting.exactOptional(),
  expiresAt: pointerSetting.exactOptional(),
  /** Fulfilled by a key that is disabled. */
  disabled: conditions.min(1).exactOptional(),
  paging: Paging,
});
export type DeclaredList = z.output<typeof List>;

const Mint = z.strictObject({
  ...requestFields,
  keyId: pointerSetting,
  /** One place, or several whose texts are joined: `{ parts: [/sid, /secret], joinedBy: ":" }`. */
  secret: z.union([pointerSetting, parts]),
  expiresAt: pointerSetting.exactOptional(),
});
export type DeclaredMint = z.output<typeof Mint>;

const Revoke = z.strictObject({
  ...requestFields,
  /** What the reply has to say. */
  confirmed: conditions.exactOptional(),
  /** Its answer is the same when there was no such key, so the list is asked before. */
  lookFirst: z.boolean().exactOptional(),
});
export type DeclaredRevoke = z.output<typeof Revoke>;

const Verify = z.strictObject({
  ...requestFields,
  headers,
  table: z.array(VerifyRow).min(1).max(32),
  /** A made-up key of this issuer's form; without it, the refused key's own text with other letters and digits. */
  neverIssued: z
    .string()
    .regex(/^[\x21-\x7e]{8,512}$/)
    .exactOptional(),
});
export type DeclaredVerify = z.output<typeof Verify>;

const Errors = z.strictObject({
  /** Where error replies keep their machine code. */
  codeAt: z.array(pointerSetting).max(4),
  /** Only codes of this list enter messages: any other text of a reply may quote a key. */
  codes: z.array(z.union([z.string().max(64), z.number()])).max(64),
  quotaCodes: z
    .array(z.union([z.string().max(64), z.number()]))
    .max(16)
    .default([]),
});

export const Declaration = z
  .strictObject({
    /** Sent with every call of the admin credential. */
    admin: z.strictObject({ headers }),
    /** For an API that takes a short-lived token: the call that exchanges the admin credential for one. */
    token: z
      .strictObject({ ...requestFields, headers: headers.default({}), at: pointerSetting })
      .exactOptional(),
    /** Rekey makes up the key's text, and `mint` sends it as {{key}}. */
    newSecret: z
      .strictObject({ prefix: textSetting.max(32), length: z.int().min(24).max(256) })
      .exactOptional(),
    mint: Mint,
    list: List,
    verify: Verify,
    quarantine: z.strictObject({ disable: Request, restore: Request }).exactOptional(),
    revoke: Revoke,
    errors: Errors.default({ codeAt: [], codes: [], quotaCodes: [] }),
  })
  .refine(({ newSecret, list }) => newSecret === undefined || list.sha256 !== undefined, {
    error: "with `newSecret` the list has to show each key's `sha256`: a repeated mint finds its key by it",
    path: ["list", "sha256"],
  });
export type Declaration = z.output<typeof Declaration>;
/** As a data file writes it. */
export type DeclarationData = z.input<typeof Declaration>;
