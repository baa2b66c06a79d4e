import type { Secret } from "../../core/secret.ts";
import { askIam, iamCalls } from "../iam-keys.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { serviceCredentials } from "../service-credentials.ts";
import { verifyBy } from "../verify-table.ts";
import { BedrockSettings, urlsOf } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export function connect(options: ConnectOptions): ProviderCalls {
  const settings = parseSettings(BedrockSettings, options.settings);
  const { user, region } = settings;
  const urls = urlsOf(settings);
  const ask = askIam({ user, region, baseUrl: urls.iam }, options);
  const { listing, ...calls } = iamCalls(
    { ask, user, calls: serviceCredentials(ask, "bedrock.amazonaws.com", settings) },
    {
      verify: (secret) =>
        verifyBy(secret, {
          ...{ http: options.http, table: verifyTable },
          request: (text) => ({
            ...{ method: "GET", url: `${urls.key}/foundation-models` },
            headers: { authorization: `Bearer ${text}` },
          }),
        }),
      candidates: async (secret, listed = () => listing.all()) => {
        const alias = aliasIn(secret);
        return alias === undefined ? [] : (await listed()).filter(({ hint }) => hint === alias);
      },
    },
  );
  return calls;
}

/** Behind its prefix a key is base64 of its alias, a colon and the secret part. */
function aliasIn(secret: Secret): string | undefined {
  const [, encoded] = /^ABSK([A-Za-z0-9+/]{20,1000}={0,2})$/.exec(secret.reveal()) ?? [];
  const [alias, rest] = Buffer.from(encoded ?? "", "base64")
    .toString("utf8")
    .split(":");
  return rest === undefined || alias === "" ? undefined : alias;
}
