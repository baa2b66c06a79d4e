import * as z from "zod";
import { RotationError } from "../../core/errors.ts";
import { grouped } from "../../core/grouped.ts";
import { deadlineOf } from "../../core/incident/plan.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import { isOver } from "../../core/incident/status.ts";
import type { Policy } from "../../core/policy.ts";
import { debtKindIn } from "../../core/rotation/retiring.ts";
import { currentKey, type SecretRecord } from "../../core/rotation/secret-record.ts";
import { debtForSuperseded, supersededKeys } from "../../core/rotation/superseded.ts";
import { isStillOwed } from "../../core/rotation/sweep.ts";
import type { Debt } from "../../ledger/entries.ts";
import type { Deps, With } from "../deps.ts";
import { finishUndo } from "../incident/containment/undo-containment.ts";
import { metricLine } from "../metrics.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { destinations } from "../wiring/parts/destinations.ts";
import { escalator } from "../wiring/parts/escalator.ts";
import { schedules } from "../wiring/parts/schedules.ts";
import { certifyOwed } from "./certify-owed.ts";
import { liftEndedStops } from "./lift-ended-stops.ts";
import { type AccountFindings, sweepAccount } from "./sweep-account.ts";
import { sweepIncident } from "./sweep-incident.ts";
import { sweepSchedules } from "./sweep-schedules.ts";
import { type SecretFindings, sweepSecret } from "./sweep-secret.ts";
import type { Swept } from "./swept.ts";

/**
 * Compares the providers' lists with the ledger and the store, and cleans up after crashes. Every part may be
 * repeated, and a failure of one secret or account does not stop the others.
 */
export const sweep = step({
  name: "sweep",
  input: z.object({ dryRun: z.boolean().optional(), time: stampedAt.optional() }),
  run: async (
    { dryRun = false, time },
    deps: With<"escalator" | "destinations" | "schedules">,
  ): Promise<Swept> => {
    const nowMs = time ?? deps.clock.nowMs();
    const policies = await deps.ledger.policies();
    const secrets: SecretFindings[] = [];
    const accounts: AccountFindings[] = [];
    let failed = 0;
    let settled = 0;
    const attempt = async (about: About, work: () => Promise<unknown>) => {
      if ((await trying(work, { about, deps })) === "failed") failed += 1;
    };
    const incidents = await deps.ledger.incidents.incidents();
    // Before the secrets: settling an incident releases those that it holds.
    for (const incident of incidents) {
      const { incidentId, status } = incident;
      await attempt({ incidentId }, async () => {
        if (!isOver(status)) settled += await sweepIncident({ incident, nowMs, dryRun }, deps);
        // After the machine has ended only the sweep completes an undo. Most of these incidents are over.
        if (!dryRun) await finishUndo({ record: incident, nowMs, forMs: calledOffForMs }, deps);
      });
    }
    if (!dryRun) await attempt({ secretArn: "stops" }, () => liftEndedStops({ policies, nowMs }, deps));
    let schedulesOff = 0;
    await attempt({ secretArn: "schedules" }, async () => {
      schedulesOff = await sweepSchedules({ policies, nowMs, dryRun }, deps);
    });
    for (const policy of policies) {
      await attempt({ secretArn: policy.secretArn }, async () =>
        secrets.push(await sweepSecret({ policy, nowMs, dryRun }, deps)),
      );
    }
    for (const group of accountsIn(policies)) {
      const secretArn = group[0]?.secretArn ?? "";
      const account = { policies: group, nowMs, dryRun };
      await attempt({ secretArn }, async () => accounts.push(await sweepAccount(account, deps)));
    }
    const debts = await openDebts({ policies, nowMs, dryRun }, deps);
    if (!dryRun) await attempt({ secretArn: "certificates" }, () => certifyOwed({ debts, nowMs }, deps));
    const overdueMs = await oldestPastPolicyMs({ policies, accounts, nowMs }, deps);
    const found = sum(secrets);
    const swept = {
      ...{ ...found, settled: found.settled + settled },
      ...{ ...sumOf(accounts), openDebt: debts.length, schedulesOff, failed },
    };
    logMetrics({ swept, accounts, debts, incidents, overdueMs, nowMs }, deps);
    return { outcome: dryRun ? "wouldSweep" : "swept", secrets: policies.length, ...swept };
  },
});

export const handler = onLambda(sweep, wiring({ escalator, destinations, schedules }));

/** Long enough for some sweeps, and short enough not to overwrite what people do to the key later. */
const calledOffForMs = 3_600_000;

type About = { readonly secretArn: string } | { readonly incidentId: string };

async function trying(
  work: () => Promise<unknown>,
  { about, deps }: { readonly about: About; readonly deps: Deps },
): Promise<"done" | "failed"> {
  try {
    await work();
    return "done";
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    deps.log({ step: "sweep", ...about, outcome: "failed", error: error.name, reason: error.message });
    return "failed";
  }
}

/** Policies with the same provider, account and settings share one listing. */
function accountsIn(policies: readonly Policy[]): readonly (readonly Policy[])[] {
  return [...grouped(policies, ({ provider }) => JSON.stringify(provider)).values()];
}

