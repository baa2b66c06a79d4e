import { createHash } from "node:crypto";
import {
  AdminCredentialRefused,
  InputInvalid,
  MintOutcomeUnknown,
  PolicyInvalid,
  ProviderGarbled,
  ProviderThrottled,
} from "../../core/errors.ts";
import type { KeyId, ListedKey, MintedKey, MintRequest } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { type AdminApi, adminApi, isOk } from "../admin-api.ts";
import type { Http } from "../http.ts";
import { deleteKey, type KeyListing, keyNameText, pathId } from "../key-listing.ts";
import type { ConnectOptions, ProviderCalls } from "../provider.ts";
import { lastUseOf, providerCalls } from "../provider-calls.ts";
import { retryAfterMs } from "../reply-text.ts";
import { tokenCredential } from "../token-credential.ts";
import { holds, valueAt, verifyBy } from "../verify-table.ts";
import type { DeclaredMint, DeclaredRequest } from "./declaration.ts";
import { declaredListing, idAt, timeAt } from "./listing.ts";
import { keyUrlOf, type Plan, tokenUrlOf } from "./plan.ts";
import { callOf, requestOf } from "./request.ts";
import { httpPlan } from "./settings.ts";
import { credentialValues, filledHeaders } from "./template.ts";

export { connectAssisted } from "./connect-assisted.ts";

/** For `kind: http`, whose declaration stands in the policy file. */
export function connect(options: ConnectOptions): ProviderCalls {
  return connectPlan(httpPlan(options.settings), options);
}

type Reach = Pick<ConnectOptions, "admin" | "http">;

interface World {
  readonly plan: Plan;
  readonly api: AdminApi;
  readonly listing: KeyListing<undefined>;
}

export function connectPlan(plan: Plan, { admin, http }: Reach): ProviderCalls {
  const { kind, declaration, parameters } = plan;
  const { list, verify, errors } = declaration;
  const isToken = declaration.token !== undefined;
  const api = adminApi(
    {
      ...{ kind, baseUrl: plan.baseUrl, ...errors },
      headers: (credential) =>
        filledHeaders(declaration.admin.headers, {
          ...parameters,
          ...credentialValues(isToken ? "token" : "admin", credential),
        }),
    },
    {
      http,
      admin: isToken ? tokenCredential(admin, (credential) => tokenOf(plan, { credential, http })) : admin,
    },
  );
  const listing = declaredListing(api, list, parameters);
  const world = { plan, api, listing };

  return providerCalls(listing, {
    mint: (request) => mint(request, world),
    verify: (secret) =>
      verifyBy(secret, {
        ...{ http, table: verify.table },
        request: (text) =>
          requestOf(keyUrlOf(plan), verify, { ...parameters, ...credentialValues("key", text) }),
      }),
    use: async ({ keyId }) =>
      list.lastUsedAt === undefined ? undefined : lastUseOf(await listing.find(keyId)),
    quarantine: async ({ keyId }) =>
      (await setDisabled(keyId, "disable", world)) ? "quarantined" : "cannot",
    restore: async ({ keyId }) => void (await setDisabled(keyId, "restore", world)),
    revoke: (keyId) => revoke(keyId, world),
    candidates: async (secret, listed = listing.all) =>
      (await listed()).filter((key) => isLike(key, secret, plan)),
  });
}

// ---- making ----------------------------------------------------------------------------------------------

async function mint(request: MintRequest, world: World): Promise<MintedKey> {
  const { plan, api } = world;
  const { mint: declared, newSecret } = plan.declaration;
  const name = keyNameText(request.name);
  if (newSecret !== undefined && request.secret === undefined) {
    throw new InputInvalid("this provider's keys have texts that Rekey makes up");
  }
  const values = {
    ...plan.parameters,
    ...{ name, nameWord: nameWord(name), scopes: request.scopes ?? plan.scopes },
    ...(request.secret !== undefined && { key: request.secret.reveal() }),
  };
  try {
    const { json } = await api.mint(callOf(declared, values));
    return mintedKey(json, { declared, api, asked: request.secret });
  } catch (error) {
    const made = error instanceof PolicyInvalid ? await madeBefore(request, world) : undefined;
    if (made === undefined) throw error;
    return made;
  }
}

