import type { SecretArn } from "../ports.ts";
import type { Notice } from "./notices.ts";

const dayMs = 86_400_000;

/** What one message says. */
export interface Message {
  readonly severity: Notice["severity"];
  readonly title: string;
  readonly lines: readonly string[];
  readonly steps: readonly string[];
  readonly topic: string;
  readonly secretArns: readonly SecretArn[];
}

/** More at once than this come as one list: three hundred secrets of one failing provider are one piece of news. */
const apartMax = 4;
/** A message names so many secrets at most, and counts the rest. */
const listedMax = 30;

/** The messages about notices that began since the last look. */
export function messagesOf(notices: readonly Notice[]): readonly Message[] {
  if (notices.length <= apartMax) return notices.map(alone);
  return [{ ...together(notices), title: `${notices.length} secrets need somebody` }];
}

/** How a secret under `mode: observe` stands, for the daily list. */
export interface Observed {
  readonly secretArn: SecretArn;
  readonly name: string;
  readonly isReady: boolean;
  readonly what: string;
}

/** Once a day, everything that is still open and how observed secrets stand; undefined if there is neither. */
export function digestOf(
  notices: readonly Notice[],
  observed: readonly Observed[] = [],
): Message | undefined {
  const open = openOf(notices);
  if (observed.length === 0) return open;
  const lines = [...(open?.lines ?? []), ...observedLines(observed)];
  if (open !== undefined) return { ...open, lines };
  return {
    ...{ severity: "notify", title: observedTitle(observed), lines, steps: ["rekey status"] },
    ...{
      topic: "AdoptionOverdue",
      secretArns: observed.slice(0, listedMax).map(({ secretArn }) => secretArn),
    },
  };
}

function observedTitle({ length }: readonly Observed[]): string {
  return length === 1 ? "1 secret is observed" : `${length} secrets are observed`;
}

/** First those for which a person may do something. */
function observedLines(observed: readonly Observed[]): readonly string[] {
  const ready = observed.filter(({ isReady }) => isReady).length;
  const behind = observed.filter(({ isReady }) => !isReady);
  const left = behind.length - listedMax;
  return [
    `${observedTitle(observed)}: a rotation of ${ready} would get through`,
    ...behind.slice(0, listedMax).map(({ name, what }) => `${name}: ${what}`),
    ...(left > 0 ? [`and ${left} more: rekey status`] : []),
  ];
}

function openOf(notices: readonly Notice[]): Message | undefined {
  if (notices.length === 0) return undefined;
  const secrets = new Set(notices.map(({ secretArn }) => secretArn)).size;
  const title = secrets === 1 ? "1 secret still needs somebody" : `${secrets} secrets still need somebody`;
  return { ...together(notices), severity: "notify", title };
}

function alone({ name, owner, what, severity, steps, topic, secretArn }: Notice): Message {
  return {
    ...{ severity, steps, topic, secretArns: [secretArn] },
    title: `${name}: ${what}`,
    lines: owner === undefined ? [] : [`owner: ${owner}`],
  };
}

function together(notices: readonly Notice[]): Message {
  const shown = [...notices].sort(worstFirst).slice(0, listedMax);
  const left = notices.length - shown.length;
  return {
    severity: notices.some(({ severity }) => severity === "page") ? "page" : "notify",
    title: "",
    lines: [
      ...shown.map(({ name, owner, what }) => `${name}${owner === undefined ? "" : ` (${owner})`}: ${what}`),
      ...(left > 0 ? [`and ${left} more: rekey status`] : []),
    ],
    steps: ["rekey status"],
    topic: "AdoptionOverdue",
    secretArns: shown.map(({ secretArn }) => secretArn),
  };
}

function worstFirst(one: Notice, other: Notice): number {
  const rank = ({ severity }: Notice) => (severity === "page" ? 0 : 1);
  return rank(one) - rank(other);
}

/** Whether the daily list is due: once after `digestAtMs` of each day, in UTC. */
export function isDigestDue({
  nowMs,
  lastMs,
}: {
  readonly nowMs: number;
  readonly lastMs?: number;
}): boolean {
  const dayOf = (ms: number) => Math.floor((ms - digestAtMs) / dayMs);
  return lastMs === undefined || dayOf(nowMs) > dayOf(lastMs);
}

/** 07:00. */
const digestAtMs = 7 * 3_600_000;
