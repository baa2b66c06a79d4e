import type { Digest, VerifyResult } from "../ports.ts";
import type { DeathControls } from "../rotation/death.ts";
import { isoText } from "../utc.ts";
import { type Claim, weakestOf } from "./claims.ts";
import type { EvidenceRow, GateOpening } from "./gate-opening.ts";
import {
  auditOf,
  type Chain,
  chainSubject,
  keySubject,
  namedSubject,
  ordersIn,
  type Statement,
  statement,
  timeAs,
} from "./statement.ts";

/** One call with the retiring key after its revoke, and the provider's answer. */
export interface Probe {
  readonly atMs: number;
  readonly answer: VerifyResult;
  /** What the same call said then of two other keys; a refusal that fails them is `inconclusive`. */
  readonly controls?: DeathControls;
}

/** What the ledger holds about one run. */
export interface RunFacts {
  readonly rotationId: string;
  readonly secretArn: string;
  readonly executionArn: string;
  readonly trigger: string;
  readonly openedAtMs: number;
  readonly policy: {
    readonly name: string;
    readonly environment: string;
    readonly consumers: "none" | readonly unknown[];
  };
  readonly proof?: Proof;
  readonly opening?: GateOpening;
  readonly probes?: readonly Probe[];
  readonly death?: {
    readonly keyId: string;
    readonly fingerprint: string;
    readonly revokedAtMs: number;
    readonly deadAtMs: number;
    readonly how: "refused" | "listing";
    readonly probes: number;
    /** Of the last refusal; absent where the listing proves it, and in records of before there were controls. */
    readonly controls?: DeathControls;
  };
}

/** The provider accepted the incoming key before it was promoted. */
export interface Proof {
  readonly atMs: number;
  readonly keyId: string;
}

export interface RotationFacts {
  readonly deployment: string;
  /** The run that ends. */
  readonly run: RunFacts;
  /** Every run of the secret: the one that ends may have resumed what an earlier one left. */
  readonly runs: readonly RunFacts[];
  readonly chain: Chain;
  readonly policySha256: string;
  readonly certifiedAtMs: number;
}

export const subjectOfRotation = (rotationId: string) => `rotation:${rotationId}`;

/** The certificate of a run whose retiring key is dead; undefined while it is not. */
export function rotationStatement(facts: RotationFacts, digest: Digest): Statement | undefined {
  const { run, chain, deployment } = facts;
  if (run.death === undefined) return undefined;
  const opening = openingOf(facts, run.death.keyId);
  const subject = [
    namedSubject(subjectOfRotation(run.rotationId), digest),
    namedSubject(`deployment:${deployment}`, digest),
    namedSubject(`secret:${run.secretArn}`, digest),
    ...(opening ? [namedSubject(`version:${run.secretArn}:${opening.incoming.versionId}`, digest)] : []),
    ...(opening ? keySubject("incoming", opening.incoming) : []),
    ...keySubject("retiring", run.death),
    chainSubject(chain),
  ];
  return statement(subject, predicateOf(facts, run.death, opening));
}

/** Of the run that recorded the revoke of this key, which may be an earlier one. */
function openingOf({ run, runs }: RotationFacts, keyId: string): GateOpening | undefined {
  const found = [run, ...runs].flatMap(({ opening }) => (opening?.retiring.keyId === keyId ? opening : []));
  return found.sort((one, other) => other.seq - one.seq)[0];
}

type Death = NonNullable<RunFacts["death"]>;

function predicateOf(facts: RotationFacts, death: Death, opening: GateOpening | undefined) {
  const { run, chain, deployment, policySha256, certifiedAtMs } = facts;
  const proof = opening && proofOf(facts, opening.incoming.keyId);
  const promotion = opening && promotionOf(facts, opening);
  return {
    ...{ kind: "rotation", ending: "rotated", deployment },
    secret: { arn: run.secretArn, name: run.policy.name, environment: run.policy.environment },
    run: runOf(facts, promotion?.by),
    policy: { sha256: policySha256 },
    keys: {
      retiring: { keyId: death.keyId, fingerprint: death.fingerprint },
      ...(opening && { incoming: opening.incoming }),
    },
    steps: stepsOf({ run, death, opening, proof }),
    ...(proof && {
      incomingProof: {
        ...{ claim: "observed", at: isoText(proof.atMs), answer: "valid" },
        how: "one authenticated call to the provider with the pending key, before it was promoted",
      },
    }),
    ...(promotion && { promotion: promotion.shown }),
    ...(opening && gateOf(opening, run)),
    orders: ordersIn([chain]),
    revoke: {
      claim: "observed",
      ...timeAs("recordedAt", opening?.openedAtMs),
      acceptedAt: isoText(death.revokedAtMs),
    },
    death: deathOf(facts, death),
    audit: [auditOf(chain)],
    notChecked: notChecked({ facts, death, opening, proof }),
    certifiedAt: isoText(certifiedAtMs),
  };
}

export function runOf({ run, chain }: Pick<RotationFacts, "run" | "chain">, promotedBy: string | undefined) {
  const requested = chain.entries.find(
    ({ action, detail }) => action === "RotationRequested" && detail["rotationId"] === run.rotationId,
  );
  return {
    ...{ rotationId: run.rotationId, executionArn: run.executionArn, trigger: run.trigger },
    openedAt: isoText(run.openedAtMs),
    ...(requested && { requestedBy: requested.actor }),
    ...(promotedBy !== undefined && promotedBy !== run.rotationId && { continues: promotedBy }),
  };
}

