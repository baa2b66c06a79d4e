import { type ProviderKind, parseSettings } from "../provider.ts";
import { hostsOf, usualPropagation } from "../settings.ts";
import { awsUrl, lambdaUrl, LambdaSettings as Settings } from "./settings.ts";

/** A function of the operator's own, for credentials that only their code can make: docs/providers/lambda.md. */
export const lambda: ProviderKind = {
  kind: "lambda",
  title: "a function of yours",
  keyTexts: [],
  areChosen: true,
  byHand: {},
  settings: Settings,
  facts(settings) {
    const { keys, disable, lastUse, requests, propagation } = parseSettings(Settings, settings);
    return {
      capabilities: {
        shape: keys === undefined ? { kind: "sideBySide" } : { kind: "atMost", keys },
        quarantine: disable ? "yes" : "no",
        quarantineContains: disable,
        revoke: true,
        lastUsed: lastUse,
        usagePerKey: requests,
        expiry: false,
      },
      propagation: { ...usualPropagation, ...propagation },
    };
  },
  hosts: (settings) => hostsOf(lambdaUrl(parseSettings(Settings, settings))),
  defaultHosts: (settings) => hostsOf(awsUrl(parseSettings(Settings, settings))),
  functions: (settings) => [parseSettings(Settings, settings).function],
  verifyTable: [],
  docs: {
    about:
      "A published version of a Lambda function makes, lists, proves and ends the keys, by a JSON contract: docs/providers/lambda.md.",
    limits: [
      "The deployment lists the version's ARN with its code's hash and its public key; a policy can name no other.",
      "Keys never stand in a payload in the clear: each is sealed to a public key.",
      "A key that could be guessed is refused, because the index of fingerprints would help whoever guesses.",
      "The function has 10 s for each call.",
    ],
    example: {
      function: "arn:aws:lambda:eu-central-1:111122223333:function:shop-database-passwords:7",
      keys: 2,
      parameters: { database: "shop" },
    },
  },
  adapter: () => import("./adapter.ts"),
};
