import { assistedProvider } from "../http/assisted.ts";

export const github = assistedProvider({
  kind: "github",
  title: "GitHub",
  keyTexts: [
    { prefix: "ghp_", alphabet: "letters", length: { min: 36, max: 255 } },
    { prefix: "gho_", alphabet: "letters", length: { min: 36, max: 255 } },
    { prefix: "ghu_", alphabet: "letters", length: { min: 36, max: 255 } },
    { prefix: "ghs_", alphabet: "letters", length: { min: 36, max: 255 } },
    { prefix: "ghr_", alphabet: "letters", length: { min: 36, max: 255 } },
    { prefix: "github_pat_", alphabet: "base64url", length: { min: 36, max: 255 } },
  ],
  byHand: { console: "https://github.com/settings/tokens" },
  baseUrl: "https://api.github.com",
  verify: {
    ...{ method: "GET", path: "/user" },
    headers: {
      authorization: "Bearer {{key}}",
      // A call without one is answered with a 403, whatever the token.
      "user-agent": "rekey",
      "x-github-api-version": "2022-11-28",
    },
    // A 403 for too many calls or logins says nothing about the token.
    table: [
      { status: 200, where: [{ at: "/login", type: "string" }], means: "valid" },
      { status: 401, where: [{ at: "/message", is: ["Bad credentials"] }], means: "refused" },
      ...["Resource not accessible by", "SAML", "IP allow list", "forbids access via"].map((says) => ({
        ...{ status: 403, where: [{ at: "/message", has: says }], means: "notPermitted" as const },
      })),
    ],
  },
  docs: {
    about:
      "Personal access tokens are made and deleted by a person. Rekey watches them for leaks and proves them dead.",
    limits: [
      "A GitHub App needs no such token: what it gets lives for one hour. Prefer it where it is possible.",
      "`baseUrl` names the API of GitHub Enterprise Server, for example https://github.example.com/api/v3.",
      "Whoever holds a leaked token can end it at once with `POST /credentials/revoke`, without an account; Rekey does not.",
    ],
  },
});
