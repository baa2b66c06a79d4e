import { declaredProvider } from "../http/declared.ts";

/** Facts: fal.ai/docs, platform-apis/v1/keys, 2026-11. */
export const fal = declaredProvider({
  kind: "fal",
  title: "fal",
  keyTexts: [],
  unmarked: [{ alphabet: "dotted", length: { min: 20, max: 128 } }],
  neverIssued: "00000000-fa4e-4000-8000-000000000000:fa4e0000fa4e0000fa4e0000fa4e0000",
  byHand: { console: "https://fal.ai/dashboard/keys" },
  baseUrl: "https://api.fal.ai/v1",
  declaration: {
    admin: { headers: { authorization: "Key {{admin}}" } },
    mint: {
      ...{ method: "POST", path: "/keys", body: { alias: "{{name}}" } },
      ...{ keyId: "/key_id", secret: { parts: ["/key_id", "/key_secret"], joinedBy: ":" } },
    },
    list: {
      ...{ method: "GET", path: "/keys", items: "/keys", keyId: "/key_id", name: "/alias", idInKey: true },
      ...{ createdAt: "/created_at", paging: { kind: "cursor", param: "cursor", next: "/next_cursor" } },
    },
    verify: {
      ...{ method: "GET", path: "/models/pricing", query: { endpoint_id: "fal-ai/flux/dev" } },
      headers: { authorization: "Key {{key}}" },
      table: [
        { status: 200, where: [{ at: "/prices", type: "list" }], means: "valid" },
        { status: 401, where: [{ at: "/error/type", is: ["authorization_error"] }], means: "refused" },
        { status: 403, where: [{ at: "/error/type", is: ["authorization_error"] }], means: "notPermitted" },
      ],
    },
    // 204 also when there is no such key.
    revoke: { method: "DELETE", path: "/keys/{{keyId}}", lookFirst: true },
  },
  docs: {
    about:
      "Keys of one account, stored as key id, colon, secret; the admin credential is a key with the scope ADMIN.",
    limits: [
      "What it answers to a dead key is not documented for certain, see the verify table in its file.",
      "It tells no last use, so consumers have to testify.",
    ],
  },
});
