import { sayReason, sayWanted } from "../../core/adoption/reason-text.ts";
import type { Policy } from "../../core/policy.ts";
import { currentKey, promotedRun, type SecretRecord } from "../../core/rotation/secret-record.ts";
import type { DeathRecord, Debt, GateAnswer, RotationRecord } from "../../ledger/entries.ts";
import { latest, stateOf } from "../../ledger/standing.ts";
import { commandFor, commandLine } from "../command-line.ts";
import type { Advice, EventRow, RotationShown } from "../shown.ts";
import type { Sources } from "../sources.ts";
import { newestCertified } from "./certificate.ts";
import { consumerRows, type KeysInUse } from "./consumers.ts";
import { marksOf } from "./phase.ts";

const runsMax = 50;
const eventsMax = 200;

export interface RotationAsked {
  readonly secretArn: string;
  /** The open or the latest one without it. */
  readonly rotationId?: string | undefined;
}

/** Everything about one run; undefined if no policy names the secret. `tail` is its log, which the caller keeps up. */
export async function showRotation(
  asked: RotationAsked,
  { sources, tail }: { readonly sources: Sources; readonly tail: readonly EventRow[] },
): Promise<RotationShown | undefined> {
  const { ledger, digest } = sources;
  const policy = await ledger.policy(asked.secretArn);
  if (policy === undefined) return undefined;
  const { secretArn, name, environment, owner } = policy;
  const [record, rotations, evidence, every] = await Promise.all([
    ledger.secret(secretArn),
    ledger.rotations(secretArn),
    ledger.evidence(secretArn),
    ledger.debts(),
  ]);
  const debts = every.filter((debt) => debt.secretArn === secretArn);
  const wanted = asked.rotationId ?? record.lease?.runId;
  const rotation = rotations.find(({ rotationId }) => rotationId === wanted) ?? latest(rotations);
  const nowMs = sources.nowMs();
  const isOpen = rotation?.outcome === "running";
  const certified = newestCertified(rotations);
  return {
    ...{ kind: "rotation", nowMs, secretArn, name, environment, provider: policy.provider.kind },
    ...(owner !== undefined && { owner }),
    ...(certified !== undefined && { certified }),
    state: stateOf({ policy, record, rotations, debts, keys: [], triage: [], digest, nowMs }),
    ...(rotation !== undefined && {
      run: { ...runShown(rotation, record), certificate: certificateOf(rotation, debts) },
    }),
    runs: newestFirst(rotations).slice(0, runsMax),
    consumers: consumerRows({ policy, evidence, isOpen, nowMs, keys: keysInUse(record, rotation) }),
    events: tail.filter((event) => isOfRun(event, rotation)).slice(-eventsMax),
    advice: adviceFor(policy, { record, rotation }),
  };
}

function newestFirst(rotations: readonly RotationRecord[]): RotationShown["runs"] {
  return [...rotations]
    .sort((a, b) => b.openedAtMs - a.openedAtMs)
    .map(({ rotationId, outcome, openedAtMs }) => ({ rotationId, outcome, openedAtMs }));
}

type RunShown = NonNullable<RotationShown["run"]>;

function certificateOf(
  { certificate, rotationId }: RotationRecord,
  debts: readonly Debt[],
): RunShown["certificate"] {
  if (certificate !== undefined) return "signed";
  const isOwed = debts.some((debt) => debt.kind === "CertificateOwed" && debt.rotationId === rotationId);
  return isOwed ? "owed" : "none";
}

function runShown(rotation: RotationRecord, record: SecretRecord): Omit<RunShown, "certificate"> {
  const { rotationId, outcome, reason, trigger, openedAtMs, closedAtMs, death, gate, executionArn } =
    rotation;
  const run = record.run?.rotationId === rotationId ? record.run : undefined;
  const wait = record.wait?.rotationId === rotationId ? record.wait : undefined;
  const promoted = promotedRun(run);
  const { retiringKeyId = run?.retiring.keyId, incomingKeyId = promoted?.incoming.keyId } = rotation;
  const url = consoleUrl(executionArn);
  return {
    ...{ rotationId, outcome, trigger, openedAtMs, states: marksOf({ run, wait, outcome }) },
    ...(reason !== undefined && { reason }),
    ...(closedAtMs !== undefined && { closedAtMs }),
    ...(promoted !== undefined && {
      promotedAtMs: promoted.promotedAtMs,
      deadlineAtMs: promoted.deadlineAtMs,
    }),
    ...(promoted?.revokedAtMs !== undefined && { revokedAtMs: promoted.revokedAtMs }),
    ...(death !== undefined && {
      revokedAtMs: death.revokedAtMs,
      deadAtMs: death.deadAtMs,
      death: howDead(death),
    }),
    ...(retiringKeyId !== undefined && { retiringKeyId }),
    ...(incomingKeyId !== undefined && { incomingKeyId }),
    ...(url !== undefined && { executionUrl: url }),
    ...(gate !== undefined && { gate: gateShown(gate) }),
  };
}