/** A name for issuers that take only lower case and underscores; the digits keep long names apart. */
function nameWord(name: string): string {
  const word = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");
  const digits = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${word.slice(0, 48)}_${digits}`;
}

/** The key that an earlier call with the same text made, whose reply was lost: the repeat was refused. */
async function madeBefore({ secret }: MintRequest, { listing }: World): Promise<MintedKey | undefined> {
  const fingerprint = secret && fingerprintOf(secret);
  const made = fingerprint && (await listing.all()).find((key) => key.fingerprint === fingerprint);
  return made ? { keyId: made.keyId, secret } : undefined;
}

const secretText = /^[\x21-\x7e]{8,4096}$/;

function mintedKey(
  json: unknown,
  {
    declared,
    api,
    asked,
  }: { readonly declared: DeclaredMint; readonly api: AdminApi; readonly asked?: Secret | undefined },
): MintedKey {
  const keyId = idAt(json, declared.keyId);
  const text = secretIn(json, declared);
  const isAnother = asked !== undefined && asked.reveal() !== text;
  if (keyId === undefined || text === undefined || !secretText.test(text) || isAnother) {
    throw new MintOutcomeUnknown(`${api.kind} answered the mint with something else than a key`);
  }
  const expiresAtMs = declared.expiresAt === undefined ? undefined : timeAt(json, declared.expiresAt);
  return { keyId, secret: new Secret(text), ...(expiresAtMs !== undefined && { expiresAtMs }) };
}

function secretIn(json: unknown, { secret }: DeclaredMint): string | undefined {
  const { parts, joinedBy } = typeof secret === "string" ? { parts: [secret], joinedBy: "" } : secret;
  const texts = parts.map((pointer) => valueAt(json, pointer));
  const isWhole = texts.every((text) => typeof text === "string" && text !== "");
  return isWhole ? texts.join(joinedBy) : undefined;
}

// ---- ending ----------------------------------------------------------------------------------------------

async function revoke(keyId: KeyId, world: World): Promise<"revoked" | "alreadyGone"> {
  const { revoke: declared } = world.plan.declaration;
  const call = callFor(keyId, declared, world);
  if (declared.lookFirst && (await world.listing.find(keyId)) === undefined) return "alreadyGone";
  const { confirmed } = declared;
  return deleteKey(world, {
    ...{ keyId, call },
    ...(confirmed !== undefined && {
      isConfirmed: (json: unknown) => confirmed.every((condition) => holds(condition, json)),
    }),
  });
}

/** False when there is no such key, or no such call. */
async function setDisabled(keyId: KeyId, how: "disable" | "restore", world: World): Promise<boolean> {
  const { quarantine } = world.plan.declaration;
  if (quarantine === undefined) return false;
  const reply = await world.api.send(callFor(keyId, quarantine[how], world));
  if (isOk(reply)) return true;
  if (reply.status === 404 && (await world.listing.find(keyId)) === undefined) return false;
  throw world.api.failureOf(reply);
}

function callFor(keyId: KeyId, declared: DeclaredRequest, { plan }: World) {
  return callOf(declared, { ...plan.parameters, keyId: pathId(keyId) });
}

// ---- recognising -----------------------------------------------------------------------------------------

/** Shorter ends are shared by too many keys. */
const hintCharsMin = 4;

function isLike(
  { keyId, hint = "", fingerprint }: ListedKey,
  secret: Secret,
  { declaration }: Plan,
): boolean {
  if (fingerprint !== undefined) return fingerprint === fingerprintOf(secret);
  const text = secret.reveal();
  if (declaration.list.idInKey) return text.includes(keyId);
  const [, first = "", last = ""] = /^([^.*\u2026]*)[.*\u2026]+([^.*\u2026]*)$/.exec(hint) ?? [];
  const shown = first.length + last.length;
  return shown >= hintCharsMin && text.length > shown && text.startsWith(first) && text.endsWith(last);
}

// ---- tokens ----------------------------------------------------------------------------------------------

async function tokenOf(
  plan: Plan,
  { credential, http }: { readonly credential: Secret; readonly http: Http },
) {
  const { token: declared } = plan.declaration;
  if (declared === undefined) throw new InputInvalid(`${plan.kind} declares no token`);
  const values = { ...plan.parameters, ...credentialValues("admin", credential.reveal()) };
  const reply = await http.send(requestOf(tokenUrlOf(plan), declared, values));
  const { status, json } = reply;
  if (status === 400 || status === 401 || status === 403) {
    throw new AdminCredentialRefused(`${plan.kind} gave no token for the admin credential: ${status}`);
  }
  if (status === 429) {
    throw new ProviderThrottled(`${plan.kind} asks to wait for a token`, {
      retryAfterMs: retryAfterMs(reply),
    });
  }
  const text = valueAt(json, declared.at);
  if (status !== 200 || typeof text !== "string") {
    throw new ProviderGarbled(`${plan.kind} answered something else than a token: ${status}`);
  }
  return new Secret(text);
}
