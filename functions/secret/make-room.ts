import { NeedsHuman, QuotaReached } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyProvider, ListedKey } from "../../core/ports.ts";
import { isLimited, roomFor, whyNotDisplace } from "../../core/rotation/room.ts";
import type { Run, SecretRecord } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";
import { sharedWith } from "./shared-key.ts";

interface Question {
  readonly policy: Policy;
  readonly record: SecretRecord;
  readonly run: Run;
  readonly atMs: number;
}

/**
 * Sees that the provider has room for one more key. Where another key has to end for it, that key passes the same
 * questions as a retiring one before its revoke, and the audit log says so before anything is done.
 */
export async function makeRoom(question: Question, deps: Deps): Promise<void> {
  const { policy, record, run, atMs } = question;
  const provider = deps.provider(policy);
  const { shape } = provider.capabilities;
  if (!isLimited(shape)) return;

  const room = roomFor({ shape, listed: await provider.list(), retiring: run.retiring.keyId });
  if (room.kind === "enough") return;
  if (room.kind === "none") throw new QuotaReached(`there is no room for another key: ${room.why}`);

  const refusal = whyNotDisplace({
    ...question,
    shape,
    ...(await factsOf({ ...question, key: room.key }, deps)),
  });
  if (refusal) throw new NeedsHuman(`there is no room for another key: ${refusal.reason}: ${refusal.detail}`);
  await deps.audit.append(record.secretArn, {
    id: `${run.rotationId}/displace/${room.key.keyId}`,
    atMs,
    actor: run.rotationId,
    action: "KeyDisplaced",
    detail: { keyId: room.key.keyId, endedBy: room.endedBy },
  });
  if (room.endedBy === "revoke") await provider.revoke(room.key.keyId);
}

async function factsOf({ policy, record, run, key }: Question & { readonly key: ListedKey }, deps: Deps) {
  const fingerprints = key.fingerprint === undefined ? [] : [key.fingerprint];
  const others = await Promise.all(
    fingerprints.map((fingerprint) => sharedWith({ fingerprint, secretArn: record.secretArn }, deps)),
  );
  return {
    key,
    retiring: run.retiring,
    sharedWith: others.flat(),
    evidence: await deps.ledger.evidence(record.secretArn),
    quietMs: policy.quietMs,
    lastUsed: await lastUseOf(key, deps.provider(policy)),
  };
}

/** Undefined where the provider does not say, or has never seen a use. */
async function lastUseOf({ keyId }: ListedKey, provider: KeyProvider) {
  if (!provider.capabilities.lastUsed) return undefined;
  const use = await provider.use({ keyId, sinceMs: 0 });
  return use?.lastUsedAtMs === undefined ? undefined : { atMs: use.lastUsedAtMs, seenAtMs: use.seenAtMs };
}
