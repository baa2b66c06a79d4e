import { askIam, iamCalls } from "../iam-keys.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { serviceCredentials } from "../service-credentials.ts";
import { verifyBy } from "../verify-table.ts";
import { ClaudeAwsSettings, urlsOf } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export function connect(options: ConnectOptions): ProviderCalls {
  const settings = parseSettings(ClaudeAwsSettings, options.settings);
  const { user, region, workspace } = settings;
  const urls = urlsOf(settings);
  const ask = askIam({ user, region, baseUrl: urls.iam }, options);
  const { listing: _unused, ...calls } = iamCalls(
    { ask, user, calls: serviceCredentials(ask, "aws-external-anthropic.amazonaws.com", settings) },
    {
      verify: (secret) =>
        verifyBy(secret, {
          ...{ http: options.http, table: verifyTable },
          request: (text) => ({
            ...{ method: "GET", url: `${urls.key}/v1/models` },
            headers: {
              "x-api-key": text,
              ...{ "anthropic-version": "2023-06-01", "anthropic-workspace-id": workspace },
            },
          }),
        }),
      // Nothing in a key is known to name it.
      candidates: async () => [],
    },
  );
  return calls;
}
