import type { Issuer } from "../provider.ts";

export const datadog: Issuer = {
  kind: "datadog",
  title: "Datadog",
  keyTexts: [],
  byHand: {},
};
