import { assistedProvider } from "../http/assisted.ts";

export const stripe = assistedProvider({
  kind: "stripe",
  title: "Stripe",
  keyTexts: [
    { prefix: "sk_live_", alphabet: "letters", length: { min: 20, max: 247 } },
    { prefix: "rk_live_", alphabet: "letters", length: { min: 20, max: 247 } },
  ],
  byHand: { console: "https://dashboard.stripe.com/apikeys" },
  baseUrl: "https://api.stripe.com",
  verify: {
    ...{ method: "GET", path: "/v1/balance", headers: { authorization: "Bearer {{key}}" } },
    table: [
      { status: 200, where: [{ at: "/object", is: ["balance"] }], means: "valid" },
      {
        status: 401,
        where: [{ at: "/error/message", has: "Invalid API Key provided" }],
        means: "refused",
      },
      { status: 401, where: [{ at: "/error/code", is: ["api_key_expired"] }], means: "refused" },
      // A restricted key that may not read the balance.
      {
        status: 403,
        where: [{ at: "/error/message", has: "does not have the required permissions" }],
        means: "notPermitted",
      },
    ],
  },
  docs: {
    about:
      "Stripe's API for keys is a private preview: a person rolls them in the Dashboard. Rekey watches them for leaks and proves them dead.",
    limits: [
      "Rolling a key in the Dashboard asks when the old one expires: choose a time, not now, or what runs fails at once.",
      "A restricted key without the permission to read the balance counts as alive; its death is proven all the same.",
      "Keys of test mode (`sk_test_`, `rk_test_`) are not recognised as leaks.",
    ],
  },
});
