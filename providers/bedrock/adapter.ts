import {
  CreateServiceSpecificCredentialCommand,
  DeleteServiceSpecificCredentialCommand,
  ListServiceSpecificCredentialsCommand,
  UpdateServiceSpecificCredentialCommand,
} from "@aws-sdk/client-iam";
import { ProviderGarbled } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { type Ask, askIam, type IamKeyCalls, iamCalls } from "../iam-keys.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { expiryMs } from "../settings.ts";
import { verifyBy } from "../verify-table.ts";
import { BedrockSettings, urlsOf } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

const ServiceName = "bedrock.amazonaws.com";
const dayMs = 24 * 60 * 60_000;

export function connect(options: ConnectOptions): ProviderCalls {
  const settings = parseSettings(BedrockSettings, options.settings);
  const { user, region } = settings;
  const urls = urlsOf(settings);
  const ask = askIam({ user, region, baseUrl: urls.iam }, options);
  const { listing, ...calls } = iamCalls(
    { ask, user, calls: keyCalls(ask, settings) },
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

function keyCalls(ask: Ask, settings: BedrockSettings): IamKeyCalls {
  const { user: UserName } = settings;
  return {
    async list(Marker) {
      const given = { UserName, ServiceName, ...(Marker !== undefined && { Marker }) };
      const { output, dateMs } = await ask("ListServiceSpecificCredentials", (client) =>
        client.send(new ListServiceSpecificCredentialsCommand(given)),
      );
      const found = output.ServiceSpecificCredentials;
      if (!Array.isArray(found)) throw new ProviderGarbled("iam listed no service-specific credentials");
      const keys = found.map((each) => ({
        ...{ keyId: each.ServiceSpecificCredentialId ?? "", hint: each.ServiceCredentialAlias },
        ...{ isActive: each.Status === "Active", createdAtMs: each.CreateDate?.getTime() },
        expiresAtMs: each.ExpirationDate?.getTime(),
      }));
      return { keys, next: output.IsTruncated === true ? output.Marker : undefined, dateMs };
    },
    async create(request) {
      const lifeMs = expiryMs(request, settings);
      const CredentialAgeDays = lifeMs === undefined ? undefined : Math.ceil(lifeMs / dayMs);
      const given = { UserName, ServiceName, ...(CredentialAgeDays !== undefined && { CredentialAgeDays }) };
      const { output } = await ask("CreateServiceSpecificCredential", (client) =>
        client.send(new CreateServiceSpecificCredentialCommand(given)),
      );
      const made = output.ServiceSpecificCredential;
      const { ServiceSpecificCredentialId: keyId, ServiceCredentialSecret: text } = made ?? {};
      if (!keyId || !text) throw new ProviderGarbled("iam answered the mint without a key");
      const times = {
        createdAtMs: made?.CreateDate?.getTime(),
        expiresAtMs: made?.ExpirationDate?.getTime(),
      };
      return { keyId, isActive: true, secret: new Secret(text), ...times };
    },
    setActive: (ServiceSpecificCredentialId, isActive) => {
      const given = {
        UserName,
        ServiceSpecificCredentialId,
        Status: isActive ? "Active" : "Inactive",
      } as const;
      return ask("UpdateServiceSpecificCredential", (client) =>
        client.send(new UpdateServiceSpecificCredentialCommand(given)),
      );
    },
    remove: (ServiceSpecificCredentialId) =>
      ask("DeleteServiceSpecificCredential", (client) =>
        client.send(new DeleteServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId })),
      ),
  };
}

/** Behind its prefix a key is base64 of its alias, a colon and the secret part. */
function aliasIn(secret: Secret): string | undefined {
  const [, encoded] = /^ABSK([A-Za-z0-9+/]{20,1000}={0,2})$/.exec(secret.reveal()) ?? [];
  const [alias, rest] = Buffer.from(encoded ?? "", "base64")
    .toString("utf8")
    .split(":");
  return rest === undefined || alias === "" ? undefined : alias;
}
