import { whyNotContainNow } from "../../../core/incident/orders.ts";
import { isExact, isRekeysOwn, isSettled } from "../../../core/incident/plan.ts";
import type { CurrentAgain, IncidentRecord, KeyInScope, OwnRole } from "../../../core/incident/record.ts";
import { isTriage } from "../../../core/incident/turns.ts";
import { adminConsoleOf, manualOf } from "../../../providers/manual.ts";
import { commandsOf } from "../../../stores/commands.ts";

/** One thing that a person does. A command is separate, so that it can be pasted as it is. */
export interface PersonStep {
  readonly what: string;
  readonly command?: string;
}

/**
 * What only a person can do about a key that Rekey cannot, must not, or must not yet revoke: in order, up to
 * the end of the incident. For pages and for `incident show`. Empty if Rekey can go on, alone or after a
 * person's order.
 */
export function personSteps(record: IncidentRecord): readonly PersonStep[] {
  const open = record.keys.filter((key) => !isSettled(key));
  if (isTriage(record)) return triageSteps(record);
  const own = open.find(isRekeysOwn);
  if (own) return ownSteps[own.role](record, own);
  const places = open.flatMap(({ currentAgain }) => currentAgain?.places ?? []);
  if (places.length > 0) return moveBackSteps(record, places);
  const [key] = open;
  if (key === undefined || open.some(isInReach)) return [];
  return isExact(record.match.by) ? watchedSteps(record, key) : unknownSteps(record, key);
}

/**
 * True if a person's order is enough for Rekey to revoke such a key, or if it already probes whether the key
 * is dead.
 */
function isInReach({ keyId, secretArn, byHand }: KeyInScope): boolean {
  return byHand === true || (keyId !== undefined && secretArn !== undefined);
}

/** The contain-now order, if it would make containment start earlier and would not be refused. */
export function containNowStep(record: IncidentRecord): PersonStep | undefined {
  const { incidentId, plan, status } = record;
  const hasStopped = status === "needsPerson";
  if (!(hasStopped || isHeldBack(record)) || whyNotContainNow(record) !== undefined) return undefined;
  const lead =
    plan === "switch-first" && !hasStopped ? "it cannot wait for its consumers" : "it is the right key";
  return {
    what: `if ${lead}, let Rekey revoke it:`,
    command: order(incidentId, "contain-now", "decided on call"),
  };
}

/** False once the revoke call has been made: contain-now would change nothing. */
function isHeldBack({ containNow, plan, keys }: IncidentRecord): boolean {
  if (containNow !== undefined || plan === "contain-first") return false;
  return keys.some((key) => !isSettled(key) && key.state !== "revoking" && key.state !== "accepted");
}

function order(incidentId: string, name: string, reason: string): string {
  return `rekey incident ${name} ${incidentId} --reason '${reason}'`;
}

// ---- Rekey's own credentials -----------------------------------------------------------------------------

type StepsOf = (record: IncidentRecord, key: KeyInScope) => readonly PersonStep[];
const ownSteps: Readonly<Record<OwnRole, StepsOf>> = {
  admin: adminSteps,
  intake: intakeSteps,
  githubToken: githubTokenSteps,
  pagerdutyKey: channelSteps({
    make: "in PagerDuty, add another integration of Events API V2 to the same service, and paste its key here",
    end: "delete the leaked integration there: until then whoever has its key can page people, and end pages",
  }),
  slackWebhook: channelSteps({
    make: "in the settings of the Slack app, add another webhook to the same channel, and paste its address here",
    end: "remove the leaked webhook there: until then whoever has it can write what looks like a page",
  }),
  auditCollector: channelSteps({
    make: "in the collector of the audit log, make another token for Rekey, and paste the whole header's value here",
    end: "delete the leaked token there: until then whoever has it can write events that look like Rekey's",
  }),
};

/** No consumer uses it, so it is deleted first: until then whoever has it can make and delete every key. */
function adminSteps({ incidentId }: IncidentRecord, key: KeyInScope): readonly PersonStep[] {
  const { provider, secretArn = "ARN" } = key;
  const place = adminConsoleOf(provider);
  return [
    { what: `delete the leaked credential now, in ${place}: no consumer uses it, and Rekey waits` },
    {
      what: "make a new one there, and paste it here: the shell does not show or store it",
      command: commandsOf(secretArn).putHidden(secretArn),
    },
    { what: "check that the provider accepts it:", command: "rekey doctor" },
    {
      what: "count the keys that Rekey has no record of; an attacker may have made some:",
      command: "rekey sweep",
    },
    { what: `in ${place}, delete every key, credential, member and invitation that is not yours` },
    {
      what: "end the incident:",
      command: order(incidentId, "waive", "deleted in the console, and refused there"),
    },
  ];
}

/**
 * The leaked value is valid until its label is removed: both values are accepted while the sender changes to
 * the new one.
 */
