import type { Policy } from "./policy.ts";
import type { SecretArn } from "./ports.ts";
import type { Schedule } from "./schedule.ts";

export interface Declared {
  readonly policies: readonly Policy[];
  readonly schedules: readonly Schedule[];
}

export interface PlanStep {
  readonly kind: "policy" | "schedule";
  readonly action: "create" | "update" | "remove" | "unchanged";
  /** The secret's name in `rekey.yml`, or the schedule's. */
  readonly name: string;
  readonly secretArn: SecretArn;
  /** For an update: the fields that differ. */
  readonly changed: readonly string[];
}

/**
 * The steps that turn `current` into `wanted`. Policies come first, because a schedule without a policy would
 * only fail.
 */
export function planOf(current: Declared, wanted: Declared): readonly PlanStep[] {
  const policies = compared(current.policies, wanted.policies, {
    kind: "policy",
    idOf: ({ secretArn }) => secretArn,
    ignored: [],
  });
  const schedules = compared(current.schedules, wanted.schedules, {
    kind: "schedule",
    idOf: ({ name }) => name,
    // The time of the first firing: applying later gives a later time at the same point of the interval.
    ignored: ["startAtMs"],
  });
  return [...policies, ...schedules];
}

type Item = { readonly name: string; readonly secretArn: SecretArn };

interface Comparison<Each> {
  readonly kind: PlanStep["kind"];
  readonly ignored: readonly string[];
  idOf(item: Each): string;
}

function compared<Each extends Item>(
  current: readonly Each[],
  wanted: readonly Each[],
  { kind, idOf, ignored }: Comparison<Each>,
): readonly PlanStep[] {
  const before = new Map(current.map((item) => [idOf(item), item]));
  const after = new Set(wanted.map(idOf));
  const step = ({ name, secretArn }: Each, action: PlanStep["action"], changed: readonly string[] = []) => ({
    ...{ kind, action, name, secretArn, changed },
  });
  const kept = wanted.map((item) => {
    const known = before.get(idOf(item));
    if (known === undefined) return step(item, "create");
    const changed = fieldsThatDiffer(known, item).filter((field) => !ignored.includes(field));
    return step(item, changed.length === 0 ? "unchanged" : "update", changed);
  });
  const gone = current.filter((item) => !after.has(idOf(item))).map((item) => step(item, "remove"));
  return [...kept, ...gone];
}

function fieldsThatDiffer(left: object, right: object): readonly string[] {
  const before = new Map<string, unknown>(Object.entries(left));
  const after = new Map<string, unknown>(Object.entries(right));
  const fields = new Set([...before.keys(), ...after.keys()]);
  return [...fields]
    .filter((field) => orderedText(before.get(field)) !== orderedText(after.get(field)))
    .sort();
}

/** JSON with sorted keys: the table returns them in an order of its own. */
function orderedText(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
