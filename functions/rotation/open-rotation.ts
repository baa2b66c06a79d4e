import * as z from "zod";
import { copiesOf } from "../../core/copies/declared.ts";
import {
  CurrentKeyUnknown,
  KeyShared,
  LedgerContended,
  PolicyInvalid,
  SecretUnusable,
} from "../../core/errors.ts";
import { keyRole } from "../../core/own-credential.ts";
import { isRotated, mistakesIn, type Policy } from "../../core/policy.ts";
import { openRun, resumeRun, resumeSuperseded } from "../../core/rotation/lease.ts";
import { nativeTokenOf } from "../../core/rotation/native.ts";
import { type OpenReason, whyNotOpen } from "../../core/rotation/open.ts";
import { type Refusal, refusalText } from "../../core/rotation/refusal.ts";
import { currentKey, promotedRun, type Run, type SecretRecord } from "../../core/rotation/secret-record.ts";
import {
  adoptByHand,
  releaseRetained,
  retainedKeys,
  retainedMax,
  supersededToResume,
} from "../../core/rotation/superseded.ts";
import { whyNotRotateIn } from "../../core/store-fitness.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import type { Deps } from "../deps.ts";
import { type FoundKey, findCurrentKey } from "../secret/current-key.ts";
import { pin } from "../secret/pin.ts";
import { sharedWith } from "../secret/shared-key.ts";
import { stopFor } from "../secret/stop-order.ts";
import { secondsToTurn } from "../secret/turn.ts";
import { onLambda, secretArnText, stampedAt, step, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";

const OpenRotationInput = z.object({
  secretArn: secretArnText,
  rotationId: ticketShape.rotationId,
  executionArn: z.string().max(2048),
  trigger: z.string().max(200),
  at: stampedAt,
  /** The secret's fence when the run began to wait for its turn at the provider's account, which has come. */
  waitedAtFence: z.int().min(0).optional(),
});
type OpenRotationInput = z.output<typeof OpenRotationInput>;

type Opened = RotationRecord["opened"];

/** Many rotations of the account are due at once. Nothing is held for this one until its turn; people are shown it. */
interface Later {
  readonly outcome: "later";
  readonly waitSeconds: number;
  readonly fence: number;
}

export const openRotation = step({
  name: "open-rotation",
  input: OpenRotationInput,
  run: async (input, deps): Promise<Opened | Later> => {
    const policy = await deps.ledger.policy(input.secretArn);
    if (policy === undefined) {
      throw new PolicyInvalid(
        `no policy names ${input.secretArn}: declare it in rekey.yml and run rekey apply`,
      );
    }
    const record = await recordFor(policy, deps);
    const known = await deps.ledger.rotation(input.secretArn, input.rotationId);
    if (known?.outcome === "skipped") return remember({ input, policy, record, opened: known.opened }, deps);
    if (isOpenFor(record, input))
      return remember({ input, policy, record, opened: openedFrom(record, policy) }, deps);

    const refusal = whyNotOpen(record, input.rotationId) ?? (await stopFor(policy, deps));
    if (refusal) return skip({ input, policy, record, refusal }, deps);

    const { fence } = record;
    const { waitedAtFence, at } = input;
    if (waitedAtFence === undefined) {
      const waitSeconds = await secondsToTurn({ policy, record, at }, deps);
      if (waitSeconds > 0) {
        const turn = { ...turnIn(input, policy), atMs: at + waitSeconds * 1_000 };
        await deps.ledger.changeSecret(input.secretArn, (now) => ({ ...now, turn }));
        return { outcome: "later", waitSeconds, fence };
      }
    } else if (waitedAtFence !== fence)
      return skip({ input, policy, record, refusal: rotatedMeanwhile }, deps);

    const next =
      record.run?.owed === undefined
        ? ((await takeUpSuperseded({ input, policy, record }, deps)) ??
          (await openNew({ input, policy, record }, deps)))
        : await resumeOwed({ input, policy }, deps);
    if (!isOpenFor(next, input)) {
      return skip(
        { input, policy, record: next, refusal: whyNotOpen(next, input.rotationId) ?? overtaken },
        deps,
      );
    }
    return remember({ input, policy, record: next, opened: openedFrom(next, policy) }, deps);
  },
});

export const handler = onLambda(openRotation, wiring());

interface Opening {
  readonly input: OpenRotationInput;
  readonly policy: Policy;
  readonly record: SecretRecord;
}

function isOpenFor({ lease }: SecretRecord, input: OpenRotationInput): boolean {
  return lease?.runId === input.rotationId && lease.executionArn === input.executionArn;
}

const turnIn = ({ rotationId }: OpenRotationInput, { provider }: Policy) => ({
  rotationId,
  account: provider.account,
});

/** Another run took the secret while this one looked at it, and is over already. */
const overtaken: Refusal<OpenReason> = { reason: "Busy", detail: "another run holds the secret" };

/** Whoever had it, the key that this run was to replace is no longer what it was. */
const rotatedMeanwhile: Refusal<OpenReason> = {
  reason: "Busy",
  detail: "another run had the secret while this one waited for its turn at the provider's account",
};

/** What an earlier policy kept is revoked like every superseded key as soon as the policy keeps none. */
async function recordFor({ secretArn, retain }: Policy, { ledger }: Deps): Promise<SecretRecord> {
  const record = await ledger.secret(secretArn);
  if (retain || retainedKeys(record).length === 0) return record;
  return ledger.changeSecret(secretArn, releaseRetained);
}

/** Everything that may be wrong is checked before the first change at the provider. */
async function openNew({ input, policy, record }: Opening, deps: Deps): Promise<SecretRecord> {
  if (!isRotated(policy))
    throw new PolicyInvalid(`this secret is only watched (mode: ${policy.mode}), never rotated`);
  const kept = retainedKeys(record).length;
  if (policy.retain && kept >= retainedMax)
    throw new PolicyInvalid(
      `${kept} retiring keys are kept, and no more can be: drop \`retain\` for one rotation`,
    );
  const provider = deps.provider(policy);
  const unfit = whyNotRotateIn(deps.store.capabilities(policy.secretArn));
  const mistakes = [...mistakesIn(policy, provider).map(({ message }) => message), ...unfit];
  if (mistakes.length > 0) throw new PolicyInvalid(mistakes.join("; "));

  const reserved = nativeTokenOf(input.rotationId);
  const retiring = await findCurrentKey({ policy, record, reserved }, deps);
  const others = await sharedWith({ fingerprint: retiring.fingerprint, secretArn: policy.secretArn }, deps);
  if (others.length > 0) throw new KeyShared(`key ${retiring.keyId} is also held by ${others.join(", ")}`);
  await assertKnownAndLongLived({ policy, retiring }, deps);

  const { keyId, versionId, fingerprint } = retiring;
  await deps.ledger.putHolder({
    keyId,
    versionId,
    fingerprint,
    secretArn: policy.secretArn,
    role: keyRole(policy),
  });
  return deps.ledger.changeSecret(policy.secretArn, (now) => {
    if (whyNotOpen(now, input.rotationId)) return now;
    // Without this check, a function that was frozen after reading the current version could open a run on
    // an outdated key.
    if (now.fence !== record.fence) throw new LedgerContended("another run changed the secret meanwhile");
    return openRun(adoptByHand(now, retiring), {
      rotationId: input.rotationId,
      executionArn: input.executionArn,
      kind: "rotation",
      retiring,
    });
  });
}

async function assertKnownAndLongLived(
  { policy, retiring }: { readonly policy: Policy; readonly retiring: FoundKey },
  deps: Deps,
): Promise<void> {
  const provider = deps.provider(policy);
  const listed = await provider.find(retiring.keyId);
  if (listed === undefined) {
    throw new CurrentKeyUnknown(
      `the provider does not list key ${retiring.keyId}, which the current version holds`,
    );
  }
  if (listed.expiresAtMs === undefined || listed.expiresAtMs - deps.clock.nowMs() >= policy.overlapMs) return;
  const extended = await provider.extend({ keyId: retiring.keyId, expiresInMs: policy.overlapMs * 2 });
  if (extended === "cannot") {
    throw new PolicyInvalid(
      `key ${retiring.keyId} expires before the overlap of ${policy.overlapMs} ms is over`,
    );
  }
}

async function resumeOwed({ input, policy }: Omit<Opening, "record">, deps: Deps): Promise<SecretRecord> {
  return deps.ledger.changeSecret(policy.secretArn, (now) => {
    if (whyNotOpen(now, input.rotationId) || now.run?.owed === undefined) return now;
    return resumeRun(now, {
      rotationId: input.rotationId,
      executionArn: input.executionArn,
      kind: "rotation",
      deadlineAtMs: input.at + policy.overlapMs,
    });
  });
}

/** A superseded key is revoked before a new key is made, like every other debt. */
async function takeUpSuperseded(
  { input, policy, record }: Opening,
  deps: Deps,
): Promise<SecretRecord | undefined> {
  if (supersededToResume(record) === undefined) return undefined;
  const { secretArn } = policy;
  const current = await findCurrentKey({ policy, record }, deps);
  const left = current.keyId === currentKey(record)?.keyId ? supersededToResume(record) : undefined;
  if (left === undefined) return undefined;
  const assertSame = ({ fence }: SecretRecord) => {
    if (fence !== record.fence) throw new LedgerContended("another run has taken the secret meanwhile");
  };
  const assertMine = async () => assertSame(await deps.ledger.secret(secretArn));
  await pinIfThere({ secretArn, versionId: left.versionId, assertMine }, deps);
  return deps.ledger.changeSecret(secretArn, (now) => {
    if (whyNotOpen(now, input.rotationId)) return now;
    if (now.fence !== record.fence || supersededToResume(now)?.keyId !== left.keyId)
      throw new LedgerContended("the superseded key was dealt with meanwhile");
    const deadlineAtMs = input.at + policy.overlapMs;
    const { rotationId, executionArn, at: atMs } = input;
    return resumeSuperseded(now, {
      ...{ rotationId, executionArn, kind: "rotation", left, current, atMs, deadlineAtMs },
    });
  });
}

/**
 * If the version was purged meanwhile, the key's plaintext is gone: then the key is proven dead by the
 * listing.
 */
async function pinIfThere(place: Parameters<typeof pin>[0], deps: Deps): Promise<void> {
  try {
    await pin(place, deps);
  } catch (error) {
    if (!(error instanceof SecretUnusable)) throw error;
  }
}

/** The next state of the machine. A run that has promoted never mints again. */
function nextFor(run: Run | undefined, policy: Policy): Opened["next"] {
  const phase = run?.phase ?? "opened";
  if (phase === "promoting") return "PromoteVersion";
  if (phase === "revoked" || phase === "dead") return "ProveDead";
  if (promotedRun(run) !== undefined) return "CheckAdoption";
  return copiesOf(policy).length > 0 ? "CheckCopies" : "MintKey";
}

function openedFrom(record: SecretRecord, policy: Policy): Opened {
  return { outcome: "opened", next: nextFor(record.run, policy), fence: record.fence };
}

async function skip(
  { refusal, ...opening }: Opening & { readonly refusal: Refusal<OpenReason | "Stopped"> },
  deps: Deps,
): Promise<Opened> {
  const reason = refusalText(refusal);
  const opened: Opened = { outcome: "skipped", next: "MintKey", fence: opening.record.fence, reason };
  return remember({ ...opening, opened }, deps);
}

async function remember(
  { input, policy, record, opened }: Opening & { readonly opened: Opened },
  deps: Deps,
) {
  const { secretArn, rotationId, executionArn, trigger } = input;
  const retiringKeyId = record.run?.retiring.keyId;
  const stored = await deps.ledger.changeRotation({ secretArn, rotationId }, (known) => {
    if (known !== undefined) return known;
    return {
      ...{ rotationId, secretArn, executionArn, trigger, policy, opened, fence: opened.fence },
      openedAtMs: input.at,
      outcome: opened.outcome === "skipped" ? "skipped" : "running",
      ...(opened.reason !== undefined && { reason: opened.reason }),
      ...(opened.outcome === "opened" && retiringKeyId !== undefined && { retiringKeyId }),
    };
  });
  await deps.audit.append(secretArn, {
    id: `${rotationId}/open`,
    atMs: input.at,
    actor: rotationId,
    action: opened.outcome === "skipped" ? "RotationSkipped" : "RotationOpened",
    detail: { trigger, next: opened.next, ...(opened.reason !== undefined && { reason: opened.reason }) },
  });
  // The answer of an ended run with the same name does not count: AWS allows names to be reused after a time.
  return stored.opened.outcome === opened.outcome ? stored.opened : opened;
}