function intakeSteps({ incidentId }: IncidentRecord, key: KeyInScope): readonly PersonStep[] {
  const { secretArn = "ARN", versionId = "VERSION" } = key;
  return [
    { what: "make a new signing secret:", command: commandsOf(secretArn).putRandom(secretArn) },
    { what: "give it to the sender; docs/alerts.md says where each keeps it" },
    {
      what: "end the leaked one: until then whoever has it can forge alerts",
      command: commandsOf(secretArn).endPrevious({ secretArn, versionId }),
    },
    { what: "check that reports still arrive:", command: "rekey drill" },
    { what: "look for incidents that a forged alert opened:", command: "rekey incident list --all" },
    { what: "end the incident:", command: order(incidentId, "waive", "replaced, and no longer taken") },
  ];
}

/** It only reads alerts, and without it an alert still names a place, so deleting it first loses nothing. */
function githubTokenSteps({ incidentId }: IncidentRecord, key: KeyInScope): readonly PersonStep[] {
  const { secretArn = "ARN" } = key;
  return [
    {
      what: "delete the leaked token now, at GitHub where it was made: it reads every key that GitHub found",
    },
    {
      what: "make a new one there that may read secret scanning alerts and nothing else, and paste it here: the shell does not show or store it",
      command: commandsOf(secretArn).putHidden(secretArn),
    },
    {
      what: "report every key of ours in GitHub's alerts that still works; it is hashed here and not sent:",
      command: "rekey compromise --key-stdin",
    },
    { what: "end the incident:", command: order(incidentId, "waive", "deleted at GitHub, and replaced") },
  ];
}

/**
 * The leaked one is deleted last: it may be the only channel that reaches people, and nothing can be read
 * with it.
 */
function channelSteps({ make, end }: { readonly make: string; readonly end: string }): StepsOf {
  return ({ incidentId }, { secretArn = "ARN" }) => [
    {
      what: `${make}: the shell does not show or store it`,
      command: commandsOf(secretArn).putHidden(secretArn),
    },
    { what: end },
    { what: "check that every channel is reached without it:", command: "rekey drill" },
    {
      what: "end the incident:",
      command: order(incidentId, "waive", "replaced, and the leaked one deleted"),
    },
  ];
}

// ---- a key that is current again --------------------------------------------------------------------------

/** Revoking by hand would cut off the very consumers that the plan waits for. */
function moveBackSteps(
  { secrets, containByMs = 0 }: IncidentRecord,
  places: CurrentAgain["places"],
): readonly PersonStep[] {
  const moves = places.map(({ secretArn, versionId }) => {
    const { name = secretArn, incomingVersionId = "VERSION" } =
      secrets.find((secret) => secret.secretArn === secretArn) ?? {};
    return {
      what: `make the incoming version of ${name} current again:`,
      command: commandsOf(secretArn).makeCurrent({ secretArn, versionId }, incomingVersionId),
    };
  });
  const byText = new Date(containByMs).toISOString();
  return [
    ...moves,
    {
      what: `make sure that nobody moves it again: Rekey then revokes the key, and at ${byText} in any case`,
    },
  ];
}

// ---- keys that nothing here reaches ----------------------------------------------------------------------

/** Rekey knows whose key it is, but not its id at the provider. */
function watchedSteps({ incidentId, secrets }: IncidentRecord, key: KeyInScope): readonly PersonStep[] {
  const names = secrets.map(({ name }) => name).join(", ") || "its secret";
  return [
    { what: `make a new key by hand, put it into ${names}, and let its consumers fetch it` },
    byHand("then", key),
    { what: "end the incident:", command: order(incidentId, "waive", "replaced and deleted by hand") },
  ];
}

function unknownSteps({ incidentId }: IncidentRecord, key: KeyInScope): readonly PersonStep[] {
  return [
    {
      what: "if you have the key, see what it matches; it is hashed here and not sent:",
      command: "rekey compromise --key-stdin --dry-run",
    },
    byHand("if it is ours,", key),
    { what: "then end the incident:", command: order(incidentId, "waive", "deleted by hand") },
    { what: "if it is not ours:", command: order(incidentId, "false-alarm", "not ours, its owner was told") },
  ];
}

function byHand(lead: string, { provider, keyId }: KeyInScope): PersonStep {
  const named = { ...(provider !== undefined && { provider }), ...(keyId !== undefined && { keyId }) };
  const { place, command, asks } = manualOf(named);
  if (command === undefined) return { what: `${lead} ${place}` };
  return { what: `${lead} ${place}, or${asks === undefined ? "" : ` (${asks})`}:`, command };
}

const placesShownMax = 5;

function triageSteps({ incidentId, alerts }: IncidentRecord): readonly PersonStep[] {
  const places = alerts.map(({ source, sourceId, where }) => where[0] ?? `${source} ${sourceId}`);
  const newest = places.slice(-placesShownMax).reverse();
  const more = places.length > newest.length ? `, and ${places.length - newest.length} before them` : "";
  return [
    { what: `look whether a key of ours lies at ${newest.join(", ")}${more}` },
    {
      what: "a key of ours gets an incident of its own, by the key itself; it is hashed here and not sent:",
      command: "rekey compromise --key-stdin",
    },
    {
      what: "once every alert was looked at:",
      command: order(incidentId, "false-alarm", "every alert was looked at"),
    },
  ];
}
