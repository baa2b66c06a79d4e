import type { IncidentRecord, KeyInScope, SecretInScope } from "../../../core/incident/record.ts";

export const minute = 60_000;
export const openedAtMs = 100 * minute;
export const word = { by: "ada", reason: "sure", atMs: openedAtMs };
export const match = { by: "fingerprint" as const, text: "sha256:1" };

export function keyWith(facts: Partial<KeyInScope> = {}): KeyInScope {
  return { keyId: "k1", standing: "current", state: "waiting", probes: 0, refusals: 0, ...facts };
}

export function secretWith(facts: Partial<SecretInScope> = {}): SecretInScope {
  return {
    ...{ secretArn: "arn:1", name: "billing", environment: "production", standing: "current" },
    ...{ replacement: "pending", behind: [], moved: [] },
    ...facts,
  };
}

export function incident(facts: Partial<IncidentRecord> = {}): IncidentRecord {
  return {
    ...{
      incidentId: "i-1",
      subject: "key/main/k1",
      status: "open",
      seq: 3,
      starts: 1,
      test: false,
      checklist: [],
    },
    ...{ plan: "contain-first", planWhy: "seen in public", match },
    ...{ detectedAtMs: openedAtMs, receivedAtMs: openedAtMs, openedAtMs, takenUpAtMs: openedAtMs },
    ...{ deadlineAtMs: openedAtMs + 15 * minute, escalateAtMs: openedAtMs + 5 * minute },
    containByMs: openedAtMs + 10 * minute,
    ...{ keys: [keyWith()], secrets: [secretWith()] },
    ...{ alerts: [], timeline: [], notes: [], pages: [], waits: [], reports: [] },
    ...facts,
  };
}
