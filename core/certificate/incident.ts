import type { CopyNote } from "../copies/note.ts";
import type { IncidentRecord, KeyInScope, SecretInScope } from "../incident/record.ts";
import type { Digest } from "../ports.ts";
import { isoText } from "../utc.ts";
import { copiesText } from "./copies.ts";
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

export interface IncidentFacts {
  readonly deployment: string;
  readonly incident: IncidentRecord;
  /** One chain for each secret in scope, or the deployment's. */
  readonly chains: readonly Chain[];
  /** What is known of the copies of each secret's key, by the secret. */
  readonly copies: ReadonlyMap<string, readonly CopyNote[]>;
  readonly certifiedAtMs: number;
}

export const subjectOfIncident = (incidentId: string) => `incident:${incidentId}`;

/** The certificate of an incident in which every key is dead or waived. */
export function incidentStatement(facts: IncidentFacts, digest: Digest): Statement {
  const { incident, deployment, chains, certifiedAtMs } = facts;
  const { keys, secrets } = incident;
  const subject = [
    namedSubject(subjectOfIncident(incident.incidentId), digest),
    namedSubject(`deployment:${deployment}`, digest),
    ...secrets.map(({ secretArn }) => namedSubject(`secret:${secretArn}`, digest)),
    ...keys.flatMap((key) => keySubject("compromised", key)),
    ...chains.map(chainSubject),
  ];
  return statement(subject, {
    ...{ kind: "incident", ending: endingOf(incident), deployment },
    incident: openingOf(incident),
    keys: keys.map(keyText),
    secrets: secrets.map((secret) => secretText(secret, facts)),
    clocks: clocksOf(incident),
    orders: ordersIn(chains),
    pages: incident.pages.map(({ atMs, reason, severity, delivered, failed }) => ({
      ...{ claim: "observed", at: isoText(atMs), reason, severity, delivered, failed },
    })),
    audit: chains.map(auditOf),
    notChecked: notChecked(incident),
    certifiedAt: isoText(certifiedAtMs),
  });
}

function endingOf({ status, keys }: IncidentRecord): string {
  if (status === "falseAlarm") return "falseAlarm";
  if (keys.some(({ state }) => state !== "dead")) return "waived";
  return keys.length > 0 && keys.every(({ how }) => how === "listing") ? "containedByListing" : "contained";
}

function openingOf(incident: IncidentRecord) {
  const { incidentId, executionArn, plan, planWhy, match, alerts, exposedAtMs, openedAtMs } = incident;
  return {
    ...{ incidentId, executionArn, plan, planWhy, match },
    detectedAt: isoText(incident.detectedAtMs),
    receivedAt: isoText(incident.receivedAtMs),
    ...timeAs("exposedAt", exposedAtMs),
    ...timeAs("openedAt", openedAtMs),
    deadlineAt: isoText(incident.deadlineAtMs),
    reports: alerts.map(({ source, sourceId, principal, receivedAtMs, exposure, verified }) => ({
      ...{ claim: "reported", source, sourceId, by: principal, exposure, verified },
      receivedAt: isoText(receivedAtMs),
    })),
  };
}

function keyText(key: KeyInScope) {
  const { keyId, fingerprint, provider, account, standing, role, state, how, probes, refusals, waiver } = key;
  return {
    ...{ keyId, fingerprint, provider, account, standing, role, state },
    ...timeAs("quarantinedAt", key.quarantinedAtMs),
    revoke: {
      claim: key.byHand === true ? "attested" : "observed",
      ...timeAs("recordedAt", key.revokeIntendedAtMs),
      ...timeAs("acceptedAt", key.acceptedAtMs),
    },
    ...(key.deadAtMs !== undefined && {
      death: {
        ...{ claim: "observed", how, deadAt: isoText(key.deadAtMs), probes, refusalsInARow: refusals },
        ...timeAs("firstRefusedAt", key.firstRefusedAtMs),
        ...(key.controls && { controls: key.controls }),
      },
    }),
    ...(waiver && {
      waiver: { claim: "attested", by: waiver.by, reason: waiver.reason, at: isoText(waiver.atMs) },
    }),
  };
}

function secretText(secret: SecretInScope, { copies }: IncidentFacts) {
  const { secretArn, name, environment, replacement, rotationId, failure } = secret;
  const { incomingKeyId, incomingVersionId, moved, behind } = secret;
  return {
    ...{ arn: secretArn, name, environment, replacement, rotationId, failure, behind },
    incoming: { keyId: incomingKeyId, versionId: incomingVersionId },
    ...timeAs("promotedAt", secret.promotedAtMs),
    ...timeAs("adoptedAt", secret.adoptedAtMs),
    copies: copiesText(copies.get(secretArn) ?? [], incomingVersionId),
    moved: moved.map(({ consumer, atMs }) => ({ claim: "reported", consumer, at: isoText(atMs) })),
  };
}

/** Two clocks, reported apart: until the provider accepted the revoke, and until the key was seen dead. */
function clocksOf({ keys, detectedAtMs, deadlineAtMs }: IncidentRecord) {
  const latest = (times: readonly (number | undefined)[]) => {
    const known = times.flatMap((atMs) => atMs ?? []);
    return known.length === times.length && known.length > 0 ? Math.max(...known) : undefined;
  };
  const acceptedMs = latest(keys.map(({ acceptedAtMs, deadAtMs }) => acceptedAtMs ?? deadAtMs));
  const deadMs = latest(keys.map(({ deadAtMs }) => deadAtMs));
  return {
    deadlineMs: deadlineAtMs - detectedAtMs,
    ...(acceptedMs !== undefined && { detectedToAcceptedMs: acceptedMs - detectedAtMs }),
    ...(deadMs !== undefined && { detectedToDeadMs: deadMs - detectedAtMs }),
  };
}

function notChecked({ keys, secrets, scope }: IncidentRecord): readonly string[] {
  return [
    ...keys
      .filter(({ how }) => how === "listing")
      .map(
        ({ keyId }) =>
          `a call with key ${keyId}: nobody holds its plaintext, so it only is missing from the listing`,
      ),
    ...keys
      .filter(({ state, how, controls }) => state === "dead" && how !== "listing" && !controls?.accepted)
      .map(
        ({ keyId = "unknown" }) =>
          `that the call which refused key ${keyId} accepts a live key: none was at hand`,
      ),
    ...keys
      .filter(({ waiver, state }) => waiver !== undefined && state !== "dead")
      .map(({ keyId }) => `that key ${keyId ?? "unknown"} is dead: a person waived the proof`),
    ...secrets
      .filter(({ behind }) => behind.length > 0)
      .map(({ name, behind, copiesBehind = [] }) =>
        [
          `that these consumers of ${name} hold the replacement: ${behind.join(", ")}`,
          ...copiesBehind.map(({ why }) => why),
        ].join("; "),
      ),
    ...(scope?.notChecked ?? ["who read the secret and what the key did: it was not looked up"]),
    "copies of the key that nobody reported",
  ];
}
