import { assistedProvider } from "../http/assisted.ts";

export const paddle = assistedProvider({
  kind: "paddle",
  title: "Paddle",
  keyTexts: [{ prefix: "pdl_live_apikey_", alphabet: "letters", length: { min: 20, max: 128 } }],
  byHand: { console: "https://vendors.paddle.com/authentication-v2" },
  baseUrl: "https://api.paddle.com",
  verify: {
    ...{ method: "GET", path: "/event-types", headers: { authorization: "Bearer {{key}}" } },
    table: [
      { status: 200, where: [{ at: "/data", type: "list" }], means: "valid" },
      { status: 403, where: [{ at: "/error/code", is: ["forbidden"] }], means: "notPermitted" },
      { status: 401, where: [{ at: "/error/code", is: ["invalid_token"] }], means: "refused" },
      { status: 403, where: [{ at: "/error/code", is: ["invalid_token"] }], means: "refused" },
    ],
  },
  docs: {
    about:
      "Paddle has no API for keys: a person makes and deletes them. Rekey watches them for leaks and proves them dead.",
    limits: [
      "A key can rotate itself with a grace, but keeps its id and is listed nowhere, so Rekey could not tell the two apart.",
      "A verification counts as the first use of a rotated key, and starts the clock of the former one.",
    ],
  },
});
