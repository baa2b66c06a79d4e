import { declaredProvider } from "../http/declared.ts";

/** Facts: Deepgram's client 5.13 and developers.deepgram.com, 2026-11. */
export const deepgram = declaredProvider({
  kind: "deepgram",
  title: "Deepgram",
  keyTexts: [],
  unmarked: [{ alphabet: "hex", length: { min: 40, max: 40 } }],
  neverIssued: "fa4e0000fa4e0000fa4e0000fa4e0000fa4e0000",
  byHand: { console: "https://console.deepgram.com" },
  baseUrl: "https://api.deepgram.com",
  parameters: {
    project: { about: "the project's id; keys of other projects are never listed or deleted" },
    role: { about: "what a new key may do: member, admin or owner", usual: "member" },
  },
  declaration: {
    admin: { headers: { authorization: "Token {{admin}}" } },
    mint: {
      ...{ method: "POST", path: "/v1/projects/{{project}}/keys" },
      body: { comment: "{{name}}", scopes: ["{{role}}"] },
      ...{ keyId: "/api_key_id", secret: "/key" },
    },
    list: {
      ...{ method: "GET", path: "/v1/projects/{{project}}/keys", query: { status: "active" } },
      ...{ items: "/api_keys", keyId: "/api_key/api_key_id", name: "/api_key/comment" },
      ...{ createdAt: "/api_key/created", paging: { kind: "none" } },
    },
    verify: {
      ...{ method: "GET", path: "/v1/projects", headers: { authorization: "Token {{key}}" } },
      table: [
        { status: 200, where: [{ at: "/projects", type: "list" }], means: "valid" },
        { status: 402, where: [{ at: "/err_code", type: "string" }], means: "notPermitted" },
        {
          status: 403,
          where: [{ at: "/err_code", is: ["INSUFFICIENT_PERMISSIONS"] }],
          means: "notPermitted",
        },
        { status: 401, where: [{ at: "/err_code", is: ["INVALID_AUTH"] }], means: "refused" },
      ],
    },
    revoke: { method: "DELETE", path: "/v1/projects/{{project}}/keys/{{keyId}}" },
    errors: {
      codeAt: ["/err_code"],
      codes: ["INSUFFICIENT_PERMISSIONS", "INVALID_AUTH", "PROJECT_NOT_FOUND", "TOO_MANY_REQUESTS"],
    },
  },
  docs: {
    about: "Keys of one project live beside each other; the admin credential is a key with `keys:write`.",
    limits: [
      "A list shows no part of a key, so the first one has to be named as currentKeyId.",
      "A new key gets the role that the policy names, not the old key's scopes.",
    ],
  },
});
