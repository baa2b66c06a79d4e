import { SecretUnusable } from "../../core/errors.ts";
import type { KeyId, KeyProvider, SecretArn, VerifyResult, VersionId } from "../../core/ports.ts";
import { type DeathControls, isAcceptance, underControls } from "../../core/rotation/death.ts";
import type { Secret } from "../../core/secret.ts";
import { keyIn } from "../../stores/value.ts";
import type { Deps } from "../deps.ts";

/** A key that consumers have now, so the provider has to accept it. */
export interface LiveKey {
  readonly secretArn: SecretArn;
  readonly versionId: VersionId;
  readonly keyId: KeyId;
}

interface Probe {
  readonly provider: KeyProvider;
  /** The revoked key. */
  readonly secret: Secret;
  /** One that is accepted is enough. */
  readonly live: readonly LiveKey[];
}

export interface Probed {
  readonly answer: VerifyResult;
  /** Only of a refusal: a key that is accepted needs none. */
  readonly controls?: DeathControls;
}

const liveMax = 5;

/** Calls the provider with the revoked key and, if it is refused, with the controls of that refusal at once. */
export async function probeDeath(probe: Probe, deps: Pick<Deps, "ledger" | "store">): Promise<Probed> {
  const { provider, secret } = probe;
  const answer = await provider.verify(secret);
  if (answer !== "refused") return { answer };
  const accepted = await askLive(probe, deps);
  const neverIssued = await provider.verify(provider.neverIssued(secret));
  const controls = { neverIssued, ...(accepted !== undefined && { accepted }) };
  return { answer: underControls(answer, controls), controls };
}

/** The first live key that is accepted, else what was said of the last one; undefined if there is none. */
async function askLive(
  { provider, secret, live }: Probe,
  deps: Pick<Deps, "ledger" | "store">,
): Promise<DeathControls["accepted"]> {
  let said: DeathControls["accepted"];
  for (const place of live.slice(0, liveMax)) {
    const key = await read(place, deps);
    if (key === undefined || key.reveal() === secret.reveal()) continue;
    said = { keyId: place.keyId, answer: await provider.verify(key) };
    if (isAcceptance(said.answer)) return said;
  }
  return said;
}

async function read(
  { secretArn, versionId }: LiveKey,
  deps: Pick<Deps, "ledger" | "store">,
): Promise<Secret | undefined> {
  const policy = await deps.ledger.policy(secretArn);
  try {
    return keyIn((await deps.store.read(secretArn, versionId)).text, policy?.field);
  } catch (error) {
    if (error instanceof SecretUnusable) return undefined;
    throw error;
  }
}
