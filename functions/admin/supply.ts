import * as z from "zod";
import { KeyIdUnknown, KeyShared, RotationError } from "../../core/errors.ts";
import { isSpent } from "../../core/keys.ts";
import type { Policy } from "../../core/policy.ts";
import type { KeyProvider, VersionId } from "../../core/ports.ts";
import { claimAttempt, markMinted, markStaged } from "../../core/rotation/incoming.ts";
import {
  assertHolder,
  type PlacedKey,
  type SecretRecord,
  type Ticket,
  type Wait,
} from "../../core/rotation/secret-record.ts";
import { endWait } from "../../core/rotation/wait.ts";
import type { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { reportKeyOf } from "../../events/report-proof.ts";
import { assertKeyOf } from "../../providers/key-of.ts";
import { keyIn } from "../../stores/value.ts";
import type { AdminDeps } from "../deps.ts";
import { keyNamed } from "../secret/named-key.ts";
import { policyOf } from "../secret/run-record.ts";
import { sharedWith } from "../secret/shared-key.ts";
import { adminCommand, type Caller, type RefusedAnswer, refused } from "./command.ts";
import { secretText } from "./inputs.ts";
import { whichSecret } from "./which-secret.ts";

/**
 * A person put the incoming key into the store, as a pending version. From now on it counts as minted and
 * staged, and the waiting machine goes on. The request names only the version, never the key.
 */
export const supply = adminCommand({
  input: z.strictObject({
    command: z.literal("supply"),
    secret: secretText,
    versionId: z.string().regex(/^[\w-]{32,64}$/),
    /** Needed if the provider shows nothing by which the key can be found. */
    keyId: z.string().min(1).max(256).optional(),
  }),
  run: async ({ input, caller }, deps) => {
    const found = await whichSecret(input.secret, deps);
    if ("refusal" in found) return found.refusal;
    const { secretArn, name } = found.policy;
    const record = await deps.ledger.secret(secretArn);
    const waiting = waitingFor(record);
    if (waiting === undefined) return nobodyWaits(name, record);
    const { ticket, wait } = waiting;
    if (record.run?.phase === "staged") {
      const isSame = record.run.incoming.versionId === input.versionId;
      return isSame
        ? goOn({ ticket, wait, incoming: record.run.incoming, name }, deps)
        : suppliedBefore(name);
    }
    try {
      const policy = await policyOf(ticket, deps);
      const incoming = await recognise({ policy, record, ...input }, deps);
      await keep({ ticket, incoming, caller }, deps);
      return await goOn({ ticket, wait, incoming, name }, deps);
    } catch (error) {
      if (!(error instanceof RotationError) || error.retry === "later") throw error;
      await deps.store.discard({ secretArn, versionId: input.versionId });
      return refused({
        reason: error.name,
        detail: error.message,
        hint: "supply another key: this one was put aside",
      });
    }
  },
});

interface Waiting {
  readonly ticket: Ticket;
  readonly wait: Wait;
}

function waitingFor({ secretArn, wait, lease, run, fence }: SecretRecord): Waiting | undefined {
  if (wait?.decision !== "supply" || lease === undefined || run?.aborted !== undefined) return undefined;
  return { wait, ticket: { secretArn, rotationId: lease.runId, fence } };
}

function nobodyWaits(name: string, { lease }: SecretRecord): RefusedAnswer {
  const hint =
    lease === undefined
      ? `start a rotation with \`rekey rotate ${name}\``
      : `see \`rekey watch ${lease.runId}\``;
  return refused({ reason: "NoKeyWanted", detail: `no rotation of ${name} waits for a key`, hint });
}

function suppliedBefore(name: string): RefusedAnswer {
  return refused({ reason: "SuppliedBefore", detail: `another key was supplied for ${name} already` });
}

interface Arrival {
  readonly policy: Policy;
  readonly record: SecretRecord;
  readonly versionId: VersionId;
  readonly keyId?: string | undefined;
}

/** Which key at the provider the version holds. Throws if that key must not become current. */
async function recognise({ policy, record, versionId, keyId }: Arrival, deps: AdminDeps): Promise<PlacedKey> {
  const { secretArn } = policy;
  const { text } = await deps.store.read(secretArn, versionId);
  const secret = keyIn(text, policy.field);
  assertKeyOf(policy.provider.kind, secret);
  const fingerprint = fingerprintOf(secret);
  const history = await deps.ledger.keys(secretArn);
  const isRetiring = record.run?.retiring.fingerprint === fingerprint;
  const isOld =
    record.keys.some((key) => key.fingerprint === fingerprint && isSpent(key)) ||
    history.some(
      (key) => key.fingerprint === fingerprint && (key.state === "revoked" || key.state === "dead"),
    );
  if (isRetiring || isOld) throw new KeyShared("this is a key that the secret has, or had, already");
  const others = await sharedWith({ fingerprint, secretArn }, deps);
  if (others.length > 0) throw new KeyShared(`this key is also held by ${others.join(", ")}`);
  const known = {
    keyId: await idAtProvider({ secret, keyId }, deps.provider(policy)),
    versionId,
    fingerprint,
  };
  await deps.ledger.putHolder({ ...known, secretArn, role: "rotated", reportKey: reportKeyOf(secret) });
  return known;
}

async function idAtProvider(
  { secret, keyId }: { readonly secret: Secret; readonly keyId: string | undefined },
  provider: KeyProvider,
): Promise<string> {
  if (keyId !== undefined) {
    if ((await keyNamed({ keyId, secret }, provider)) !== undefined) return keyId;
    throw new KeyIdUnknown(`the provider does not list key ${keyId}`);
  }
  const candidates = await provider.candidates(secret);
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only.keyId;
  throw new KeyIdUnknown(
    only === undefined
      ? "the provider lists no key that could be this one: is it another project's?"
      : `${candidates.length} keys at the provider look like this one: name it with --key-id`,
  );
}

async function keep(
  {
    ticket,
    incoming,
    caller,
  }: { readonly ticket: Ticket; readonly incoming: PlacedKey; readonly caller: Caller },
  deps: AdminDeps,
): Promise<void> {
  const { secretArn } = ticket;
  await deps.ledger.changeSecret(secretArn, (record) => {
    const claimed = claimAttempt(record, ticket);
    const { attempt } = assertHolder(claimed, ticket);
    const { keyId, fingerprint } = incoming;
    return markStaged(markMinted(claimed, ticket, { attempt, keyId, fingerprint }), ticket, {
      attempt,
      incoming,
    });
  });
  await deps.audit.append(secretArn, {
    id: `${caller.requestId}/supply`,
    atMs: caller.atMs,
    actor: caller.principal,
    action: "KeySupplied",
    detail: { ...incoming, rotationId: ticket.rotationId },
  });
}

async function goOn(
  arrived: Waiting & { readonly incoming: PlacedKey; readonly name: string },
  deps: AdminDeps,
) {
  const { ticket, wait, incoming, name } = arrived;
  const { keyId, versionId, fingerprint } = incoming;
  const callback = await deps.executions.succeed(wait.token, {
    outcome: "staged",
    keyId,
    versionId,
    fingerprint,
  });
  await deps.ledger.changeSecret(ticket.secretArn, (now) =>
    now.wait?.token === wait.token ? endWait(now) : now,
  );
  return {
    outcome: "supplied",
    name,
    secretArn: ticket.secretArn,
    rotationId: ticket.rotationId,
    keyId,
    versionId,
    callback,
  };
}
