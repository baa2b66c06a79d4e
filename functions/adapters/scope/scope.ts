import type { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { together } from "../../../consumers/together.ts";
import { RotationError } from "../../../core/errors.ts";
import type { LastUse } from "../../../core/incident/record.ts";
import type {
  KeyActivity,
  NewKey,
  ScopeFindings,
  SiblingSecret,
} from "../../../core/incident/scope-findings.ts";
import type { Policy } from "../../../core/policy.ts";
import type { KeyId, KeyUse, ListedKey } from "../../../core/ports.ts";
import { waitingUntil } from "../../../core/provider-account.ts";
import type { Deps, ScopeQuestion, Scoper } from "../../deps.ts";
import { type Reading, readersOf, siblingsReadBy } from "./readers.ts";
import { sharedTrail } from "./shared-trail.ts";
import { stillUsing } from "./still-using.ts";
import type { Looked, Lookup } from "./trail.ts";

/** How far back CloudTrail's event history goes. */
const lookBackMaxMs = 90 * 24 * 3_600_000;
const keysAskedMax = 50;
const siblingsMax = 50;
const newKeysMax = 100;

/** On the day when everything leaked a thousand incidents ask, one after another: what they all need is read seldom. */
const policiesKeptMs = 15_000;
const secretsAtOnceMax = 16;
const knownMax = 50_000;

type ScopeWorld = Pick<Deps, "ledger" | "provider" | "clock" | "log">;
/** `ours`: keys that the ledger was seen to know. It forgets none, so they are not looked up again. */
type ScopeMemory = ScopeWorld & {
  readonly ours: Set<KeyId>;
  readonly trail: (lookup: Lookup) => Promise<Looked>;
};

/**
 * Looks up, after containment, who read the secret and what the key did. Each part may fail on its own: what
 * it could not see becomes a sentence in `notChecked`.
 */
export function cloudTrailScoper(client: Pick<CloudTrailClient, "send">, given: ScopeWorld): Scoper {
  const world: ScopeMemory = { ...given, ours: new Set(), trail: sharedTrail(client, given.clock) };
  let kept: { readonly atMs: number; readonly policies: Promise<readonly Policy[]> } | undefined;
  return {
    async scope(question) {
      const atMs = world.clock.nowMs();
      if (kept === undefined || atMs - kept.atMs > policiesKeptMs)
        kept = { atMs, policies: world.ledger.policies() };
      const known = await kept.policies.catch((error: unknown) => {
        kept = undefined;
        throw error;
      });
      const policies = asAsked(known, question);
      const notChecked: string[] = [];
      const look = { question, policies, notChecked };
      // The provider first: it takes a few calls, while the history could take all of the time.
      const keyUse = await keyActivity(look, world);
      const newKeys = await keysMadeSince(look, world);
      const reading = await reads(look, world);
      const siblings = [...siblingsReadBy(reading), ...(await sameFile(question, world))];
      return {
        ...{
          readers: readersOf(reading),
          keyUse,
          newKeys,
          siblings: distinct(siblings).slice(0, siblingsMax),
        },
        ...endOf(reading, notChecked),
      };
    },
  };
}

function asAsked(
  policies: readonly Policy[],
  { accountWaitUntilMs: untilMs }: ScopeQuestion,
): readonly Policy[] {
  if (untilMs === undefined) return policies;
  return policies.map((policy) => ({ ...policy, provider: waitingUntil(policy.provider, untilMs) }));
}

interface Look {
  readonly question: ScopeQuestion;
  readonly policies: readonly Policy[];
  readonly notChecked: string[];
}

// ---- who read it -----------------------------------------------------------------------------------------

async function reads(
  { question, policies, notChecked }: Look,
  { clock, trail }: ScopeMemory,
): Promise<Reading> {
  const { untilMs, budgetMs } = question;
  const sinceMs = Math.max(question.sinceMs, untilMs - lookBackMaxMs);
  if (sinceMs > question.sinceMs)
    notChecked.push("reads more than 90 days ago: the event history ends there");
  notChecked.push("reads from other Regions, and reads by other accounts that only their own trails hold");
  const startMs = clock.nowMs();
  const range = { sinceMs, untilMs };
  const secrets = await trail({ ...range, eventName: "GetSecretValue", stopAtMs: startMs + budgetMs / 2 });
  const decrypts = await trail({ ...range, eventName: "Decrypt", stopAtMs: startMs + budgetMs });
  noteGaps({ secrets, decrypts }, notChecked);
  return { secrets, decrypts, policies, arns: question.secrets.map(({ secretArn }) => secretArn) };
}

function noteGaps(
  { secrets, decrypts }: { readonly secrets: Looked; readonly decrypts: Looked },
  notChecked: string[],
): void {
  if (secrets.ended === "failed")
    notChecked.push(`who read the secret: CloudTrail refused the look-up (${secrets.error})`);
  if (secrets.ended === "timeBoxed")
    notChecked.push("earlier reads of the secret: the time for looking was up");
  if (decrypts.ended !== "complete") {
    notChecked.push("which version some reads were given: the KMS records were not all read");
  }
}

function endOf({ secrets }: Reading, notChecked: readonly string[]) {
  const end: Pick<ScopeFindings, "ended" | "notChecked"> = {
    ended: secrets.ended === "complete" ? "complete" : "timeBoxed",
    notChecked,
  };
  return secrets.ended === "failed" ? end : { ...end, reachedBackToMs: secrets.reachedBackToMs };
}

// ---- what the key did ------------------------------------------------------------------------------------

type QuestionKey = ScopeQuestion["keys"][number];

const notAskedOfProviders = [
  "what the key cost: no provider says it per key in time",
  "use per hour around the exposure: providers give Rekey a total since a time, not hours",
];

async function keyActivity(look: Look, world: ScopeWorld): Promise<readonly KeyActivity[]> {
  const { question, notChecked } = look;
  if (question.keys.length > 0) notChecked.push(...notAskedOfProviders);
  const found: KeyActivity[] = [];
  for (const key of question.keys.slice(0, keysAskedMax)) {
    if (key.keyId === undefined) {
      notChecked.push("what a key without a known id did at its provider");
      continue;
    }
    found.push(await activityOf({ ...key, keyId: key.keyId }, look, world));
  }
  return found;
}

async function activityOf(
  key: QuestionKey & { readonly keyId: KeyId },
  { question, policies, notChecked }: Look,
  world: ScopeWorld,
): Promise<KeyActivity> {
  const policy = policyFor(key, policies);
  const before = key.lastUse?.unknown === undefined ? key.lastUse : undefined;
  const failures: string[] = [];
  const after = await attempt(failures, `what key ${key.keyId} did at its provider`, async () =>
    policy === undefined
      ? undefined
      : world.provider(policy).use({ keyId: key.keyId, sinceMs: question.sinceMs }),
  );
  if (before !== undefined) notChecked.push(...whatCameLater(key, { before, after }));
  else notChecked.push(...failures, ...whyNotBefore(key, after));
  const toMs = key.deadAtMs ?? question.untilMs;
  return {
    keyId: key.keyId,
    fromMs: after === undefined ? (before?.sinceMs ?? question.sinceMs) : question.sinceMs,
    toMs: after === undefined ? Math.min(toMs, before?.atMs ?? toMs) : toMs,
    stillUsedBy: await stillUsing(key, question, world),
    ...largest("requests", [before, after]),
    ...largest("lastUsedAtMs", [before, after]),
  };
}

function whyNotBefore({ keyId = "", lastUse }: QuestionKey, after: KeyUse | undefined): readonly string[] {
  if (after !== undefined || lastUse?.unknown === undefined) return [];
  return [`what key ${keyId} did, asked before it was contained: ${lastUse.unknown}`];
}

/** The figures end with the look before containment. Uses after that are not included. */
function whatCameLater(
  { keyId = "", deadAtMs }: QuestionKey,
  { before, after }: { readonly before: LastUse; readonly after: KeyUse | undefined },
): readonly string[] {
  if (after !== undefined) return [];
  const seconds = Math.round(Math.max(0, (deadAtMs ?? before.atMs) - before.atMs) / 1000);
  const last =
    deadAtMs === undefined ? "after it was contained" : `in the last ${seconds} s before its death`;
  return [`what key ${keyId} did ${last}: the provider says nothing of a deleted key`];
}

/** Takes the larger of both looks: a provider's figures are late at first, and gone later. */
function largest<Name extends "requests" | "lastUsedAtMs">(
  name: Name,
  uses: readonly (Pick<KeyUse, "requests" | "lastUsedAtMs"> | undefined)[],
): { readonly [Key in Name]?: number } {
  const known = uses.flatMap((use) => use?.[name] ?? []);
  return known.length === 0 ? {} : ({ [name]: Math.max(...known) } as { [Key in Name]?: number });
}

function policyFor({ secretArn, account }: QuestionKey, policies: readonly Policy[]): Policy | undefined {
  return (
    policies.find((policy) => policy.secretArn === secretArn) ??
    policies.find(({ provider }) => account !== undefined && provider.account === account)
  );
}

// ---- what was made with it -------------------------------------------------------------------------------

/** A name proves nothing: whoever has the admin credential can name a key as Rekey does. Only ids count. */
async function keysMadeSince(look: Look, world: ScopeMemory): Promise<readonly NewKey[]> {
  const { question, policies, notChecked } = look;
  const asked = new Map<string, Policy>();
  for (const key of question.keys) {
    const policy = policyFor(key, policies);
    if (policy !== undefined) asked.set(JSON.stringify(policy.provider), policy);
  }
  const found: NewKey[] = [];
  for (const policy of asked.values()) {
    const what = `keys made in ${policy.provider.account} since the exposure`;
    const listed = await attempt(notChecked, what, () => world.provider(policy).list());
    const since = (listed ?? []).filter(
      ({ createdAtMs = question.sinceMs }) => createdAtMs >= question.sinceMs,
    );
    const unknown = await unknownOf(since, { look, account: policy.provider.account }, world);
    found.push(...unknown.filter(({ createdAtMs }) => (createdAtMs ?? 0) >= question.sinceMs));
    const undated = unknown.filter(({ createdAtMs }) => createdAtMs === undefined).length;
    if (undated > 0) notChecked.push(`${undated} unknown keys in ${policy.provider.account} without a date`);
  }
  return found.slice(0, newKeysMax).map(({ keyId, name, createdAtMs }) => ({
    ...{ keyId, name },
    ...(createdAtMs !== undefined && { createdAtMs }),
  }));
}

/** Those that no secret of the ledger knows. The most likely secrets are asked first, and no more than are needed. */
async function unknownOf(
  listed: readonly ListedKey[],
  { look, account }: { readonly look: Look; readonly account: string },
  { ledger, ours }: ScopeMemory,
): Promise<readonly ListedKey[]> {
  if (ours.size > knownMax) ours.clear();
  const leftOf = (keys: readonly ListedKey[]) => keys.filter(({ keyId }) => !ours.has(keyId));
  const own = new Set(look.question.secrets.map(({ secretArn }) => secretArn));
  const rank = ({ secretArn, provider }: Policy) =>
    own.has(secretArn) ? 0 : provider.account === account ? 1 : 2;
  const likely = [...look.policies].sort((one, other) => rank(one) - rank(other));
  let left = leftOf(listed);
  for (let from = 0; from < likely.length && left.length > 0; from += secretsAtOnceMax) {
    await together(likely.slice(from, from + secretsAtOnceMax), {
      atOnceMax: secretsAtOnceMax,
      work: async ({ secretArn }) => {
        const [record, history] = await Promise.all([ledger.secret(secretArn), ledger.keys(secretArn)]);
        for (const { keyId } of [...record.keys, ...history]) if (keyId !== undefined) ours.add(keyId);
      },
    });
    left = leftOf(left);
  }
  return left;
}

// ---- what lay beside it ----------------------------------------------------------------------------------

/** Keys of other incidents that were found in the same file: whoever saw one saw the others. */
async function sameFile(question: ScopeQuestion, { ledger }: ScopeWorld): Promise<readonly SiblingSecret[]> {
  if (question.where.length === 0) return [];
  const files = new Set(question.where.map(fileOf));
  const known = new Set(question.secrets.map(({ secretArn }) => secretArn));
  const others = (await ledger.incidents.incidents()).filter(
    ({ incidentId }) => incidentId !== question.incidentId,
  );
  return others.flatMap(({ incidentId, alerts, secrets }) => {
    const place = alerts.flatMap(({ where }) => where).find((each) => files.has(fileOf(each)));
    if (place === undefined) return [];
    return secrets
      .filter(({ secretArn }) => !known.has(secretArn))
      .map(({ secretArn }) => ({ secretArn, why: `its key lay in ${fileOf(place)} too (${incidentId})` }));
  });
}

/** Without the line and commit at its end. */
function fileOf(place: string): string {
  return (place.split(/[#\s]/, 1)[0] ?? "").replace(/:\d+$/, "");
}

function distinct(siblings: readonly SiblingSecret[]): readonly SiblingSecret[] {
  return [...new Map(siblings.map((sibling) => [sibling.secretArn, sibling])).values()];
}

/** If one provider does not answer, one part of the findings is missing, not all of them. */
async function attempt<Answer>(
  notChecked: string[],
  what: string,
  ask: () => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  try {
    const answer = await ask();
    if (answer === undefined) notChecked.push(`${what}: the provider does not say`);
    return answer;
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    notChecked.push(`${what}: ${error.name}`);
    return undefined;
  }
}
