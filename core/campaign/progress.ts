import { isSettled } from "../incident/plan.ts";
import type { IncidentRecord, SecretInScope } from "../incident/record.ts";
import { isOver } from "../incident/status.ts";
import type { Campaign, CampaignFigures, CampaignKey, KeyProgress } from "./record.ts";

/** How a key stands, from its incident and from what its consumers say of the replacement. */
export function progressOf(
  key: Pick<CampaignKey, "person">,
  record: IncidentRecord,
  refusedInstances: number,
): KeyProgress {
  const { keys, secrets, status, certificate } = record;
  const isContained = keys.length > 0 && keys.every(isSettled);
  const rotated = secrets.filter(({ fence }) => fence !== undefined);
  const isReplaced = rotated.length > 0 && rotated.every(isPromoted);
  const person = whyPerson(key, record);
  const isWaiting = status === "needsPerson" || (isContained && person !== undefined);
  const failure = key.person === undefined ? person : undefined;
  return {
    ...(isContained && { containedAtMs: Math.max(...keys.map(endOf)) }),
    ...{ isReplaced, refusedInstances },
    ...(person !== undefined && { person }),
    ...(failure !== undefined && { failure }),
    hasMoved: rotated.length > 0 && rotated.every(isAdopted),
    isOver: isOver(status) || isWaiting,
    ...(certificate !== undefined && {
      certificate: { path: certificate.path, sha256: certificate.sha256 },
    }),
  };
}

function endOf({ deadAtMs, waiver }: IncidentRecord["keys"][number]): number {
  return deadAtMs ?? waiver?.atMs ?? 0;
}

function isPromoted({ replacement }: SecretInScope): boolean {
  return replacement !== "pending" && replacement !== "failed";
}

function isAdopted({ replacement }: SecretInScope): boolean {
  return replacement === "adopted" || replacement === "notNeeded";
}

function whyPerson({ person }: Pick<CampaignKey, "person">, record: IncidentRecord): string | undefined {
  const { keys, secrets, status, reason } = record;
  if (person !== undefined && !(secrets.length > 0 && secrets.every(isPromotedHere))) return person;
  const failed = secrets.find(({ replacement }) => replacement === "failed");
  if (failed !== undefined) return `no replacement in ${failed.name}: ${failed.failure ?? "it failed"}`;
  const wanted = secrets.find((secret) => secret.supplyWanted === true && !isPromoted(secret));
  if (wanted !== undefined) return `supply a key: rekey supply ${wanted.name}`;
  const blocked = keys.find((key) => key.blocked !== undefined && !isSettled(key));
  if (blocked?.blocked !== undefined) return `it cannot be contained by machine: ${blocked.blocked.why}`;
  return status === "needsPerson" ? (reason ?? "the machine stopped working on it") : undefined;
}

function isPromotedHere(secret: SecretInScope): boolean {
  return secret.fence !== undefined && isPromoted(secret);
}

export function figuresOf(keys: readonly CampaignKey[]): CampaignFigures {
  const progress = keys.flatMap((key) => key.progress ?? []);
  const ends = progress.flatMap(({ containedAtMs }) => containedAtMs ?? []);
  const ofInstances = progress.reduce((sum, { refusedInstances }) => sum + refusedInstances, 0);
  return {
    keys: keys.length,
    started: keys.filter(({ startedAtMs }) => startedAtMs !== undefined).length,
    contained: ends.length,
    replaced: progress.filter(({ isReplaced }) => isReplaced).length,
    needPeople: keys.filter((key) => whyPersonNow(key) !== undefined).length,
    failed: progress.filter(({ failure }) => failure !== undefined).length,
    refusedInstances: ofInstances,
    ...(ends.length > 0 && { lastContainedAtMs: Math.max(...ends) }),
  };
}

/** A key whose value nobody has indexed, or that no machine may change, needs a person before it has an incident. */
export function whyPersonNow({ progress, person, incidentId }: CampaignKey): string | undefined {
  return progress === undefined && incidentId === undefined ? person : progress?.person;
}

/** Longer than a replacement takes, and short beside the deadline. */
const canariesMaxMs = 3 * 60_000;

export function canariesEnd(
  keys: readonly CampaignKey[],
  { openedAtMs, nowMs }: { readonly openedAtMs: number; readonly nowMs: number },
): "canariesMoved" | "canariesSlow" | undefined {
  const canaries = keys.filter(({ wave }) => wave === "canary");
  if (canaries.every(({ progress }) => progress?.hasMoved === true)) return "canariesMoved";
  return nowMs - openedAtMs >= canariesMaxMs ? "canariesSlow" : undefined;
}

/** One in twenty of those that were started, and never fewer than three. */
const failedShareMax = 0.05;
const failedMin = 3;

/** Why the campaign pauses: no further key is started until a person has looked. */
export function whyPause(
  campaign: Pick<Campaign, "failuresAccepted" | "canariesEndedAtMs">,
  keys: readonly CampaignKey[],
): string | undefined {
  const { started } = figuresOf(keys);
  const wrong = keys.flatMap(({ name, wave, progress }) => {
    const what = progress && whatFailed(progress);
    return what === undefined ? [] : [{ name, wave, what }];
  });
  const fresh = wrong.length - campaign.failuresAccepted;
  const isCanary = wrong.some(({ wave }) => wave === "canary") && campaign.canariesEndedAtMs === undefined;
  const limit = isCanary ? 1 : Math.max(failedMin, Math.ceil(started * failedShareMax));
  const [first] = wrong;
  if (first === undefined || fresh < limit) return undefined;
  const others = wrong.length === 1 ? "" : `, and ${wrong.length - 1} more`;
  return `${isCanary ? "a canary failed: " : ""}${first.name}: ${first.what}${others}`;
}

export function failedKeys(keys: readonly CampaignKey[]): number {
  return keys.filter(({ progress }) => progress !== undefined && whatFailed(progress) !== undefined).length;
}

function whatFailed({ failure, refusedInstances }: KeyProgress): string | undefined {
  if (refusedInstances > 0) return `${refusedInstances} instances have requests refused with the replacement`;
  return failure;
}

/** Every key is contained, and what is missing waits for people. */
export function isDone(keys: readonly CampaignKey[]): boolean {
  return keys.every((key) => {
    const { progress, incidentId } = key;
    if (progress === undefined) return incidentId === undefined && key.fingerprint === undefined;
    return progress.isOver && progress.containedAtMs !== undefined;
  });
}
