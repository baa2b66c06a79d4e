import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  GetAccessKeyLastUsedCommand,
  ListAccessKeysCommand,
  UpdateAccessKeyCommand,
} from "@aws-sdk/client-iam";
import { signedIdentity } from "../../aws/signed-identity.ts";
import { ProviderGarbled } from "../../core/errors.ts";
import type { KeyUse, VerifyResult } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import type { Http } from "../http.ts";
import { type Ask, askIam, type IamKeyCalls, iamCalls } from "../iam-keys.ts";
import type { KeyListing } from "../key-listing.ts";
import { type ConnectOptions, type ProviderCalls, parseSettings } from "../provider.ts";
import { verifyBy } from "../verify-table.ts";
import { IamSettings, urlsOf } from "./settings.ts";
import { verifyTable } from "./verify-table.ts";

export function connect(options: ConnectOptions): ProviderCalls {
  const settings = parseSettings(IamSettings, options.settings);
  const { user, region } = settings;
  const urls = urlsOf(settings);
  const ask = askIam({ user, region, baseUrl: urls.iam }, options);
  const { listing, ...calls } = iamCalls(
    { ask, user, calls: keyCalls(ask, user) },
    {
      verify: (secret) => verify(secret, { http: options.http, url: urls.key, region }),
      // The pair holds its own id.
      candidates: async (secret, listed = () => listing.all()) => {
        const pair = pairIn(secret);
        return pair === undefined ? [] : (await listed()).filter(({ keyId }) => keyId === pair.accessKeyId);
      },
      use: ({ keyId }) => lastUse(keyId, { ask, listing }),
    },
  );
  return calls;
}

function keyCalls(ask: Ask, UserName: string): IamKeyCalls {
  return {
    async list(Marker) {
      const given = Marker === undefined ? { UserName } : { UserName, Marker };
      const { output, dateMs } = await ask("ListAccessKeys", (client) =>
        client.send(new ListAccessKeysCommand(given)),
      );
      if (!Array.isArray(output.AccessKeyMetadata)) throw new ProviderGarbled("iam listed no access keys");
      const keys = output.AccessKeyMetadata.map(({ AccessKeyId = "", Status, CreateDate }) => ({
        ...{ keyId: AccessKeyId, isActive: Status === "Active", createdAtMs: CreateDate?.getTime() },
      }));
      return { keys, next: output.IsTruncated === true ? output.Marker : undefined, dateMs };
    },
    async create() {
      const { output } = await ask("CreateAccessKey", (client) =>
        client.send(new CreateAccessKeyCommand({ UserName })),
      );
      const { AccessKeyId = "", SecretAccessKey = "", CreateDate } = output.AccessKey ?? {};
      const secret = new Secret(`${AccessKeyId}:${SecretAccessKey}`);
      if (pairIn(secret) === undefined) throw new ProviderGarbled("iam answered the mint without a pair");
      return { keyId: AccessKeyId, isActive: true, createdAtMs: CreateDate?.getTime(), secret };
    },
    setActive: (AccessKeyId, isActive) => {
      const Status = isActive ? "Active" : "Inactive";
      return ask("UpdateAccessKey", (client) =>
        client.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status })),
      );
    },
    remove: (AccessKeyId) =>
      ask("DeleteAccessKey", (client) => client.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }))),
  };
}

function pairIn(
  secret: Secret,
): { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined {
  const [, accessKeyId, secretAccessKey] =
    /^([A-Z0-9]{16,128}):([\x21-\x7e]{1,256})$/.exec(secret.reveal()) ?? [];
  return accessKeyId === undefined || secretAccessKey === undefined
    ? undefined
    : { accessKeyId, secretAccessKey };
}

async function verify(
  secret: Secret,
  { http, url, region }: { readonly http: Http; readonly url: string; readonly region: string },
): Promise<VerifyResult> {
  const credentials = pairIn(secret);
  if (credentials === undefined) return "inconclusive";
  const { host, origin } = new URL(url);
  const { body, headers } = await signedIdentity({ host, region, bind: {}, credentials });
  const text = { type: headers["content-type"] ?? "", content: body };
  return verifyBy(secret, {
    ...{ http, table: verifyTable },
    request: () => ({ method: "POST", url: `${origin}/`, headers, text }),
  });
}

/** Of a key that is not listed IAM may still know a last use, which would be no sign of life. */
async function lastUse(
  keyId: string,
  { ask, listing }: { readonly ask: Ask; readonly listing: KeyListing<unknown> },
): Promise<KeyUse | undefined> {
  if ((await listing.find(keyId)) === undefined) return undefined;
  const { output, dateMs } = await ask("GetAccessKeyLastUsed", (client) =>
    client.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: keyId })),
  );
  if (dateMs === undefined) return undefined;
  const lastUsedAtMs = output.AccessKeyLastUsed?.LastUsedDate?.getTime();
  return { keyId, seenAtMs: dateMs, ...(lastUsedAtMs !== undefined && { lastUsedAtMs }) };
}