/** The chain says which run promoted this key. */
function promotionOf({ chain }: RotationFacts, { incoming, promotedAtMs }: GateOpening) {
  const entry = chain.entries.findLast(
    ({ action, detail }) => action === "VersionPromoted" && detail["keyId"] === incoming.keyId,
  );
  const at = isoText(promotedAtMs);
  const shown = { claim: "observed", at, versionId: incoming.versionId, keyId: incoming.keyId };
  return { by: entry?.actor, shown };
}

function proofOf({ run, runs }: RotationFacts, incomingKeyId: string): Proof | undefined {
  return [run, ...runs].flatMap(({ proof }) => (proof?.keyId === incomingKeyId ? proof : []))[0];
}

function stepsOf(known: {
  readonly run: RunFacts;
  readonly death: Death;
  readonly opening: GateOpening | undefined;
  readonly proof: Proof | undefined;
}) {
  const { run, death, opening, proof } = known;
  // Words of the certificate's format, which stay as they are when a state is renamed.
  const steps: readonly (readonly [string, number | undefined])[] = [
    ["OpenRotation", run.openedAtMs],
    ["ProveIncoming", proof?.atMs],
    ["Promote", opening?.promotedAtMs],
    ["RevokeRetiring", opening?.openedAtMs],
    ["RevokeAccepted", death.revokedAtMs],
    ["ProveDead", death.deadAtMs],
  ];
  return steps.flatMap(([step, atMs]) => (atMs === undefined ? [] : [{ step, at: isoText(atMs) }]));
}

function gateOf(opening: GateOpening, run: RunFacts) {
  const { consumers, rows, rowsOmitted, provider, quiet, asked, openedAtMs } = opening;
  return {
    adoption: {
      worth: worthOf(opening, run),
      consumers,
      rows: rows.map(rowText),
      rowsOmitted,
    },
    ...(provider && {
      provider: {
        ...{ claim: "observed", at: isoText(provider.observedAtMs), clock: "the provider's own" },
        ...(provider.lagMs !== undefined && { lagMs: provider.lagMs }),
        ...(provider.retiring && { retiring: useText(provider.retiring) }),
        ...(provider.incoming && { incoming: useText(provider.incoming) }),
      },
    }),
    quietWindow: {
      ...{ from: isoText(quiet.fromMs), until: isoText(quiet.untilMs) },
      ...{ neededMs: quiet.neededMs, signals: quiet.signals },
    },
    gate: {
      openedAt: isoText(openedAtMs),
      asked: asked.map((reason) => ({ reason, stands: false })),
    },
  };
}

/** That a secret has no consumers is what the policy's author stated, and nobody observed it. */
function worthOf({ consumers }: GateOpening, { policy }: RunFacts): Claim | "nothing" {
  if (policy.consumers === "none" && consumers.length === 0) return "attested";
  if (consumers.some(({ worth }) => worth === "nothing")) return "nothing";
  return weakestOf(consumers.map(({ worth }) => worth as Claim)) ?? "nothing";
}

function rowText(row: EvidenceRow) {
  const { lastSuccessWithIncomingMs, lastUseOfRetiringMs, receivedAtMs, ...rest } = row;
  return {
    ...rest,
    receivedAt: isoText(receivedAtMs),
    ...timeAs("lastSuccessWithIncoming", lastSuccessWithIncomingMs),
    ...timeAs("lastUseOfRetiring", lastUseOfRetiringMs),
  };
}

function useText(use: NonNullable<NonNullable<GateOpening["provider"]>["retiring"]>) {
  const { keyId, lastUsedAtMs, seenAtMs, requests } = use;
  return {
    ...{ keyId, seenAt: isoText(seenAtMs) },
    ...timeAs("lastUsedAt", lastUsedAtMs),
    ...(requests !== undefined && { requests }),
  };
}

function deathOf({ run, runs }: RotationFacts, { how, probes: refusals, deadAtMs, controls }: Death) {
  const probes = [...runs.filter(({ rotationId }) => rotationId !== run.rotationId), run].flatMap((each) =>
    each.death === undefined || each === run ? (each.probes ?? []) : [],
  );
  return {
    ...{ claim: "observed", how, deadAt: isoText(deadAtMs), refusalsInARow: refusals },
    ...(controls && { controls }),
    probes: probes.map(({ atMs, answer, ...held }) => ({
      ...{ at: isoText(atMs), answer },
      ...(held.controls && { controls: held.controls }),
    })),
  };
}

function notChecked(known: {
  readonly facts: RotationFacts;
  readonly death: Death;
  readonly opening: GateOpening | undefined;
  readonly proof: Proof | undefined;
}): readonly string[] {
  const { facts, death, opening, proof } = known;
  const { consumers } = facts.run.policy;
  return [
    ...(opening
      ? []
      : ["the adoption gate: the key was revoked before this run, and no record of the gate is kept"]),
    ...(opening && proof === undefined
      ? ["the incoming key before its promotion: no run of Rekey that proved it is on record"]
      : []),
    ...(death.how === "listing"
      ? [
          "a call with the retiring key itself: nobody holds its plaintext, so it only is missing from the listing",
        ]
      : []),
    ...uncontrolled(death),
    ...(opening && opening.provider === undefined
      ? ["use of the keys as the provider counts it: the policy names no such signal"]
      : []),
    ...(consumers === "none" ? ["that nobody uses the secret: the policy says so"] : []),
    "programs that hold the key and report to nobody",
  ];
}

function uncontrolled({ how, controls }: Death): readonly string[] {
  if (how === "listing") return [];
  if (controls === undefined)
    return ["that the refusing call accepts a live key: the record holds no controls"];
  return controls.accepted === undefined
    ? ["that the refusing call accepts a live key: the incoming key's version could not be read"]
    : [];
}
