import { NeedsHuman } from "../../core/errors.ts";
import { beginEnding, changeEndingKey, type EndingKey, type Issued } from "../../core/issue/issued.ts";
import type { Policy } from "../../core/policy.ts";
import { whatStaysAlive, whyNotLeave } from "../../core/rotation/leave.ts";
import type { Refusal } from "../../core/rotation/refusal.ts";
import { currentKey, type SecretRecord } from "../../core/rotation/secret-record.ts";
import { placeHold, releaseHold } from "../../core/rotation/wait.ts";
import type { With } from "../deps.ts";
import { sharedWith } from "../secret/shared-key.ts";
import { assertNotStopped } from "../secret/stop-order.ts";

export interface EndOrder {
  readonly policy: Policy;
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
  /** Of the request, or of the look that found its time over. */
  readonly id: string;
}

type EndDeps = With<"schedules">;
type Ended = Refusal<string> | { readonly ending: Issued };

/**
 * A secret ends: no rotation opens any more, and every key of it is revoked. Nothing takes its place. What is to be
 * done is recorded before it is done, so whoever finds the record goes on with it.
 */
export async function endSecret(order: EndOrder, deps: EndDeps): Promise<Ended> {
  const { policy, by, reason, atMs, id } = order;
  const { secretArn, name } = policy;
  await assertNotStopped(policy, deps);
  if (!deps.provider(policy).capabilities.revoke)
    return {
      reason: "CannotRevoke",
      detail: `no call ends a key of ${policy.provider.account}: end it by hand, then \`rekey leave\``,
    };
  let before: SecretRecord | undefined;
  // One write decides: either a run has the secret, or from now on none opens.
  await deps.ledger.changeSecret(secretArn, (record) => {
    before = record;
    if (whyNotLeave(record, { leaveKeys: true }) !== undefined) return record;
    return placeHold(record, { by, reason: "its keys are being ended for good", leaving: id });
  });
  const busy = before && whyNotLeave(before, { leaveKeys: true });
  if (before === undefined || busy !== undefined)
    return busy ?? { reason: "Busy", detail: `${name} is busy` };
  const keys = keysOf(before);
  const refusal = await whyNotEnd({ policy, keys }, deps);
  if (refusal !== undefined) {
    await deps.ledger.changeSecret(secretArn, releaseHold);
    return refusal;
  }
  const ending = await deps.ledger.changeIssued(name, (stored) =>
    beginEnding(
      stored?.policy.secretArn === secretArn || stored?.made?.secretArn === secretArn ? stored : bare(order),
      {
        ...{ by, reason, atMs, keys },
      },
    ),
  );
  return { ending: await goOnEnding(ending, deps) };
}

function keysOf(record: SecretRecord): readonly EndingKey[] {
  const ids = [currentKey(record)?.keyId, ...whatStaysAlive(record)].filter((keyId) => keyId !== undefined);
  return [...new Set(ids)].map((keyId) => {
    const { versionId, fingerprint } = record.keys.find((key) => key.keyId === keyId) ?? {};
    return {
      keyId,
      ...(versionId !== undefined && { versionId }),
      ...(fingerprint !== undefined && { fingerprint }),
    };
  });
}

async function whyNotEnd(
  { policy, keys }: { readonly policy: Policy; readonly keys: readonly EndingKey[] },
  deps: EndDeps,
): Promise<Refusal<string> | undefined> {
  const { secretArn, name } = policy;
  if (keys.length === 0)
    return {
      reason: "KeyUnknown",
      detail: `Rekey never adopted a key of ${name}: end it by hand, then \`rekey leave\``,
    };
  for (const { keyId, fingerprint } of keys) {
    const others = fingerprint === undefined ? [] : await sharedWith({ fingerprint, secretArn }, deps);
    if (others.length > 0)
      return { reason: "KeyShared", detail: `key ${keyId} is also held by ${others.join(", ")}` };
  }
  return undefined;
}

/** A secret that somebody else made may be retired too. */
function bare({ policy, by, atMs, id }: EndOrder): Issued {
  const { name, secretArn } = policy;
  const made = { secretArn, keyId: "", versionId: "" };
  return { ...{ name, id: `e-${id}`, state: "issued", by, atMs, policy, attempt: 0, made } };
}

/** Everything after the record was written, each part of which may be repeated: policy and schedule go, keys are revoked. */
export async function goOnEnding(issued: Issued, deps: EndDeps): Promise<Issued> {
  const { ending, made, name } = issued;
  const secretArn = made?.secretArn;
  if (ending === undefined || secretArn === undefined) throw new NeedsHuman(`nothing of ${name} is ending`);
  const { by, atMs, reason } = ending;
  const { environment } = issued.policy;
  for (const schedule of await deps.schedules.list())
    if (schedule.secretArn === secretArn) await deps.schedules.remove(schedule.name);
  if ((await deps.ledger.policy(secretArn)) !== undefined) {
    await deps.ledger.putFormerSecret({ secretArn, name, environment, by, atMs });
    await deps.ledger.removePolicy(secretArn);
    await deps.ledger.changeSecret(secretArn, (now) =>
      now.hold?.leaving === undefined ? now : releaseHold(now),
    );
    await deps.audit.append(secretArn, {
      ...{ id: `${issued.id}/retire`, atMs, actor: by, action: "SecretRetired" },
      detail: {
        name,
        reason,
        keys: ending.keys
          .map(({ keyId }) => keyId)
          .join(" ")
          .slice(0, 500),
      },
    });
  }
  const policy = { ...issued.policy, secretArn };
  let now = issued;
  for (const { keyId, revokedAtMs } of ending.keys) {
    if (revokedAtMs !== undefined) continue;
    await assertNotStopped(policy, deps);
    const outcome = await deps.provider(policy).revoke(keyId);
    const revoked = deps.clock.nowMs();
    now = await deps.ledger.changeIssued(name, (stored) =>
      changeEndingKey(stored ?? now, keyId, (key) => ({ ...key, revokedAtMs: revoked })),
    );
    await deps.audit.append(secretArn, {
      ...{ id: `${issued.id}/revoke/${keyId}`, atMs: revoked, actor: by, action: "KeyEnded" },
      detail: { keyId, outcome },
    });
  }
  return now;
}
