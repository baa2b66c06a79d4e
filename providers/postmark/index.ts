import { assistedProvider } from "../http/assisted.ts";

export const postmark = assistedProvider({
  kind: "postmark",
  title: "Postmark",
  keyTexts: [],
  unmarked: [{ alphabet: "base64url", length: { min: 36, max: 36 } }],
  neverIssued: "00000000-fa4e-4000-8000-000000000000",
  byHand: { console: "https://account.postmarkapp.com/servers" },
  baseUrl: "https://api.postmarkapp.com",
  verify: {
    ...{ method: "GET", path: "/server", headers: { "x-postmark-server-token": "{{key}}" } },
    table: [
      { status: 200, where: [{ at: "/Name", type: "string" }], means: "valid" },
      { status: 401, where: [{ at: "/ErrorCode", is: [10] }], means: "refused" },
    ],
  },
  docs: {
    about:
      "Postmark has no API for keys: a person makes and deletes them. Rekey watches them for leaks and proves them dead.",
    limits: ["These are server tokens; an account token is refused by this call."],
  },
});
