import { IAMClient, ListUserTagsCommand, TagUserCommand } from "@aws-sdk/client-iam";
import {
  InputInvalid,
  MintOutcomeUnknown,
  ProviderGarbled,
  ProviderUnavailable,
  QuotaReached,
  RotationError,
  WrongProject,
} from "../core/errors.ts";
import type { ListedKey, MintedKey, MintRequest } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import { AwsRefused, awsClientOn, awsFailure } from "./aws-http.ts";
import { signingRegionOf } from "./iam-settings.ts";
import { type KeyListing, keyListing, pathId } from "./key-listing.ts";
import type { ConnectOptions, ProviderCalls } from "./provider.ts";
import { providerCalls } from "./provider-calls.ts";

export interface IamUser {
  readonly user: string;
  readonly region: string;
  /** IAM's own address. */
  readonly baseUrl: string;
}

/** One key of a user, as IAM lists it. */
export interface IamKey {
  readonly keyId: string;
  readonly isActive: boolean;
  readonly createdAtMs: number | undefined;
  readonly expiresAtMs?: number | undefined;
  readonly hint?: string | undefined;
}

/** What is particular to one kind of key. Each call is one of IAM's, and fails as `ask` says. */
export interface IamKeyCalls {
  list(marker: string | undefined): Promise<{
    readonly keys: readonly IamKey[];
    readonly next?: string | undefined;
    readonly dateMs?: number | undefined;
  }>;
  create(request: MintRequest): Promise<IamKey & { readonly secret: Secret }>;
  setActive(keyId: string, isActive: boolean): Promise<unknown>;
  remove(keyId: string): Promise<unknown>;
}

export interface Answer<Output> {
  readonly output: Output;
  /** IAM's own clock. */
  readonly dateMs?: number | undefined;
}

/** Sends one command; `action` is its name at IAM. Throws AwsRefused with IAM's code, and the errors of all adapters. */
export type Ask = <Output>(
  action: string,
  send: (client: IAMClient) => Promise<Output>,
) => Promise<Answer<Output>>;

export function askIam({ region, baseUrl }: IamUser, { http, awsCredentials }: ConnectOptions): Ask {
  return async (action, send) => {
    let dateMs: number | undefined;
    const watched: ConnectOptions["http"] = {
      async send(request) {
        const reply = await http.send(request);
        dateMs = reply.dateMs;
        // The SDK takes any text for the answer to a call that returns nothing, a proxy's page included.
        if (reply.status === 200 && !reply.text?.includes(`<${action}Response`))
          throw new ProviderGarbled(`iam answered something else than to ${action}`);
        return reply;
      },
    };
    const client = new IAMClient({
      ...{ region: signingRegionOf(region), endpoint: baseUrl },
      ...awsClientOn(watched, awsCredentials),
    });
    try {
      return { output: await send(client), dateMs };
    } catch (error) {
      throw iamFailure(action, error);
    }
  };
}

/** The SDK ends some names in Exception, and calls a full user what elsewhere means too many calls. */
function iamFailure(action: string, error: unknown): Error {
  if (error instanceof RotationError) return error;
  const { name = "" } = Object(error) as { readonly name?: string };
  if (/^(?:LimitExceeded|NoSuchEntity)(?:Exception)?$/.test(name))
    return new AwsRefused(action, name.replace(/Exception$/, ""));
  return awsFailure(`do ${action}`, error);
}

const isRefused = (error: unknown, code?: string): error is AwsRefused =>
  error instanceof AwsRefused && (code === undefined || error.code === code);

/** The calls of an issuer whose keys are those of one IAM user. */
export function iamCalls(
  { ask, user, calls }: { readonly ask: Ask; readonly user: string; readonly calls: IamKeyCalls },
  own: Pick<ProviderCalls, "verify" | "candidates"> & Partial<ProviderCalls>,
): ProviderCalls & { readonly listing: KeyListing<IamKey> } {
  const names = nameTag({ ask, user });
  const listing = keyListing<IamKey>("iam", async (marker) => {
    const { keys, next, dateMs } = await ofUser(user, () => calls.list(marker));
    const nameOf = await names.read(keys);
    return {
      items: keys.map((raw) => ({ key: listed(raw, { user, name: nameOf(raw) }), raw })),
      next,
      dateMs,
    };
  });
  const world = { user, calls, listing, names };
  return {
    listing,
    ...providerCalls(listing, {
      mint: (request) => mint(request, world),
      revoke: (keyId) => revoke(keyId, world),
      quarantine: async ({ keyId }) => ((await setActive(keyId, false, world)) ? "quarantined" : "cannot"),
      restore: async ({ keyId }) => void (await setActive(keyId, true, world)),
      ...own,
    }),
  };
}

interface World {
  readonly user: string;
  readonly calls: IamKeyCalls;
  readonly listing: KeyListing<IamKey>;
  readonly names: NameTag;
}