function sum(findings: readonly SecretFindings[]) {
  const total = { settled: 0, labels: 0, spent: 0, resumed: 0, astray: 0 };
  for (const one of findings) {
    total.settled += one.settled;
    total.labels += one.labels;
    total.spent += one.spent;
    total.resumed += one.resumed;
    total.astray += one.astray;
  }
  return total;
}

function sumOf(findings: readonly AccountFindings[]) {
  const total = { strays: 0, discarded: 0, unrecorded: 0 };
  for (const one of findings) {
    total.strays += one.strays;
    total.discarded += one.discarded;
    total.unrecorded += one.unrecorded.length;
  }
  return total;
}

interface Sweep {
  readonly policies: readonly Policy[];
  readonly nowMs: number;
  readonly dryRun: boolean;
}

/** Rewrites the stored debts from the items: a paid debt is removed, and a missing one is added. */
async function openDebts({ policies, nowMs, dryRun }: Sweep, deps: Deps): Promise<readonly Debt[]> {
  const records = new Map<string, SecretRecord>();
  for (const { secretArn } of policies) records.set(secretArn, await deps.ledger.secret(secretArn));
  const stored = await deps.ledger.debts();
  const open: Debt[] = [];
  for (const debt of stored) {
    const record = records.get(debt.secretArn);
    if (record === undefined || isStillOwed(record, debt)) open.push(debt);
    else if (!dryRun) await deps.ledger.removeDebt(debt);
  }
  for (const said of [...records.values()].flatMap((record) => debtsOf(record, nowMs))) {
    const isSame = ({ keyId, secretArn }: Debt) => keyId === said.keyId && secretArn === said.secretArn;
    if (open.some(isSame)) continue;
    // If the debt was removed only because its kind changed (RevokeOwed to DeathUnproven), keep its original
    // start time.
    const before = stored.find(isSame);
    const debt = { ...said, sinceMs: before?.sinceMs ?? said.sinceMs };
    if (!dryRun) await deps.ledger.putDebt(debt);
    open.push(debt);
  }
  return open;
}

/** What the item itself says: the function that should have stored the debt may have died. */
function debtsOf(record: SecretRecord, sinceMs: number): readonly Debt[] {
  const { secretArn, run, fenced } = record;
  const owner = { secretArn, rotationId: fenced?.rotationId ?? "unknown" };
  const left = supersededKeys(record).map((key) => ({ ...debtForSuperseded(key, owner), sinceMs }));
  if (run?.owed === undefined) return left;
  const { rotationId, owed, retiring, phase } = run;
  const { keyId, versionId } = retiring;
  return [{ kind: debtKindIn(phase), secretArn, keyId, versionId, rotationId, ...owed, sinceMs }, ...left];
}

async function oldestPastPolicyMs(
  view: {
    readonly policies: readonly Policy[];
    readonly accounts: readonly AccountFindings[];
    readonly nowMs: number;
  },
  deps: Deps,
): Promise<number> {
  const madeAt = new Map<string, number>();
  for (const { keyId, createdAtMs } of view.accounts.flatMap(({ listed }) => listed))
    if (createdAtMs !== undefined) madeAt.set(keyId, createdAtMs);
  let oldestMs = 0;
  for (const { secretArn, maxAgeMs, mode } of view.policies) {
    const keyId = currentKey(await deps.ledger.secret(secretArn))?.keyId;
    const createdAtMs = keyId === undefined ? undefined : madeAt.get(keyId);
    if (mode === "rotate" && createdAtMs !== undefined)
      oldestMs = Math.max(oldestMs, view.nowMs - createdAtMs - maxAgeMs);
  }
  return oldestMs;
}

interface Told {
  readonly swept: Pick<Swept, "strays" | "openDebt" | "astray" | "schedulesOff">;
  readonly accounts: readonly AccountFindings[];
  readonly debts: readonly Debt[];
  readonly incidents: readonly IncidentRecord[];
  readonly overdueMs: number;
  readonly nowMs: number;
}

const keysToldMax = 20;

/**
 * Writes the metrics for the alarms, even without any policy: the alarms treat missing metrics as a stopped
 * sweep.
 */
function logMetrics({ swept, accounts, debts, incidents, overdueMs, nowMs }: Told, deps: Deps): void {
  const open = incidents.filter(({ status, test }) => !test && !isOver(status));
  for (const { keyId, name } of accounts.flatMap(({ unrecorded }) => unrecorded).slice(0, keysToldMax))
    deps.log({ step: "sweep", outcome: "unrecordedKey", keyId, name });
  const metrics = {
    OpenDebt: swept.openDebt,
    Strays: swept.strays,
    CopiesAstray: swept.astray,
    SchedulesOff: swept.schedulesOff,
    OldestKeyAgePastPolicy: Math.round(overdueMs / 1000),
    OpenIncidents: open.length,
    IncidentsPastDeadline: open.filter((incident) => deadlineOf(incident, nowMs) === "missed").length,
    RotationsOverdue: debts.filter(({ error }) => error === "AdoptionOverdue").length,
  };
  const { environment } = deps;
  deps.log({
    ...{ step: "sweep", outcome: "metric" },
    ...metricLine({ environment, atMs: nowMs, metrics }),
  });
}
