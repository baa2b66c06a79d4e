import { createHash } from "node:crypto";
import * as z from "zod";
import {
  MintOutcomeUnknown,
  NeedsHuman,
  PolicyInvalid,
  ProviderGarbled,
  ProviderUnavailable,
  QuotaReached,
} from "../../core/errors.ts";
import type { KeyId, MintedKey, MintRequest } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { type AdminApi, isOk } from "../admin-api.ts";
import { keyNameText } from "../key-listing.ts";
import type { GoogleKeys } from "./keys.ts";
import { ended, type Operation, operationCodes } from "./operation.ts";
import type { GoogleSettings } from "./settings.ts";

export interface MintWorld {
  readonly api: AdminApi;
  readonly keys: GoogleKeys;
  readonly settings: GoogleSettings;
  readonly pause?: (ms: number) => Promise<unknown>;
}

const KeyString = z.object({ keyString: z.string().regex(/^[A-Za-z0-9._-]{20,512}$/) });

/**
 * Rekey chooses the key's id from its name, so a repeat makes no second key; and Google shows a key's text at any
 * time, so a lost reply loses none: the key is looked up by that id.
 */
export async function mint(request: MintRequest, world: MintWorld): Promise<MintedKey> {
  const { api, keys } = world;
  const name = keyNameText(request.name);
  const keyId = keyIdFor(name);
  const body = { displayName: name, ...(await limitsFor(request, world)) };
  try {
    const reply = await api.mint({ method: "POST", path: `${keys.path}?keyId=${keyId}`, body });
    refuseFailed(await ended(reply.json, world));
  } catch (error) {
    if (!isDoubtful(error)) throw error;
    return await existing({ keyId, name, error }, world);
  }
  return readKey(keyId, world);
}

/** Up to 63 lower-case letters, digits and dashes, the same for the same name. */
function keyIdFor(name: string): KeyId {
  return `rekey-${createHash("sha256").update(name).digest("hex").slice(0, 40)}`;
}

/** What the retiring key may call, from where, and as whom: left out, the new key would be allowed everything. */
async function limitsFor({ retiring }: MintRequest, { keys, settings }: MintWorld) {
  const { apiTargets, serviceAccount } = settings;
  const former = retiring === undefined ? undefined : (await keys.find(retiring))?.raw;
  const serviceAccountEmail = serviceAccount ?? former?.serviceAccountEmail ?? undefined;
  return {
    restrictions: former?.restrictions ?? { apiTargets: apiTargets.map((service) => ({ service })) },
    ...(serviceAccountEmail !== undefined && { serviceAccountEmail }),
  };
}

function isDoubtful(error: unknown): boolean {
  return (
    error instanceof MintOutcomeUnknown ||
    error instanceof ProviderUnavailable ||
    error instanceof ProviderGarbled ||
    error instanceof PolicyInvalid
  );
}

function refuseFailed({ error }: Operation): void {
  if (!error) return;
  const words = `google's operation failed with code ${error.code}`;
  const { invalidArgument, alreadyExists, resourceExhausted, failedPrecondition } = operationCodes;
  if (error.code === resourceExhausted) throw new QuotaReached(words);
  if (error.code === alreadyExists || error.code === invalidArgument) throw new PolicyInvalid(words);
  if (error.code === failedPrecondition) {
    throw new NeedsHuman(
      `${words}: an organisation's policy may forbid keys that are bound to service accounts`,
    );
  }
  throw new MintOutcomeUnknown(words);
}

/** After a doubtful answer: the key itself, if it is there. A refusal without a key stays that refusal. */
async function existing(
  doubt: { readonly keyId: KeyId; readonly name: string; readonly error: unknown },
  world: MintWorld,
): Promise<MintedKey> {
  const { keyId, name, error } = doubt;
  const found = await world.keys.find(keyId).catch(() => undefined);
  if (found?.key.name === name) return readKey(keyId, world);
  if (error instanceof PolicyInvalid) throw error;
  throw new MintOutcomeUnknown("google did not say whether it made the key");
}

async function readKey(keyId: KeyId, { api, keys }: MintWorld): Promise<MintedKey> {
  try {
    const reply = await api.send({ method: "GET", path: `${keys.path}/${keyId}/keyString` });
    const parsed = KeyString.safeParse(reply.json);
    if (isOk(reply) && parsed.success) return { keyId, secret: new Secret(parsed.data.keyString) };
  } catch (error) {
    if (!isDoubtful(error)) throw error;
  }
  throw new MintOutcomeUnknown(`google made key ${keyId} and did not show its text`);
}
