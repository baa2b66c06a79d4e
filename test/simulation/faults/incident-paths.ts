import type { PlannedAlert, PlannedIncident } from "../plan/incident-plan.ts";
import type { Happening } from "../plan/plan.ts";
import { at, type CrashPath, pathPlan, rotateAt, withoutMint } from "./crash-paths.ts";

/** The consumer has not moved when the leak is reported, so the rotation is under way. */
const rotationUnderWay: readonly Happening[] = [
  at(0, { kind: "freeze", consumer: 0 }),
  rotateAt(100),
  at(8_000, { kind: "thaw", consumer: 0 }),
];

/** Together they reach every function of the compromise machine, and take over a rotation in each of its parts. */
export const incidentPaths: Readonly<Record<string, CrashPath>> = {
  "a public leak, quarantined first": {
    machine: "compromise",
    plan: pathPlan({
      secret: { scopes: ["api.model.read", "api.model.request"] },
      incident: leakOf("current", { atMs: 500 }),
      capabilities: { quarantineContains: true },
      activateMs: 2_000,
      dieMs: 3_000,
    }),
  },
  "the retiring key, on suspicion": {
    machine: "compromise",
    plan: pathPlan({
      happenings: rotationUnderWay,
      incident: leakOf("retiring", { atMs: 600, phase: "promoted", exposure: "private" }),
    }),
  },
  "the incoming key before its promotion": {
    machine: "compromise",
    plan: pathPlan({
      happenings: [rotateAt(100)],
      incident: leakOf("pending", { atMs: 500, phase: "staged" }),
      activateMs: 4_000,
    }),
  },
  "the key that a rotation has just promoted": {
    machine: "compromise",
    plan: pathPlan({
      happenings: rotationUnderWay,
      incident: leakOf("current", { atMs: 600, phase: "promoted" }),
    }),
  },
  "an opening and a containment that fail, and a key from a person": {
    machine: "compromise",
    plan: pathPlan({
      secret: withoutMint(),
      happenings: [at(0, { kind: "supply" })],
      incident: reportedAgain(leakOf("current", { atMs: 500 }), 10_000),
    }),
    fails: ["open-incident", "contain-key"],
  },
};

interface Leak {
  readonly atMs: number;
  readonly phase?: string;
  readonly exposure?: PlannedAlert["exposure"];
}

function leakOf(key: PlannedIncident["key"], leak: Leak): PlannedIncident {
  const { atMs, phase, exposure = "public" } = leak;
  const alert: PlannedAlert = {
    ...{ afterMs: 0, kind: "start", source: "trufflehog", sourceId: "finding-1", exposure },
    noticedAgoMs: undefined,
  };
  return {
    ...{ atMs, key, phase, secret: 0, identity: "fingerprint", alerts: [alert] },
    ...{ containByMs: 30_000, escalateAfterMs: 60_000 },
  };
}

/** Another sender reports the same key, so long after the first. */
export function reportedAgain(incident: PlannedIncident, afterMs: number): PlannedIncident {
  const again = incident.alerts.slice(0, 1).map((first) => ({
    ...first,
    ...{ afterMs, source: "gitguardian" as const, sourceId: `gitguardian-${afterMs}` },
  }));
  return { ...incident, alerts: [...incident.alerts, ...again] };
}
