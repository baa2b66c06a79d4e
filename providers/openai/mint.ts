import {
  InputInvalid,
  MintOutcomeUnknown,
  NeedsHuman,
  PolicyInvalid,
  ProviderGarbled,
  ProviderUnavailable,
  QuotaReached,
  type RotationError,
} from "../../core/errors.ts";
import type { MintedKey, MintRequest } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { type AdminApi, isOk } from "../admin-api.ts";
import type { HttpReply } from "../http.ts";
import { type Code, errorCode, MintReply, milliseconds, outcomeOf, pathId } from "./replies.ts";
import type { OpenAiSettings } from "./settings.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const EXPIRY_S_MAX = 365 * 24 * 60 * 60;
const NAME = /^[\x20-\x7e]{1,128}$/;
const QUOTA_CODES: readonly (Code | undefined)[] = [
  "api_key_limit_reached",
  "insufficient_quota",
  "key_limit_reached",
  "max_api_keys_reached",
  "quota_exceeded",
];

/** Sends one POST, and a second one only after a 401. Any other doubt is MintOutcomeUnknown. */
export async function mint(
  api: AdminApi,
  settings: OpenAiSettings,
  request: MintRequest,
): Promise<MintedKey> {
  const { project, serviceAccount } = settings;
  if (serviceAccount === undefined) {
    throw new NeedsHuman("openai has no API that makes keys for people: the policy names no service account");
  }
  const body = mintBody(settings, request);
  const account = `/organization/projects/${pathId(project)}/service_accounts/${pathId(serviceAccount)}`;
  const reply = await api.send({ method: "POST", path: `${account}/api_keys`, body }).catch(outcomeUnknown);
  if (!isOk(reply)) throw whyNotMinted(reply, api);

  const parsed = MintReply.safeParse(reply.json);
  if (!parsed.success || !isOurs(parsed.data, { project, serviceAccount, name: request.name })) {
    throw new MintOutcomeUnknown(
      "openai answered the mint with something else than the key that was asked for",
    );
  }
  const { id, value, expires_at } = parsed.data;
  return { keyId: id, secret: new Secret(value), ...milliseconds("expiresAtMs", expires_at) };
}

function mintBody(settings: OpenAiSettings, { name, ...asked }: MintRequest): Record<string, unknown> {
  if (!NAME.test(name)) throw new InputInvalid("a key's name has to be 1 to 128 printable ASCII characters");
  const scopes = asked.scopes ?? settings.scopes;
  if (scopes?.length === 0) throw new InputInvalid("to openai an empty list of scopes means unrestricted");
  const { expiresInDays } = settings;
  const expiresInMs = asked.expiresInMs ?? (expiresInDays === undefined ? undefined : expiresInDays * DAY_MS);
  return {
    name,
    ...(scopes ? { scopes } : {}),
    ...(expiresInMs === undefined ? {} : { expires_in_seconds: expirySeconds(expiresInMs) }),
  };
}

export function expirySeconds(expiresInMs: number): number {
  return Math.min(Math.max(Math.ceil(expiresInMs / 1000), 1), EXPIRY_S_MAX);
}

function isOurs(
  { name, project_id, service_account_id, owner }: MintReply,
  asked: { readonly project: string; readonly serviceAccount: string; readonly name: string },
): boolean {
  const accounts = [service_account_id, owner?.service_account?.id];
  return (
    (name ?? asked.name) === asked.name &&
    (project_id ?? asked.project) === asked.project &&
    accounts.every((account) => (account ?? asked.serviceAccount) === asked.serviceAccount)
  );
}

function outcomeUnknown(error: unknown): never {
  if (error instanceof ProviderUnavailable || error instanceof ProviderGarbled) {
    throw new MintOutcomeUnknown(`no usable answer to the mint: ${error.message}`);
  }
  throw error;
}

/** Only an error code of OpenAI's own means that no key was made. */
function whyNotMinted(reply: HttpReply, api: AdminApi): RotationError {
  const code = errorCode(reply);
  const outcome = outcomeOf(reply);
  switch (reply.status) {
    case 400:
    case 403:
    case 404:
    case 422:
    case 429:
      if (QUOTA_CODES.includes(code)) return new QuotaReached(`openai refused another key: ${outcome}`);
      break;
    default:
      return new MintOutcomeUnknown(`openai did not say whether it made the key: ${outcome}`);
  }
  if (reply.status !== 400 && reply.status !== 422) return api.failureOf(reply);
  return new PolicyInvalid(`openai refused the name, the scopes or the expiry of the new key: ${outcome}`);
}
