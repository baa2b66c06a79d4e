import { declaredFake } from "../providers/http/fake.ts";
import { http } from "../providers/http/index.ts";
import { exampleCredential } from "../providers/provider.ts";

/** An API of the company's own, as docs/providers/declared.md declares it. */
export const gateway = {
  parameters: { team: "search", models: ["small", "large"] },
  declaration: {
    admin: { headers: { authorization: "Bearer {{admin}}" } },
    mint: {
      ...{ method: "POST", path: "/teams/{{team}}/keys", body: { label: "{{name}}", models: "{{models}}" } },
      ...{ keyId: "/id", secret: "/key" },
    },
    list: {
      ...{ method: "GET", path: "/teams/{{team}}/keys", items: "/keys", keyId: "/id", name: "/label" },
      ...{ hint: { last: "/last4" }, createdAt: "/created_at", lastUsedAt: "/last_used_at" },
      disabled: [{ at: "/status", is: ["disabled"] }],
      paging: { kind: "cursor", param: "after", next: "/next" },
    },
    verify: {
      ...{ method: "GET", path: "/whoami", headers: { authorization: "Bearer {{key}}" } },
      table: [
        { status: 200, where: [{ at: "/team", type: "string" }], means: "valid" },
        { status: 403, where: [{ at: "/error/code", is: ["missing_scope"] }], means: "notPermitted" },
        {
          status: 401,
          where: [{ at: "/error/code", is: ["unknown_key", "key_disabled"] }],
          means: "refused",
        },
      ],
    },
    quarantine: {
      disable: { method: "PATCH", path: "/keys/{{keyId}}", body: { status: "disabled" } },
      restore: { method: "PATCH", path: "/keys/{{keyId}}", body: { status: "active" } },
    },
    revoke: { method: "DELETE", path: "/keys/{{keyId}}" },
    errors: {
      codeAt: ["/error/code"],
      codes: ["quota_exceeded", "not_found"],
      quotaCodes: ["quota_exceeded"],
    },
  },
};

/** A stand-in that speaks what the declaration says. */
export const gatewayFake = declaredFake(
  http.plan({ adminCredential: exampleCredential, baseUrl: "http://127.0.0.1:1", ...gateway }),
);
