import { declaredProvider } from "../http/declared.ts";

/** Facts: the Management API's generated types and supabase.com/kb, 2026-11. */
export const supabase = declaredProvider({
  kind: "supabase",
  title: "Supabase",
  keyTexts: [
    { prefix: "sb_secret_", alphabet: "base64url", length: { min: 16, max: 128 } },
    { prefix: "sbp_", alphabet: "letters", length: { min: 40, max: 64 } },
  ],
  byHand: { console: "https://supabase.com/dashboard/project/_/settings/api-keys" },
  baseUrl: "https://api.supabase.com/v1",
  keyBaseUrl: "own",
  parameters: { project: { about: "the project's reference, as in https://<project>.supabase.co" } },
  declaration: {
    admin: { headers: { authorization: "Bearer {{admin}}" } },
    mint: {
      ...{ method: "POST", path: "/projects/{{project}}/api-keys", query: { reveal: "true" } },
      body: { type: "secret", name: "{{nameWord}}", description: "{{name}}" },
      ...{ keyId: "/id", secret: "/api_key" },
    },
    list: {
      ...{ method: "GET", path: "/projects/{{project}}/api-keys", query: { reveal: "false" } },
      ...{ items: "", only: [{ at: "/type", is: ["secret"] }], keyId: "/id", name: "/description" },
      ...{ hint: { first: "/prefix" }, createdAt: "/inserted_at", paging: { kind: "none" } },
    },
    verify: {
      // A user that cannot be: 404 shows that the key was accepted, and nothing is read.
      ...{ method: "GET", path: "/auth/v1/admin/users/00000000-0000-4000-8000-000000000000" },
      // A browser's User-Agent is refused with a 401.
      headers: { apikey: "{{key}}", "user-agent": "rekey" },
      table: [
        { status: 404, where: [{ at: "/error_code", is: ["user_not_found"] }], means: "valid" },
        { status: 401, where: [{ at: "/message", is: ["Invalid API key"] }], means: "refused" },
      ],
    },
    revoke: { method: "DELETE", path: "/projects/{{project}}/api-keys/{{keyId}}" },
  },
  docs: {
    about:
      "Secret keys of one project (sb_secret_...), beside each other; the older service_role key is left alone.",
    limits: [
      "`keyBaseUrl` is `https://<project>.supabase.co`, which the deployment's providerHosts has to name.",
      "It tells no last use, so consumers have to testify.",
    ],
  },
});