function listed(raw: IamKey, { user, name }: { readonly user: string; readonly name: string }): ListedKey {
  const { keyId, isActive, createdAtMs, expiresAtMs, hint } = raw;
  return {
    ...{ keyId, name, owner: user, status: isActive ? "active" : "disabled" },
    ...(hint !== undefined && { hint }),
    ...(createdAtMs !== undefined && { createdAtMs }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

async function ofUser<Result>(user: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    if (isRefused(error, "NoSuchEntity")) throw new WrongProject(`iam has no user ${user}`);
    throw isRefused(error) ? new ProviderGarbled(error.message) : error;
  }
}

async function mint(request: MintRequest, { user, calls, names }: World): Promise<MintedKey> {
  const name = tagText(request.name);
  const { keys, dateMs: nowMs } = await ofUser(user, () => calls.list(undefined));
  if (nowMs === undefined) throw new ProviderGarbled("iam's answer has no date");
  await names.begin({ name, before: keys.map(({ keyId }) => keyId), nowMs });
  const { keyId, secret, expiresAtMs } = await calls.create(request).catch((error: unknown) => {
    if (isRefused(error, "LimitExceeded"))
      throw new QuotaReached(`the user ${user} has two keys of this kind`);
    if (isRefused(error, "NoSuchEntity")) throw new WrongProject(`iam has no user ${user}`);
    const isOpen = error instanceof ProviderUnavailable || error instanceof ProviderGarbled;
    if (isOpen || isRefused(error))
      throw new MintOutcomeUnknown(`no usable answer to the mint: ${error.message}`);
    throw error;
  });
  // The key is there and its text in hand: a name that was not written is no reason to lose them.
  await names.end({ name, keyId }).catch(() => undefined);
  return { keyId, secret, ...(expiresAtMs !== undefined && { expiresAtMs }) };
}

/** IAM's "no such entity" is believed only when its list does not have the key either. */
async function revoke(keyId: string, { calls, listing }: World): Promise<"revoked" | "alreadyGone"> {
  pathId(keyId);
  try {
    await calls.remove(keyId);
    return "revoked";
  } catch (error) {
    if (!isRefused(error)) throw error;
    if ((await listing.find(keyId)) === undefined) return "alreadyGone";
    throw new ProviderUnavailable(`iam lists key ${keyId} and does not delete it (${error.code})`);
  }
}

/** False when the key is gone. */
async function setActive(keyId: string, isActive: boolean, { calls, listing }: World): Promise<boolean> {
  pathId(keyId);
  try {
    await calls.setActive(keyId, isActive);
    return true;
  } catch (error) {
    if (!isRefused(error)) throw error;
    if ((await listing.find(keyId)) === undefined) return false;
    throw new ProviderUnavailable(`iam lists key ${keyId} and does not change it (${error.code})`);
  }
}

// ---- names ------------------------------------------------------------------------------------------------

const tagKey = "rekey-mint";
/** What a tag's value may hold. */
const tagValue = /^[A-Za-z0-9_ .:/=+@-]{1,128}$/;
/** Longer than a mint is waited for. */
const mintMaxMs = 60_000;
/** CreateDate has whole seconds. */
const roundedMs = 1_000;

function tagText(name: string): string {
  if (tagValue.test(name)) return name;
  throw new InputInvalid("a key's name has to be 1 to 128 characters that a tag of IAM may have");
}

interface NameTag {
  begin(mint: {
    readonly name: string;
    readonly before: readonly string[];
    readonly nowMs: number;
  }): Promise<void>;
  end(mint: { readonly name: string; readonly keyId: string }): Promise<void>;
  read(keys: readonly IamKey[]): Promise<(key: IamKey) => string>;
}

/**
 * IAM's keys have no names, and one whose id was lost with the reply has to be found again. So a tag of the user says
 * before each mint what the key will be called, which keys there were, and when; afterwards, which key it is. Without
 * the last, the one key that is new since then and was made within a minute has the name. Times are IAM's own.
 */
function nameTag({ ask, user: UserName }: { readonly ask: Ask; readonly user: string }): NameTag {
  const write = async (Value: string) => {
    const Tags = [{ Key: tagKey, Value }];
    await ofUser(UserName, () =>
      ask("TagUser", (client) => client.send(new TagUserCommand({ UserName, Tags }))),
    );
  };
  return {
    begin: ({ name, before, nowMs }) =>
      write([name, "from", Math.floor(nowMs / 1000), "after", ...before].join(" ")),
    end: ({ name, keyId }) => write(`${name} is ${keyId}`),
    async read(keys) {
      const { output } = await ofUser(UserName, () =>
        ask("ListUserTags", (client) => client.send(new ListUserTagsCommand({ UserName }))),
      );
      const value = output.Tags?.find(({ Key }) => Key === tagKey)?.Value ?? "";
      const named = namedBy(value, keys);
      return ({ keyId }) => (keyId === named?.keyId ? named.name : "made by hand");
    },
  };
}

function namedBy(
  value: string,
  keys: readonly IamKey[],
): { readonly name: string; readonly keyId: string } | undefined {
  const ended = /^(?<name>.{1,128}) is (?<keyId>\w+)$/.exec(value)?.groups;
  if (ended !== undefined) return { name: ended["name"] ?? "", keyId: ended["keyId"] ?? "" };
  const { name, from, before } =
    /^(?<name>.{1,128}) from (?<from>\d{1,12}) after(?<before>[ \w]*)$/.exec(value)?.groups ?? {};
  if (name === undefined) return undefined;
  const fromMs = Number(from) * 1000 - roundedMs;
  const there = new Set(before?.split(" "));
  const fresh = keys.filter(
    ({ keyId, createdAtMs = 0 }) =>
      !there.has(keyId) && createdAtMs >= fromMs && createdAtMs <= fromMs + roundedMs + mintMaxMs,
  );
  const [only, other] = fresh;
  return only !== undefined && other === undefined ? { name, keyId: only.keyId } : undefined;
}
