import { together } from "../../consumers/together.ts";
import { NeedsHuman, QuotaReached } from "../../core/errors.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyId, KeyProvider, ListedKey } from "../../core/ports.ts";
import { assertAttempt } from "../../core/rotation/incoming.ts";
import { isLimited, roomFor, whyNotDisplace } from "../../core/rotation/room.ts";
import type { PlacedKey, SecretRecord, Ticket } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";
import { sharedWith } from "./shared-key.ts";

/** Items of other secrets that are read at once. */
const atOnceMax = 10;

interface Question {
  readonly policy: Policy;
  readonly ticket: Ticket;
  readonly attempt: number;
  readonly retiring: PlacedKey;
  readonly atMs: number;
}

interface Displacing extends Question {
  readonly key: ListedKey;
  readonly record: SecretRecord;
}

/**
 * Sees that the provider has room for one more key. Where another key has to end for it, that key passes the same
 * questions as a retiring one before its revoke, and the audit log says so before anything is done. Answers the key
 * that the call which makes the new one is going to end.
 */
export async function makeRoom(question: Question, deps: Deps): Promise<KeyId | undefined> {
  const { policy, ticket, attempt, retiring, atMs } = question;
  const provider = deps.provider(policy);
  const { shape } = provider.capabilities;
  if (!isLimited(shape)) return undefined;

  const room = roomFor({ shape, listed: await provider.list(), retiring: retiring.keyId });
  if (room.kind === "enough") return undefined;
  if (room.kind === "none") throw new QuotaReached(`there is no room for another key: ${room.why}`);

  // Read after the listing: if this call slept, another one may have put the run's own key there meanwhile.
  const record = await deps.ledger.secret(ticket.secretArn);
  assertAttempt(record, ticket, { attempt });
  const { key, endedBy } = room;
  const refusal = whyNotDisplace({ shape, retiring, ...(await factsOf({ ...question, key, record }, deps)) });
  if (refusal) throw new NeedsHuman(`there is no room for another key: ${refusal.reason}: ${refusal.detail}`);
  await deps.audit.append(ticket.secretArn, {
    id: `${ticket.rotationId}/displace/${key.keyId}`,
    atMs,
    actor: ticket.rotationId,
    action: "KeyDisplaced",
    detail: { keyId: key.keyId, endedBy },
  });
  if (endedBy === "revoke") await provider.revoke(key.keyId);
  return endedBy === "mint" ? key.keyId : undefined;
}

async function factsOf({ policy, record, key }: Displacing, deps: Deps) {
  const fingerprints = key.fingerprint === undefined ? [] : [key.fingerprint];
  const holders = await Promise.all(
    fingerprints.map((fingerprint) => sharedWith({ fingerprint, secretArn: record.secretArn }, deps)),
  );
  return {
    ...{ key, record },
    sharedWith: [...new Set([...holders.flat(), ...(await othersThatKnow(key, policy, deps))])],
    evidence: await deps.ledger.evidence(record.secretArn),
    quietMs: policy.quietMs,
    lastUsed: await lastUseOf(key, deps.provider(policy)),
  };
}

/** Other secrets of the account whose key this is, by its id: a listing need not show what a key's text is. */
async function othersThatKnow({ keyId }: ListedKey, { secretArn, provider }: Policy, { ledger }: Deps) {
  const others = (await ledger.policies()).filter(
    (other) => other.provider.account === provider.account && other.secretArn !== secretArn,
  );
  const records = await together(others, { atOnceMax, work: (other) => ledger.secret(other.secretArn) });
  return records
    .filter(({ keys }) => keys.some((known) => known.keyId === keyId))
    .map((record) => record.secretArn);
}

/** Undefined where the provider does not say, or has never seen a use. */
async function lastUseOf({ keyId }: ListedKey, provider: KeyProvider) {
  if (!provider.capabilities.lastUsed) return undefined;
  const use = await provider.use({ keyId, sinceMs: 0 });
  return use?.lastUsedAtMs === undefined ? undefined : { atMs: use.lastUsedAtMs, seenAtMs: use.seenAtMs };
}
