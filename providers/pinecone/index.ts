import { declaredProvider } from "../http/declared.ts";

/** Facts: docs.pinecone.io, manage-api-keys, and its SDK 9.0, 2026-11. */
export const pinecone = declaredProvider({
  kind: "pinecone",
  title: "Pinecone",
  keyTexts: [{ prefix: "pcsk_", alphabet: "base64url", length: { min: 69, max: 71 } }],
  byHand: { console: "https://app.pinecone.io/organizations/-/projects/-/keys" },
  baseUrl: "https://api.pinecone.io",
  tokenBaseUrl: "https://login.pinecone.io",
  parameters: { project: { about: "the project's id" } },
  declaration: {
    admin: { headers: { authorization: "Bearer {{token}}", "x-pinecone-api-version": "2026-07" } },
    token: {
      ...{ method: "POST", path: "/oauth/token", at: "/access_token" },
      body: {
        ...{ client_id: "{{admin.1}}", client_secret: "{{admin.2}}" },
        ...{ grant_type: "client_credentials", audience: "https://api.pinecone.io/" },
      },
    },
    mint: {
      ...{ method: "POST", path: "/admin/projects/{{project}}/api-keys" },
      ...{ body: { name: "{{name}}", roles: "{{scopes}}" }, keyId: "/key/id", secret: "/value" },
    },
    list: {
      ...{ method: "GET", path: "/admin/projects/{{project}}/api-keys" },
      ...{ items: "/data", keyId: "/id", name: "/name", createdAt: "/created_at", paging: { kind: "none" } },
    },
    verify: {
      ...{ method: "GET", path: "/indexes" },
      headers: { "api-key": "{{key}}", "x-pinecone-api-version": "2026-07" },
      table: [
        { status: 200, where: [{ at: "/indexes", type: "list" }], means: "valid" },
        { status: 401, where: [{ at: "/error/code", is: ["UNAUTHENTICATED"] }], means: "refused" },
        { status: 403, where: [{ at: "/error/code", is: ["FORBIDDEN"] }], means: "notPermitted" },
      ],
    },
    revoke: { method: "DELETE", path: "/admin/api-keys/{{keyId}}" },
    errors: {
      codeAt: ["/error/code"],
      codes: ["FORBIDDEN", "INVALID_ARGUMENT", "NOT_FOUND", "QUOTA_EXCEEDED", "UNAUTHENTICATED"],
      quotaCodes: ["QUOTA_EXCEEDED"],
    },
  },
  docs: {
    about:
      "Keys of one project; the admin credential is a service account, written as client id, colon, client secret.",
    limits: [
      "A list shows no part of a key, so the first one has to be named as currentKeyId.",
      "It tells no last use, so consumers have to testify. Roles other than the default need a paid plan.",
    ],
  },
});
