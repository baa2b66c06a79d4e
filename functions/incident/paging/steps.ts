import { stoppedAtMs } from "../../../core/incident/cut-off.ts";
import { isSettled } from "../../../core/incident/plan.ts";
import type { IncidentRecord, KeyInScope, PageReason } from "../../../core/incident/record.ts";
import { isOver } from "../../../core/incident/status.ts";
import { isTriage } from "../../../core/incident/turns.ts";
import type { Policy } from "../../../core/policy.ts";
import { manualOf } from "../../../providers/manual.ts";
import { containNowStep, type PersonStep, personSteps } from "./person-steps.ts";

interface StepsQuestion {
  readonly record: IncidentRecord;
  /** The policies of its secrets: they say how a key is named at its provider. */
  readonly policies: readonly Policy[];
  /** Why people are paged now; without it, why they were paged last. */
  readonly due?: { readonly reason: PageReason; readonly severity: "page" | "notify" };
}

/** All that a person has to do, in order. Page, screen, report and Slack show this list, and no other. */
export function stepsToTake(question: StepsQuestion): readonly PersonStep[] {
  const { record } = question;
  if (record.status === "falseAlarm") return [];
  return [...forKeys(question), ...forSecrets(record), ...forPlaces(record)];
}

/** As lines: what to do, and each command on a line of its own, to be pasted as it is. */
export function stepLines(steps: readonly PersonStep[]): readonly string[] {
  return steps.flatMap(({ what, command }) => (command === undefined ? [what] : [what, command]));
}

function forKeys({ record, policies, due = record.pages.at(-1) }: StepsQuestion): readonly PersonStep[] {
  const open = record.keys.filter((key) => !isSettled(key));
  if (isOver(record.status) || (record.keys.length > 0 && open.length === 0)) return [];
  const own = personSteps(record);
  if (own.length > 0) return own;
  const decision = containNowStep(record);
  const first = decision === undefined ? [] : [decision];
  const [next] = open;
  const stuck = open.find(({ byHand }) => byHand) ?? open.find(({ blocked }) => blocked !== undefined);
  const isLate = due !== undefined && due.severity === "page" && lateReasons.has(due.reason);
  const key = stuck ?? (isLate ? next : undefined);
  return key === undefined ? first : [...first, byHand(key, policies)];
}

/** Reasons for which somebody may have to end the key by hand. */
const lateReasons: ReadonlySet<PageReason> = new Set([
  ...(["notAccepted", "notYetDead", "needsPerson", "deadlinePassed", "settled"] as const),
]);

function byHand(key: KeyInScope, policies: readonly Policy[]): PersonStep {
  const { provider, keyId, secretArn, blocked, byHand: isByHand } = key;
  const settings = policies.find((policy) => policy.secretArn === secretArn)?.provider.settings;
  const { place, command, asks } = manualOf({
    ...(provider !== undefined && { provider }),
    ...(keyId !== undefined && { keyId }),
    ...(settings !== undefined && { settings }),
  });
  const isTriedAgain = isByHand !== true && secretArn !== undefined;
  const trying = blocked === undefined ? "Rekey goes on trying" : `Rekey goes on trying (${blocked.why})`;
  const text = `${isTriedAgain ? `${trying}; to be sooner, ` : ""}by hand: ${place}`;
  if (command === undefined) return { what: text };
  return { what: `${text}, or${asks === undefined ? "" : ` (${asks})`}:`, command };
}

function forSecrets(record: IncidentRecord): readonly PersonStep[] {
  const wanted = record.secrets.filter(
    ({ supplyWanted, replacement }) => supplyWanted === true && replacement === "pending",
  );
  const failed = record.secrets.filter(
    (secret) => secret.replacement === "failed" && stoppedAtMs(secret, record.keys) !== undefined,
  );
  return [
    ...wanted.map(({ name }) => ({
      what: `make a new key for ${name} by hand:`,
      command: `rekey supply ${name}`,
    })),
    ...failed.map(({ name, failure }) => ({
      what: `put a key that works into ${name}: ${failure ?? "it has no replacement"}`,
    })),
  ];
}

const placesShownMax = 5;

/** Where the key lay: whoever reads it there later learns at least how keys are kept. */
function forPlaces(record: IncidentRecord): readonly PersonStep[] {
  if (isTriage(record)) return [];
  const places = [...new Set(record.alerts.flatMap(({ where }) => where))];
  if (places.length === 0) return [];
  const more = places.length > placesShownMax ? `, and ${places.length - placesShownMax} more places` : "";
  return [
    { what: `take the key away where it was found: ${places.slice(0, placesShownMax).join(", ")}${more}` },
  ];
}
