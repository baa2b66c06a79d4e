import { declaredProvider } from "../http/declared.ts";

/** Facts: Portkey's OpenAPI description of 2026-06 and portkey.ai, admin-api/error. */
export const portkey = declaredProvider({
  kind: "portkey",
  title: "Portkey",
  keyTexts: [],
  unmarked: [{ alphabet: "base64", length: { min: 20, max: 64 } }],
  neverIssued: "FAKEneverIssuedFAKEneverIssu",
  byHand: { console: "https://app.portkey.ai/api-keys" },
  baseUrl: "https://api.portkey.ai/v1",
  parameters: {
    level: { about: "`workspace` or `organisation`", usual: "workspace" },
    workspace: { about: "the workspace's id; not needed for keys of the organisation", isOptional: true },
  },
  declaration: {
    admin: { headers: { "x-portkey-api-key": "{{admin}}" } },
    mint: {
      ...{ method: "POST", path: "/api-keys/{{level}}/service" },
      body: { name: "{{name}}", scopes: "{{scopes}}", workspace_id: "{{workspace}}" },
      ...{ keyId: "/id", secret: "/key" },
    },
    list: {
      ...{ method: "GET", path: "/api-keys", query: { page_size: "100", workspace_id: "{{workspace}}" } },
      ...{ items: "/data", keyId: "/id", name: "/name", createdAt: "/created_at", expiresAt: "/expires_at" },
      paging: { kind: "page", param: "current_page", first: 0, total: "/total" },
    },
    verify: {
      ...{ method: "GET", path: "/models", headers: { "x-portkey-api-key": "{{key}}" } },
      table: [
        { status: 200, where: [{ at: "/data", type: "list" }], means: "valid" },
        { status: 412, where: [{ at: "", type: "object" }], means: "notPermitted" },
        { status: 403, where: [{ at: "/errorCode", is: ["AB03"] }], means: "notPermitted" },
        { status: 401, where: [{ at: "/message", has: "Invalid API Key" }], means: "refused" },
      ],
    },
    revoke: { method: "DELETE", path: "/api-keys/{{keyId}}" },
    errors: {
      codeAt: ["/errorCode", "/data/errorCode"],
      codes: ["AB01", "AB03", "AB05", "AB06", "AB07", "AB09"],
    },
  },
  docs: {
    about: "Service keys of a workspace or an organisation, beside each other.",
    limits: [
      "AB05 comes to a wrong key and to one that lacks a scope, so it proves nothing.",
      "A list shows no part of a key, so the first one has to be named as currentKeyId.",
      "It tells no last use, so consumers have to testify.",
    ],
  },
});
