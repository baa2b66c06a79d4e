import type { Run, Wait } from "../../core/rotation/secret-record.ts";
import type { RotationOutcome } from "../../ledger/entries.ts";
import type { StateMark } from "../shown.ts";

/** For each phase the states that were passed to reach it, beyond those of the phase before, and the one at work. */
const stages: readonly {
  readonly phases: readonly Run["phase"][];
  readonly passed: readonly string[];
  readonly at: string;
}[] = [
  { phases: ["opened"], passed: ["OpenRotation", "IsOpened"], at: "MintKey" },
  { phases: ["staged"], passed: ["MintKey", "IsKeyHere"], at: "ProveIncoming" },
  { phases: ["proven", "promoting"], passed: ["ProveIncoming"], at: "PromoteVersion" },
  { phases: ["promoted"], passed: ["PromoteVersion", "Announce", "NudgeConsumers"], at: "CheckAdoption" },
  {
    phases: ["quarantined"],
    passed: ["CheckAdoption", "HasEveryoneMoved", "QuarantineKey", "IsQuarantined"],
    at: "SoakQuarantine",
  },
  { phases: ["revoking"], passed: ["CheckAdoption", "HasEveryoneMoved"], at: "RevokeKey" },
  { phases: ["revoked"], passed: ["RevokeKey", "IsRevoked"], at: "ProveDead" },
  { phases: ["dead"], passed: ["ProveDead", "IsDead"], at: "CloseRotation" },
];

const ends: Readonly<Record<Exclude<RotationOutcome, "running">, string>> = {
  rotated: "Rotated",
  retained: "Retained",
  rolledBack: "RolledBack",
  skipped: "Skipped",
  superseded: "Superseded",
  contained: "Superseded",
  needsHuman: "NeedsHuman",
};

interface Progress {
  readonly run: Run | undefined;
  readonly wait: Wait | undefined;
  readonly outcome: RotationOutcome;
}

/** How far the machine is, from the ledger alone: the ledger does not say which way a closed run took to its end. */
export function marksOf({ run, wait, outcome }: Progress): Readonly<Record<string, StateMark>> {
  if (outcome === "retained") {
    const before = stages.findIndex(({ phases }) => phases.includes("quarantined"));
    const kept = ["CheckAdoption", "HasEveryoneMoved", "KeepRetiring", "Retained"];
    const names = [...stages.slice(0, before).flatMap((stage) => stage.passed), ...kept];
    return Object.fromEntries(names.map((name) => [name, "done"]));
  }
  if (outcome === "rotated") {
    const passed = stages.filter(({ phases }) => !phases.includes("quarantined"));
    const names = [...passed.flatMap((stage) => stage.passed), "CloseRotation", "Rotated"];
    return Object.fromEntries(names.map((name) => [name, "done"]));
  }
  const reached =
    run === undefined ? undefined : stages.findIndex(({ phases }) => phases.includes(run.phase));
  const stage = reached === undefined ? undefined : stages[reached];
  const passed = stages
    .slice(0, (reached ?? -1) + 1)
    .filter(({ phases }) => run?.phase === "quarantined" || !phases.includes("quarantined"))
    .flatMap((each) => each.passed);
  const marks = Object.fromEntries(passed.map((name): [string, StateMark] => [name, "done"]));
  if (outcome === "running") return { ...marks, ...atWork(stage?.at ?? "OpenRotation", wait) };
  const isFailure = outcome === "needsHuman" || outcome === "rolledBack";
  return {
    ...marks,
    ...(stage !== undefined && { [stage.at]: "caught" as const }),
    ...(outcome === "skipped" ? { OpenRotation: "caught" as const } : { SettleRotation: "done" as const }),
    [ends[outcome]]: isFailure ? "failed" : "done",
  };
}

function atWork(state: string, wait: Wait | undefined): Readonly<Record<string, StateMark>> {
  if (wait === undefined) return { [state]: "running" };
  if (wait.decision === "supply") return { MintKey: "done", IsKeyHere: "done", AwaitKey: "running" };
  return { CheckAdoption: "done", HasEveryoneMoved: "done", AwaitEvidence: "running" };
}
