import { declaredProvider } from "../http/declared.ts";

/** Facts: Resend's client 6.38 and resend.com/docs, errors, 2026-11. */
export const resend = declaredProvider({
  kind: "resend",
  title: "Resend",
  keyTexts: [{ prefix: "re_", alphabet: "base64url", length: { min: 20, max: 64 } }],
  byHand: { console: "https://resend.com/api-keys" },
  baseUrl: "https://api.resend.com",
  parameters: {
    permission: { about: "`sending_access` or `full_access`", usual: "sending_access" },
    domain: { about: "the id of the domain that a new key may send from", isOptional: true },
  },
  declaration: {
    admin: { headers: { authorization: "Bearer {{admin}}" } },
    mint: {
      ...{ method: "POST", path: "/api-keys", keyId: "/id", secret: "/token" },
      body: { name: "{{name}}", permission: "{{permission}}", domain_id: "{{domain}}" },
    },
    list: {
      ...{ method: "GET", path: "/api-keys", query: { limit: "100" }, items: "/data", keyId: "/id" },
      ...{ name: "/name", createdAt: "/created_at", lastUsedAt: "/last_used_at" },
      paging: { kind: "after", param: "after", hasMore: "/has_more" },
    },
    verify: {
      ...{ method: "GET", path: "/domains", headers: { authorization: "Bearer {{key}}" } },
      table: [
        { status: 200, where: [{ at: "/data", type: "list" }], means: "valid" },
        // A live key that may only send.
        { status: 401, where: [{ at: "/name", is: ["restricted_api_key"] }], means: "valid" },
        {
          status: 400,
          where: [
            { at: "/name", is: ["validation_error"] },
            { at: "/message", has: "API key is invalid" },
          ],
          means: "refused",
        },
        { status: 403, where: [{ at: "/name", is: ["invalid_api_key"] }], means: "refused" },
      ],
    },
    revoke: { method: "DELETE", path: "/api-keys/{{keyId}}", confirmed: [{ at: "/deleted", is: [true] }] },
    errors: {
      codeAt: ["/name"],
      codes: [
        ...["application_error", "internal_server_error", "invalid_api_key", "missing_api_key", "not_found"],
        ...["rate_limit_exceeded", "restricted_api_key", "validation_error"],
      ],
    },
  },
  docs: {
    about:
      "API keys of one team, for sending or for everything; the admin credential is a key with full access.",
    limits: ["A list shows no part of a key, so the first one has to be named as currentKeyId."],
  },
});
