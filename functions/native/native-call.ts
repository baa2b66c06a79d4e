import { InputInvalid, NeedsHuman } from "../../core/errors.ts";
import type { SecretArn, VersionId } from "../../core/ports.ts";
import { nativeRunOf } from "../../core/rotation/native.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import { commandsOf } from "../../stores/commands.ts";
import type { Deps } from "../deps.ts";
import { endLostRun } from "./end-lost-run.ts";

/** One call of Secrets Manager about one of its rotations. */
export interface NativeCall {
  readonly secretArn: SecretArn;
  /** The id of the rotation, and of the version that its key goes into. */
  readonly token: VersionId;
}

/** The ARN of this deployment's bridge, in the account and Region of the secret. */
export function bridgeArn(
  { secretArn }: Pick<NativeCall, "secretArn">,
  { environment }: Pick<Deps, "environment">,
) {
  const [, partition, , region, account] = secretArn.split(":");
  return `arn:${partition}:lambda:${region}:${account}:function:rekey-${environment}-native-bridge`;
}

/**
 * Asked before each step. Whoever may invoke this function could name any secret: it acts only where Secrets Manager
 * itself says that this is the rotation function, and that the token's version is the pending one. True if the rotation
 * is over, because the version is current already.
 */
export async function isOver(call: NativeCall, deps: Deps): Promise<boolean> {
  const { secretArn, token } = call;
  const rotation = await deps.store.nativeRotation(secretArn);
  if (rotation?.isEnabled !== true || rotation.functionArn !== bridgeArn(call, deps))
    throw new InputInvalid(
      `Secrets Manager does not name this function as the rotation function of ${secretArn}`,
    );
  const { current, pending } = await deps.store.versionsInUse(secretArn);
  if (current === token) return true;
  if (pending?.versionId === token) return false;
  const record = await deps.ledger.secret(secretArn);
  if (record.lease?.runId === nativeRunOf(token))
    await endLostRun(record, { nowMs: deps.clock.nowMs(), deps });
  throw new InputInvalid(`version ${token} is not pending: this rotation was ended, press the button again`);
}

export interface RunSeen {
  readonly record: SecretRecord;
  readonly rotation: RotationRecord | undefined;
  /** The run of this token holds the secret. */
  readonly isHeld: boolean;
}

/** How the run of this token stands. Throws if it has ended without a promotion. */
export async function lookAtRun(call: NativeCall, deps: Pick<Deps, "ledger">): Promise<RunSeen> {
  const { secretArn, token } = call;
  const rotationId = nativeRunOf(token);
  const [record, rotation] = await Promise.all([
    deps.ledger.secret(secretArn),
    deps.ledger.rotation(secretArn, rotationId),
  ]);
  const isHeld = record.lease?.runId === rotationId;
  const isEnded = rotation !== undefined && rotation.outcome !== "running";
  if (isEnded && !isHeld) throw new NeedsHuman(`${whyEnded(rotation)}; ${cleanUp(call)}`);
  return { record, rotation, isHeld };
}

function whyEnded({ rotationId, outcome, reason }: RotationRecord): string {
  return `rotation ${rotationId} ended ${outcome}${reason === undefined ? "" : `: ${reason}`}`;
}

/** A version that stays pending makes Secrets Manager refuse every later rotation. */
export function cleanUp({ secretArn, token: versionId }: NativeCall): string {
  const command = commandsOf(secretArn).endPending({ secretArn, versionId });
  return `free the version with \`${command}\`, then rotate again`;
}

const pollMs = 1_000;
/** Secrets Manager waits for a step as long as its function may run, which is 15 minutes at most. */
const stepMaxMs = 13 * 60_000;

interface Waiting<Answer> {
  readonly what: string;
  readonly deps: Deps;
  /** Of a run that was just started, and may end before it holds the secret. */
  readonly executionArn?: string | undefined;
  answer(seen: RunSeen): Answer | undefined;
}

/** Looks until there is an answer. The next try of Secrets Manager, with the same token, goes on where this one ended. */
export async function waitFor<Answer>(call: NativeCall, waiting: Waiting<Answer>): Promise<Answer> {
  const { what, deps, answer } = waiting;
  const runId = nativeRunOf(call.token);
  const untilMs = deps.clock.nowMs() + stepMaxMs;
  while (deps.clock.nowMs() < untilMs) {
    const seen = await lookAtRun(call, deps);
    const found = answer(seen);
    if (found !== undefined) return found;
    if (!seen.isHeld && (await hasDied(waiting)))
      throw new NeedsHuman(`rotation ${runId} did not open: \`rekey history\` says why; ${cleanUp(call)}`);
    await deps.clock.pause(pollMs);
  }
  throw new NeedsHuman(`${what} was not reached in time; the rotation goes on: rekey watch ${runId}`);
}

async function hasDied({
  executionArn,
  deps,
}: Pick<Waiting<unknown>, "executionArn" | "deps">): Promise<boolean> {
  if (executionArn === undefined) return false;
  return (await deps.executions.describe(executionArn)).status !== "RUNNING";
}
