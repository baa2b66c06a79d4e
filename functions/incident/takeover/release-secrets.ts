import { whyNotClose } from "../../../core/incident/plan.ts";
import type { IncidentRecord, SecretInScope } from "../../../core/incident/record.ts";
import { closeRun, giveUp, oweRun } from "../../../core/rotation/lease.ts";
import { debtKindIn } from "../../../core/rotation/retiring.ts";
import {
  incidentWith,
  isBeforePromotion,
  promotedRun,
  type Run,
  type SecretRecord,
  type Ticket,
} from "../../../core/rotation/secret-record.ts";
import type { DeathRecord } from "../../../ledger/entries.ts";
import type { Deps } from "../../deps.ts";
import { noteRun } from "../../secret/run-record.ts";

/**
 * Releases every secret. If the replacement is current and the key is dead, nothing is owed. Otherwise the
 * next rotation of that secret resumes what is left, instead of refusing because of a retired key.
 */
export async function releaseSecrets(
  release: { readonly record: IncidentRecord; readonly atMs: number; readonly reason: string },
  deps: Deps,
): Promise<void> {
  for (const secret of release.record.secrets) {
    if (secret.fence !== undefined) await releaseOne({ ...release, secret, fence: secret.fence }, deps);
  }
}

/** For a secret that the incident's record does not list, because the function died right after taking it. */
export async function releaseLease(
  release: Pick<Releasing, "record" | "atMs" | "reason" | "fence"> & { readonly secretArn: string },
  deps: Deps,
): Promise<void> {
  const { record, secretArn } = release;
  const known = record.secrets.find((secret) => secret.secretArn === secretArn);
  await releaseOne({ ...release, secret: known ?? { secretArn } }, deps);
}

interface Releasing {
  readonly record: IncidentRecord;
  readonly atMs: number;
  readonly reason: string;
  readonly secret: Released;
  readonly fence: number;
}

type Released = Pick<SecretInScope, "secretArn"> &
  Partial<Pick<SecretInScope, "incomingKeyId" | "incomingVersionId">>;

async function releaseOne(releasing: Releasing, deps: Deps): Promise<void> {
  const { record, atMs, reason, secret, fence } = releasing;
  const { secretArn } = secret;
  const stored = await deps.ledger.secret(secretArn);
  const isOurs = incidentWith(stored) === record.incidentId && stored.fence === fence;
  if (!isOurs || stored.lease === undefined || stored.run === undefined) return;
  const ticket: Ticket = { secretArn, rotationId: stored.lease.runId, fence };

  const ending = endingOf(record, stored);
  await settleDebt({ releasing, run: stored.run, ending }, deps);
  const death = deathOf(record, stored.run.retiring.keyId);
  const outcome = ending === "contained" ? ending : ("needsHuman" as const);
  // The function that took the secret may have died before it recorded its run.
  const isNoted = (await deps.ledger.rotation(secretArn, ticket.rotationId)) !== undefined;
  if (isNoted)
    await noteRun(
      {
        ticket,
        note: {
          outcome,
          closedAtMs: atMs,
          reason,
          ...incomingOf(secret),
          ...(death && { death }),
        },
      },
      deps,
    );
  await deps.ledger.changeSecret(secretArn, (now) => {
    if (now.lease?.runId !== ticket.rotationId || now.fence !== fence) return now;
    switch (ending) {
      case "contained":
        return closeRun(now, ticket);
      case "undone":
        return closeRun(giveUp(now, ticket), ticket);
      case "owed":
        return oweRun(now, ticket, { reason });
    }
  });
}

type Ending = "contained" | "undone" | "owed";

/** A false alarm before anything was promoted or contained leaves nothing to finish. */
function endingOf(record: IncidentRecord, { run }: SecretRecord): Ending {
  const isFalse = record.status === "falseAlarm";
  if (promotedRun(run) !== undefined && whyNotClose(record) === undefined && !isFalse) return "contained";
  const isUntouched = record.keys.every(({ state }) => state === "waiting" || state === "needsPerson");
  return isFalse && isUntouched && run !== undefined && isBeforePromotion(run) ? "undone" : "owed";
}

async function settleDebt(
  { releasing, run, ending }: { readonly releasing: Releasing; readonly run: Run; readonly ending: Ending },
  deps: Deps,
): Promise<void> {
  const { atMs, reason, secret } = releasing;
  const { secretArn } = secret;
  const { keyId, versionId } = run.retiring;
  switch (ending) {
    case "contained":
      await deps.store.unpin({ secretArn, versionId });
      await deps.ledger.removeDebt({ secretArn, keyId, kind: "RevokeOwed" });
      await deps.ledger.removeDebt({ secretArn, keyId, kind: "DeathUnproven" });
      return;
    case "undone":
      if (run.phase === "opened") return;
      await deps.store.discard({ secretArn, versionId: run.incoming.versionId });
      return;
    case "owed": {
      const debt = { kind: debtKindIn(run.phase), secretArn, keyId, versionId };
      await deps.ledger.putDebt({ ...debt, rotationId: run.rotationId, reason, sinceMs: atMs });
    }
  }
}

function incomingOf({ incomingKeyId, incomingVersionId }: Released) {
  return {
    ...(incomingKeyId !== undefined && { incomingKeyId }),
    ...(incomingVersionId !== undefined && { incomingVersionId }),
  };
}

function deathOf({ keys }: IncidentRecord, keyId: string | undefined): DeathRecord | undefined {
  const key = keys.find((each) => each.keyId === keyId);
  if (key?.keyId === undefined || key.deadAtMs === undefined || key.fingerprint === undefined)
    return undefined;
  const { fingerprint, probes, deadAtMs, acceptedAtMs = deadAtMs, how } = key;
  return {
    ...{ keyId: key.keyId, fingerprint, probes, deadAtMs, revokedAtMs: acceptedAtMs },
    how: how === "listing" ? "listing" : "refused",
  };
}
