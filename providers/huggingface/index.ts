import { assistedProvider } from "../http/assisted.ts";

export const huggingface = assistedProvider({
  kind: "huggingface",
  title: "Hugging Face",
  aliases: ["hugging-face"],
  keyTexts: [
    { prefix: "hf_", alphabet: "letters", length: { min: 34, max: 34 } },
    { prefix: "api_org_", alphabet: "letters", length: { min: 34, max: 34 } },
  ],
  byHand: { console: "https://huggingface.co/settings/tokens" },
  baseUrl: "https://huggingface.co",
  verify: {
    ...{ method: "GET", path: "/api/whoami-v2", headers: { authorization: "Bearer {{key}}" } },
    // "Invalid username or password." is no proof: a call without any token gets the same answer.
    table: [
      { status: 200, where: [{ at: "/name", type: "string" }], means: "valid" },
      {
        status: 401,
        where: [{ at: "/error", has: "Invalid credentials in Authorization header" }],
        means: "refused",
      },
      {
        status: 401,
        where: [
          { at: "/error", has: "User Access Token" },
          { at: "/error", has: "is expired" },
        ],
        means: "refused",
      },
      { status: 403, where: [{ at: "/error", has: "permission" }], means: "notPermitted" },
    ],
  },
  docs: {
    about:
      "A person makes and deletes the tokens of a Hugging Face user. Rekey watches them for leaks and proves them dead.",
    limits: [
      "Tokens of service accounts have an API, in Enterprise organizations only; Rekey does not use it.",
      "A token that is refreshed on the page keeps its name and dies at once: make a second one and delete the first.",
      "What it answers to a dead key is configured from what people saw, not from its documentation.",
    ],
  },
});