function howDead({ how, probes }: DeathRecord): string {
  return how === "refused" ? `refused ${probes} times in a row` : "gone from the provider's listing";
}

function gateShown({ verdict, askedAtMs, reasons, blockers }: GateAnswer) {
  return {
    ...{ verdict, askedAtMs },
    reasons: [
      ...blockers.map((text) => ({ text })),
      ...reasons.map((reason) => ({ text: sayReason(reason), toEnd: sayWanted(reason) })),
    ],
  };
}

/** Only for an ARN whose every part is what AWS writes, because the page makes it a link. */
function consoleUrl(executionArn: string): string | undefined {
  // The other partitions' consoles have other addresses.
  const arn = /^arn:aws:states:([a-z0-9-]+):\d{12}:execution:[\w-]+:[\w-]+$/.exec(executionArn);
  if (arn === null) return undefined;
  const region = arn[1];
  return `https://${region}.console.aws.amazon.com/states/home?region=${region}#/v2/executions/details/${executionArn}`;
}

function keysInUse(record: SecretRecord, rotation: RotationRecord | undefined): KeysInUse {
  const run = record.run?.rotationId === rotation?.rotationId ? record.run : undefined;
  const current = currentKey(record)?.fingerprint;
  const known = { ...(current !== undefined && { current }) };
  if (run !== undefined)
    return {
      ...known,
      retiring: run.retiring.fingerprint,
      ...(run.phase !== "opened" && { incoming: run.incoming.fingerprint }),
    };
  // A run that has ended: what it brought is the current key now.
  const isLast = rotation?.outcome === "rotated" && rotation.incomingKeyId === currentKey(record)?.keyId;
  return {
    ...known,
    ...(rotation?.death !== undefined && { retiring: rotation.death.fingerprint }),
    ...(isLast && current !== undefined && { incoming: current }),
  };
}

function isOfRun(event: EventRow, rotation: RotationRecord | undefined): boolean {
  if (rotation === undefined) return true;
  const names = event.detail["rotationId"];
  if (names !== undefined) return names === rotation.rotationId;
  return event.atMs >= rotation.openedAtMs && event.atMs <= (rotation.closedAtMs ?? Number.POSITIVE_INFINITY);
}

function adviceFor(
  policy: Policy,
  { record, rotation }: { readonly record: SecretRecord; readonly rotation: RotationRecord | undefined },
): readonly Advice[] {
  const advise = (what: string, words: readonly string[]): Advice => {
    const command = commandFor(["rekey", ...words], policy);
    return { what, ...(command !== undefined && { command }) };
  };
  if (record.lease?.kind === "incident") {
    const command = commandLine(["rekey", "incident", "show", record.lease.incidentId ?? record.lease.runId]);
    return [{ what: "an incident holds this secret", ...(command !== undefined && { command }) }];
  }
  if (rotation?.outcome === "running" || record.lease !== undefined)
    return [
      ...(record.wait?.decision === "supply" ? [advise("give it the key it waits for", ["supply"])] : []),
      advise("follow it in a terminal", ["watch"]),
      advise("see who is behind, and why", ["consumers"]),
      advise("keep both keys as they are", ["hold", "--reason", "why"]),
    ];
  return [
    ...(record.frozen ? [advise("lift the freeze", ["release", "--unfreeze"])] : []),
    ...(record.hold ? [advise("lift the hold", ["release"])] : []),
    advise("rotate now", ["rotate", "--reason", "why"]),
    advise("the key leaked", ["compromise"]),
  ];
}
