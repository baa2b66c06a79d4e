import type { AdoptionReason } from "../adoption/adoption.ts";
import { sayReason } from "../adoption/reason-text.ts";
import type { CopyNote } from "../copies/note.ts";
import type { Digest } from "../ports.ts";
import type { LeftKey } from "../rotation/left-keys.ts";
import { isoText } from "../utc.ts";
import { copiesText } from "./copies.ts";
import { type RotationFacts, type RunFacts, runOf, subjectOfRotation } from "./rotation.ts";
import {
  auditOf,
  chainSubject,
  keySubject,
  namedSubject,
  ordersIn,
  type Statement,
  statement,
  timeAs,
} from "./statement.ts";

const endings = ["rolledBack", "needsHuman", "retained"] as const;
export type Ending = (typeof endings)[number];

/** What the ledger holds about a run that is over while its retiring key is not known to be dead. */
export interface EndedRun extends RunFacts {
  readonly outcome: string;
  readonly reason?: string;
  readonly closedAtMs?: number;
  /** The gate's last answer. */
  readonly gate?: {
    readonly verdict: string;
    readonly reasons: readonly AdoptionReason[];
    readonly blockers: readonly string[];
    readonly askedAtMs: number;
  };
  /** Every key of the run, as it was left. */
  readonly left?: readonly LeftKey[];
  /** Work that the run left to others. */
  readonly owes?: readonly { readonly kind: string; readonly keyId: string }[];
}

export interface EndingFacts extends Omit<RotationFacts, "run" | "runs"> {
  readonly run: EndedRun;
  readonly copies: readonly CopyNote[];
}

/**
 * The certificate of a run that ended without a death: what was tried, how each key was left, and what is owed. Its
 * kind is its own, so that nobody takes it for the proof that a key is dead.
 */
export function endingStatement(facts: EndingFacts, digest: Digest): Statement | undefined {
  const { run, chain, deployment, policySha256, certifiedAtMs } = facts;
  const ending = endings.find((each) => each === run.outcome);
  if (ending === undefined) return undefined;
  const left = run.left ?? [];
  const subject = [
    namedSubject(subjectOfRotation(run.rotationId), digest),
    namedSubject(`deployment:${deployment}`, digest),
    namedSubject(`secret:${run.secretArn}`, digest),
    ...left.flatMap((key) => keySubject(key.role, key)),
    chainSubject(chain),
  ];
  const aborted = abortIn(facts);
  return statement(subject, {
    ...{ kind: "rotationWithoutDeath", ending, deployment },
    ...{ endedAt: isoText(run.closedAtMs ?? certifiedAtMs), reason: run.reason ?? ending },
    ...(aborted && { aborted }),
    secret: { arn: run.secretArn, name: run.policy.name, environment: run.policy.environment },
    run: runOf(facts, undefined),
    policy: { sha256: policySha256 },
    steps: stepsOf(facts),
    keys: left.map((key) => ({ claim: "observed", ...key })),
    owed: (run.owes ?? []).map(({ kind, keyId }) => ({ claim: "observed", kind, keyId })),
    ...(run.gate && { gate: gateText(run.gate) }),
    copies: copiesText(facts.copies, left.find(isPromoted)?.versionId),
    orders: ordersIn([chain]),
    audit: [auditOf(chain)],
    notChecked: notChecked(run, ending),
    certifiedAt: isoText(certifiedAtMs),
  });
}

const isPromoted = ({ role, state }: LeftKey) => role === "incoming" && state === "current";

function abortIn({ chain, run }: EndingFacts) {
  const entry = chain.entries.find(
    ({ action, detail }) => action === "RotationAborted" && detail["rotationId"] === run.rotationId,
  );
  if (entry === undefined) return undefined;
  const { actor: by, atMs, detail } = entry;
  return { claim: "observed", by, at: isoText(atMs), reason: String(detail["reason"] ?? "") };
}

function stepsOf({ run, chain }: EndingFacts) {
  const own = chain.entries.filter(({ actor }) => actor === run.rotationId);
  const atOf = (action: string) => own.find((entry) => entry.action === action)?.atMs;
  // Words of the certificate's format, as in that of a rotation.
  const steps: readonly (readonly [string, number | undefined])[] = [
    ["OpenRotation", run.openedAtMs],
    ["ProveIncoming", run.proof?.atMs],
    ["Promote", atOf("VersionPromoted")],
    ["RevokeRetiring", run.opening?.openedAtMs],
    ["RevokeAccepted", atOf("KeyRevoked")],
    ["End", run.closedAtMs],
  ];
  return steps.flatMap(([step, atMs]) => (atMs === undefined ? [] : [{ step, at: isoText(atMs) }]));
}

function gateText({ verdict, reasons, blockers, askedAtMs }: NonNullable<EndedRun["gate"]>) {
  return {
    ...{ verdict, ...timeAs("askedAt", askedAtMs) },
    inTheWay: [...blockers, ...reasons.map(sayReason)],
  };
}

function notChecked({ left, proof, gate }: EndedRun, ending: Ending): readonly string[] {
  const retiring = left?.find(({ role }) => role === "retiring");
  return [
    ...(retiring === undefined
      ? ["the state of the retiring key: its record does not stand in the secret's item"]
      : [`that key ${retiring.keyId ?? "unknown"} is dead: the run ended without that proof`]),
    ...(proof === undefined
      ? ["an incoming key with a call to the provider: the run did not come so far"]
      : []),
    ...(ending === "rolledBack" && gate === undefined
      ? ["which consumers hold which key: nothing was promoted, so nobody had to move"]
      : []),
    "programs that hold a key and report to nobody",
  ];
}
