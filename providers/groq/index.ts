import { assistedProvider } from "../http/assisted.ts";

export const groq = assistedProvider({
  kind: "groq",
  title: "Groq",
  keyTexts: [{ prefix: "gsk_", alphabet: "letters", length: { min: 52, max: 52 } }],
  byHand: { console: "https://console.groq.com/keys" },
  baseUrl: "https://api.groq.com",
  verify: {
    ...{ method: "GET", path: "/openai/v1/models", headers: { authorization: "Bearer {{key}}" } },
    table: [
      { status: 200, where: [{ at: "/data", type: "list" }], means: "valid" },
      {
        status: 400,
        where: [{ at: "/error/message", has: "Organization has been restricted" }],
        means: "notPermitted",
      },
      { status: 401, where: [{ at: "/error/code", is: ["invalid_api_key"] }], means: "refused" },
    ],
  },
  docs: {
    about:
      "Groq has no API for keys: a person makes and deletes them. Rekey watches them for leaks and proves them dead.",
    limits: ["What it answers to a dead key is configured from what people saw, not from its documentation."],
  },
});
