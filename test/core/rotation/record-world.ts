import type { LedgerKey } from "../../../core/keys.ts";
import type { PlacedKey, Run, SecretRecord, Ticket } from "../../../core/rotation/secret-record.ts";

export const secretArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing-AbCdEf";
export const ticket: Ticket = { secretArn, rotationId: "r-1", fence: 7 };
export const late: Ticket = { ...ticket, fence: 6 };
export const retiring: PlacedKey = { keyId: "key-1", versionId: "v-1", fingerprint: "sha256:1" };
export const incoming: PlacedKey = { keyId: "key-2", versionId: "v-2", fingerprint: "sha256:2" };

export const retiringKey: LedgerKey = { ...retiring, name: "by hand", state: "current" };
export const incomingKey: LedgerKey = {
  ...incoming,
  name: "rekey/r-1/1",
  state: "staged",
  rotationId: "r-1",
  attempt: 1,
};

const base = { rotationId: "r-1", attempt: 1, retiring } as const;
const times = { promotedAtMs: 1_000, deadlineAtMs: 9_000 };

export const runs = {
  opened: { ...base, phase: "opened" },
  staged: { ...base, phase: "staged", incoming },
  proven: { ...base, phase: "proven", incoming },
  promoting: { ...base, phase: "promoting", incoming },
  promoted: { ...base, phase: "promoted", incoming, ...times },
  quarantined: { ...base, phase: "quarantined", incoming, ...times, quarantinedAtMs: 2_000 },
  revoking: { ...base, phase: "revoking", incoming, ...times },
  revoked: { ...base, phase: "revoked", incoming, ...times, revokedAtMs: 3_000 },
  dead: { ...base, phase: "dead", incoming, ...times, revokedAtMs: 3_000 },
} as const satisfies Readonly<Record<string, Run>>;

export type Phase = keyof typeof runs;
export const phases = Object.keys(runs) as Phase[];
export const phasesBefore: readonly Phase[] = ["opened", "staged", "proven"];
export const promotedPhases: readonly Phase[] = ["promoted", "quarantined", "revoking", "revoked", "dead"];

const isPromoted = (phase: Phase) => promotedPhases.includes(phase);

/** A secret whose run `r-1` holds the lease and has come to this phase. */
export function recordIn(phase: Phase, change: Partial<SecretRecord> = {}): SecretRecord {
  return {
    secretArn,
    fence: ticket.fence,
    seq: 40,
    ended: [],
    lease: { runId: "r-1", kind: "rotation", executionArn: "arn:execution:r-1" },
    run: runs[phase],
    keys: [
      { ...retiringKey, state: isPromoted(phase) ? "retiring" : "current" },
      ...(phase === "opened"
        ? []
        : [{ ...incomingKey, state: isPromoted(phase) ? ("current" as const) : ("staged" as const) }]),
    ],
    ...change,
  };
}

export function stateOf(record: SecretRecord, keyId: string): string | undefined {
  return record.keys.find((key) => key.keyId === keyId)?.state;
}
