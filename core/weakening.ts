import { durationText } from "./duration.ts";
import { type ConsumerPolicy, isRotated, type Policy } from "./policy.ts";

/** One way in which a policy would ask for less than before. */
export interface Weakening {
  readonly field: string;
  readonly change: string;
}

type Look = (before: Policy, after: Policy) => readonly Weakening[];

const looks: readonly Look[] = [
  provider,
  consumers,
  (before, after) => shorter("quiet", before.quietMs, after.quietMs),
  (before, after) => shorter("soak", before.soakMs, after.soakMs),
  (before, after) => gone("signals", before.signals, after.signals),
  (before, after) => (isRotated(after) ? changed("mode", before.mode, after.mode) : []),
  (before, after) =>
    changed("isAdminCredential", before.isAdminCredential === true, after.isAdminCredential === true),
  (before, after) => (before.retain ? changed("retain", before.retain, after.retain) : []),
  (before, after) => (before.approve ? changed("approve", before.approve, after.approve) : []),
  (before, after) => (before.after ? changed("after", before.after, after.after) : []),
  (before, after) => (before.windows ? changed("windows", before.windows, after.windows) : []),
  (before, after) => gone("freeze", texts(before.freeze), texts(after.freeze)),
  (before, after) => changed("currentKeyId", before.currentKeyId, after.currentKeyId),
  (before, after) =>
    before.classification ? changed("classification", before.classification, after.classification) : [],
  (before, after) => (before.readHours ? changed("readHours", before.readHours, after.readHours) : []),
  incident,
];

/** Everything that would let a key be revoked, or a leak live, with less asked for: such a change takes two people. */
export function weakenings(before: Policy, after: Policy): readonly Weakening[] {
  return looks.flatMap((look) => look(before, after));
}

/** Where keys and the admin credential go, what makes and ends them, and the call that proves a key. */
function provider(before: Policy, after: Policy): readonly Weakening[] {
  const [one, other] = [before.provider, after.provider];
  const settings = new Set([...Object.keys(one.settings), ...Object.keys(other.settings)]);
  return [
    ...changed("provider", one.account, other.account),
    ...changed("provider.kind", one.kind, other.kind),
    ...changed("provider.adminCredential", one.adminCredential, other.adminCredential),
    ...[...settings]
      .sort()
      .flatMap((name) => changed(`provider.${name}`, one.settings[name], other.settings[name])),
  ];
}

function consumers(before: Policy, after: Policy): readonly Weakening[] {
  const had = before.consumers === "none" ? [] : before.consumers;
  const has = after.consumers === "none" ? [] : after.consumers;
  return had.flatMap((consumer) => {
    const field = `consumer ${consumer.environment}/${consumer.name}`;
    const now = has.find(({ name, environment }) => idOf({ name, environment }) === idOf(consumer));
    return now === undefined ? [{ field, change: "removed" }] : ofConsumer(field, consumer, now);
  });
}

const idOf = ({ name, environment }: Pick<ConsumerPolicy, "name" | "environment">) =>
  `${environment}/${name}`;

function ofConsumer(field: string, one: ConsumerPolicy, other: ConsumerPolicy): readonly Weakening[] {
  return [
    ...gone(`${field} evidence`, one.evidence, other.evidence),
    ...shorter(`${field} maxStale`, one.maxStaleMs, other.maxStaleMs),
    ...(one.demandUse ? changed(`${field} demandUse`, one.demandUse, other.demandUse) : []),
    // With a cadence, a consumer without a live instance can count as moved.
    ...changed(`${field} cadence`, one.cadenceMs, other.cadenceMs),
    ...changed(`${field} account`, one.account, other.account),
    ...changed(`${field} roles`, one.roles, other.roles),
    ...changed(`${field} workload`, one.workload, other.workload),
  ];
}

function incident({ incident: one }: Policy, { incident: other }: Policy): readonly Weakening[] {
  return [
    ...(one.plan === "contain-first" || other.plan === "switch-first"
      ? changed("incident.plan", one.plan, other.plan)
      : []),
    ...shorter("incident.containBy", -one.containByMs, -other.containByMs),
    ...shorter("incident.escalateAfter", -one.escalateAfterMs, -other.escalateAfterMs),
  ];
}

/** Negative where longer is weaker. */
function shorter(field: string, beforeMs: number, afterMs: number): readonly Weakening[] {
  if (afterMs >= beforeMs) return [];
  const say = (ms: number) => durationText(Math.abs(ms));
  return [{ field, change: `${say(beforeMs)} -> ${say(afterMs)}` }];
}

function gone(field: string, before: readonly string[], after: readonly string[]): readonly Weakening[] {
  const lost = before.filter((each) => !after.includes(each));
  return lost.length === 0 ? [] : [{ field, change: `without ${lost.join(", ")}` }];
}

function changed(field: string, before: unknown, after: unknown): readonly Weakening[] {
  const [from, to] = [valueText(before), valueText(after)];
  return from === to ? [] : [{ field, change: `${from} -> ${to}` }];
}

function texts(list: readonly unknown[] | undefined): readonly string[] {
  return (list ?? []).map(valueText);
}

/** With sorted names: the table returns them in an order of its own. */
function valueText(value: unknown): string {
  if (value === undefined) return "none";
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([name, each]) => `${name}: ${valueText(each)}`).join(", ")}}`;
}
