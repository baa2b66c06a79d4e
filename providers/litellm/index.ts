import { declaredProvider } from "../http/declared.ts";

/** Facts: the proxy's own source, key_management_endpoints.py, and its reports up to 2026-11. */
export const litellm = declaredProvider({
  kind: "litellm",
  title: "LiteLLM",
  keyTexts: [],
  unmarked: [{ alphabet: "base64url", length: { min: 20, max: 128 } }],
  neverIssued: "sk-FAKEneverIssuedFAKEnev",
  byHand: {},
  parameters: {
    models: { about: "the models that a new key may use; without it, all of them", isOptional: true },
    team: { about: "the id of the team that a new key belongs to", isOptional: true },
    user: { about: "the id of the user that a new key belongs to", isOptional: true },
    maxBudget: { about: "what a new key may spend, in dollars", isOptional: true },
    rpmLimit: { about: "requests per minute of a new key", isOptional: true },
  },
  declaration: {
    admin: { headers: { authorization: "Bearer {{admin}}" } },
    newSecret: { prefix: "sk-", length: 40 },
    mint: {
      ...{ method: "POST", path: "/key/generate" },
      body: {
        ...{ key_alias: "{{name}}", key: "{{key}}", models: "{{models}}", team_id: "{{team}}" },
        ...{ user_id: "{{user}}", max_budget: "{{maxBudget}}", rpm_limit: "{{rpmLimit}}" },
      },
      ...{ keyId: "/token_id", secret: "/key" },
    },
    list: {
      ...{ method: "GET", path: "/key/list" },
      query: { size: "100", return_full_object: "true", team_id: "{{team}}" },
      ...{ items: "/keys", keyId: "/token", sha256: "/token", name: "/key_alias", hint: "/key_name" },
      ...{ createdAt: "/created_at", expiresAt: "/expires", disabled: [{ at: "/blocked", is: [true] }] },
      paging: { kind: "page", param: "page", first: 1, total: "/total_count" },
    },
    verify: {
      ...{ method: "GET", path: "/v1/models", headers: { authorization: "Bearer {{key}}" } },
      table: [
        { status: 200, where: [{ at: "/data", type: "list" }], means: "valid" },
        { status: 400, where: [{ at: "/error/type", is: ["budget_exceeded"] }], means: "notPermitted" },
        { status: 429, where: [{ at: "/error/type", is: ["budget_exceeded"] }], means: "notPermitted" },
        {
          status: 401,
          where: [{ at: "/error/type", is: ["key_model_access_denied"] }],
          means: "notPermitted",
        },
        {
          status: 403,
          where: [{ at: "/error/type", is: ["key_model_access_denied"] }],
          means: "notPermitted",
        },
        { status: 401, where: [{ at: "/error/type", is: ["token_not_found_in_db"] }], means: "refused" },
        { status: 401, where: [{ at: "/error/message", has: "Key is blocked" }], means: "refused" },
        { status: 400, where: [{ at: "/error/type", is: ["expired_key"] }], means: "refused" },
        { status: 401, where: [{ at: "/error/type", is: ["expired_key"] }], means: "refused" },
      ],
    },
    quarantine: {
      disable: { method: "POST", path: "/key/block", body: { key: "{{keyId}}" } },
      restore: { method: "POST", path: "/key/unblock", body: { key: "{{keyId}}" } },
    },
    revoke: {
      ...{ method: "POST", path: "/key/delete", body: { keys: ["{{keyId}}"] } },
      confirmed: [{ at: "/deleted_keys", type: "list" }],
    },
    errors: {
      codeAt: ["/error/type"],
      codes: [
        ...["auth_error", "bad_request_error", "budget_exceeded", "expired_key", "internal_server_error"],
        ...["key_model_access_denied", "not_found_error", "token_not_found_in_db"],
      ],
    },
  },
  docs: {
    about:
      "Virtual keys of your own LiteLLM proxy: Rekey makes up the key and stores it before the call, so a lost reply loses nothing.",
    limits: [
      "Blocking and unblocking need the proxy's admin; other instances of the proxy may see them about a minute later.",
      "Regeneration with grace is not used: it failed in 1.82.3 and 1.89.0, and the old key died at once.",
    ],
  },
});
