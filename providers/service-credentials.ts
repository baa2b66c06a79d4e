import {
  CreateServiceSpecificCredentialCommand,
  DeleteServiceSpecificCredentialCommand,
  ListServiceSpecificCredentialsCommand,
  UpdateServiceSpecificCredentialCommand,
} from "@aws-sdk/client-iam";
import { ProviderGarbled } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import type { Ask, IamKeyCalls } from "./iam-keys.ts";
import { expiryMs } from "./settings.ts";

const dayMs = 24 * 60 * 60_000;

/** IAM's keys of one user for one service of AWS, such as `bedrock.amazonaws.com`. */
export function serviceCredentials(
  ask: Ask,
  ServiceName: string,
  settings: Parameters<typeof expiryMs>[1] & { readonly user: string },
): IamKeyCalls {
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
