import type { Issuer } from "../provider.ts";

export const sendgrid: Issuer = {
  kind: "sendgrid",
  title: "SendGrid",
  keyTexts: [{ prefix: "SG.", alphabet: "dotted", length: { min: 60, max: 76 } }],
  byHand: {},
};
