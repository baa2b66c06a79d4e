import { Superseded } from "../../core/errors.ts";
import { keyName, keyNamesOf, type LedgerKey, parseKeyName } from "../../core/keys.ts";
import type { Policy } from "../../core/policy.ts";
import type { MintedKey, Shape } from "../../core/ports.ts";
import {
  claimAttempt,
  isPlaced,
  keysToDiscard,
  markDiscarded,
  markMinted,
} from "../../core/rotation/incoming.ts";
import { nativeTokenOf } from "../../core/rotation/native.ts";
import {
  assertHolder,
  type PlacedKey,
  type Run,
  type SecretRecord,
} from "../../core/rotation/secret-record.ts";
import { isIncidentWork } from "../../core/rotation/stop-order.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import type { Deps } from "../deps.ts";
import type { TicketInput } from "../step.ts";
import { chosenSecret } from "./chosen-secret.ts";
import { makeRoom } from "./make-room.ts";
import { withMintSlot } from "./mint-slot.ts";
import { stageKey, versionIdFor } from "./stage-key.ts";
import { assertNotStopped } from "./stop-order.ts";

/**
 * Mints the incoming key and puts it into the store as a pending version. All in one function: the plaintext
 * exists only in this call and must not pass through the machine (S6).
 */
export async function mintAndStage({ input, policy }: Order, deps: Deps): Promise<PlacedKey> {
  const record = await deps.ledger.secret(input.secretArn);
  const run = assertHolder(record, input);
  if (run.phase !== "opened") return stagedKey(run);
  const slot = { policy, runId: input.rotationId, isIncident: isIncidentWork(record) };
  return withMintSlot(slot, deps, () => makeKey({ input, policy, record, run }, deps));
}

async function makeKey({ input, policy, record, run }: Making, deps: Deps): Promise<PlacedKey> {
  const provider = deps.provider(policy);
  const { shape } = provider.capabilities;
  const { attempt, discarded, staged } = await claim({ input, policy, shape }, deps);
  if (staged !== undefined) return staged;
  await discardEarlier({ input, policy, attempt, discarded }, deps);
  await assertNotStopped(policy, deps, { isIncident: isIncidentWork(record) });
  const { retiring } = run;
  const displaces = await makeRoom({ policy, ticket: input, attempt, retiring, atMs: input.at }, deps);
  const secret = shape.kind === "clientSecret" ? await chosen({ input, policy, attempt }, deps) : undefined;
  const minted = await provider.mint({
    name: keyName({ rotationId: input.rotationId, attempt }),
    retiring: retiring.keyId,
    ...(displaces !== undefined && { displaces }),
    ...(policy.scopes && { scopes: policy.scopes }),
    ...(secret && { secret }),
  });
  return keep({ input, policy, attempt, minted }, deps);
}

export function stagedKey(run: Exclude<Run, { phase: "opened" }>): PlacedKey {
  const { keyId, versionId, fingerprint } = run.incoming;
  return { keyId, versionId, fingerprint };
}

interface Order {
  readonly input: TicketInput;
  readonly policy: Policy;
}

interface Making extends Order {
  readonly record: SecretRecord;
  readonly run: Run;
}

function chosen({ input, policy, attempt }: Order & { readonly attempt: number }, deps: Deps) {
  const versionId = versionIdFor({ ...input, attempt, part: "mint" }, deps);
  return chosenSecret({ secretArn: input.secretArn, versionId, policy }, deps);
}

/**
 * The claim is the intent: from here on a key with this name is ours, even if nobody ever sees the answer. Where Rekey
 * chooses the key's text, a repeat goes on with the attempt it finds: its text is stored and asks for the same key.
 */
async function claim({ input, policy, shape }: Order & { readonly shape: Shape }, deps: Deps) {
  let discarded: readonly LedgerKey[] = [];
  const record = await deps.ledger.changeSecret(input.secretArn, (now) => {
    if (assertHolder(now, input).phase !== "opened") return now;
    discarded = keysToDiscard(now, input.rotationId);
    if (shape.kind === "clientSecret" && discarded.length > 0) {
      const { attempt } = assertHolder(now, input);
      discarded = discarded.filter((key) => key.attempt !== attempt);
      return now;
    }
    return claimAttempt(now, input, policy.scopes ? { scopes: policy.scopes } : {});
  });
  const run = assertHolder(record, input);
  return { attempt: run.attempt, discarded, staged: run.phase === "opened" ? undefined : stagedKey(run) };
}

/**
 * Deletes keys of this run's earlier attempts that never got a version: their plaintext is lost. Found at the
 * provider by name, because the reply with their ids may have been lost.
 */
async function discardEarlier(
  {
    input,
    policy,
    attempt,
    discarded,
  }: Order & { readonly attempt: number; readonly discarded: readonly LedgerKey[] },
  deps: Deps,
): Promise<void> {
  if (discarded.length === 0) return;
  for (const key of discarded) {
    const version = { ...input, attempt: key.attempt ?? 0, part: "mint" };
    // The token's version is Secrets Manager's: without its label the rotation that it started is over.
    if (nativeTokenOf(input.rotationId) !== undefined) continue;
    await deps.store.discard({ secretArn: input.secretArn, versionId: versionIdFor(version, deps) });
  }
  const provider = deps.provider(policy);
  const listed = await provider.list({ namePrefix: keyNamesOf(input.rotationId) });
  for (const { keyId, name } of listed) {
    const made = parseKeyName(name);
    const isEarlier = made?.rotationId === input.rotationId && made.attempt < attempt;
    if (isEarlier && discarded.some((key) => key.name === name)) await provider.revoke(keyId);
  }
  // An intended key that is not listed may still appear, so it stays in the ledger until the sweep has waited for it.
  const seen = new Set(listed.map(({ name }) => name));
  await deps.ledger.changeSecret(input.secretArn, (record) =>
    discarded
      .filter(({ name }) => seen.has(name))
      .reduce((next, { name }) => markDiscarded(next, input, name), record),
  );
}

/** Stores the plaintext as a pending version. If the run was overtaken meanwhile, its own key is deleted again. */
async function keep(
  { input, policy, attempt, minted }: Order & { readonly attempt: number; readonly minted: MintedKey },
  deps: Deps,
): Promise<PlacedKey> {
  const fingerprint = fingerprintOf(minted.secret);
  const { keyId, expiresAtMs } = minted;
  try {
    await deps.ledger.changeSecret(input.secretArn, (record) =>
      markMinted(record, input, {
        attempt,
        keyId,
        fingerprint,
        ...(expiresAtMs !== undefined && { expiresAtMs }),
      }),
    );
    return await stageKey({ ticket: input, policy, attempt, keyId, secret: minted.secret }, deps);
  } catch (error) {
    const isOver = error instanceof Superseded && !isPlaced(await deps.ledger.secret(input.secretArn), keyId);
    if (isOver) await deps.provider(policy).revoke(keyId);
    throw error;
  }
}
