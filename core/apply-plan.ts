import { durationText } from "./duration.ts";
import type { Policy } from "./policy.ts";
import type { SecretArn } from "./ports.ts";
import type { Schedule } from "./schedule.ts";

export interface Declared {
  readonly policies: readonly Policy[];
  readonly schedules: readonly Schedule[];
}

/** One field of a policy or a schedule that differs; the texts are for people, and absent where it has no value. */
export interface FieldChange {
  readonly field: string;
  readonly before?: string;
  readonly after?: string;
}

export interface PlanStep {
  readonly kind: "policy" | "schedule";
  /** `left`: no longer in its file, and kept, because nobody asked to prune. */
  readonly action: "create" | "update" | "remove" | "left" | "unchanged";
  /** The secret's name in `rekey.yml`, or the schedule's. */
  readonly name: string;
  readonly secretArn: SecretArn;
  /** Of an update. */
  readonly changes: readonly FieldChange[];
}

/** What one `rekey apply` may do to secrets that are in none of its files. */
export interface Ownership {
  /** The names of the files that are applied, and of those that they replace. Others' secrets are left alone. */
  readonly files: readonly string[];
  readonly prune: boolean;
}

/**
 * The steps that turn `current` into `wanted`. Policies come first, because a schedule without a policy would
 * only fail.
 */
export function planOf(current: Declared, wanted: Declared, ownership: Ownership): readonly PlanStep[] {
  const isGone = new Set(goneFrom(current, wanted, ownership));
  const isWanted = new Set(wanted.policies.map(({ secretArn }) => secretArn));
  const policies = compared(
    current.policies.filter(({ secretArn }) => isWanted.has(secretArn) || isGone.has(secretArn)),
    wanted.policies,
    {
      kind: "policy",
      idOf: ({ secretArn }) => secretArn,
      ignored: [],
      ifGone: ownership.prune ? "remove" : "left",
    },
  );
  const hasPolicy = new Set(current.policies.map(({ secretArn }) => secretArn));
  const stays = (secretArn: SecretArn) =>
    hasPolicy.has(secretArn) && !isWanted.has(secretArn) && !(ownership.prune && isGone.has(secretArn));
  const schedules = compared(
    current.schedules.filter(({ secretArn }) => !stays(secretArn)),
    wanted.schedules,
    {
      kind: "schedule",
      idOf: ({ name }) => name,
      // The time of the first firing: applying later gives a later time at the same point of the interval. A pause
      // is an operator's: it stays, and is shown.
      ignored: ["startAt", "isPaused"],
      ifGone: "remove",
    },
  );
  return [...policies, ...schedules];
}

/** Secrets that one of the files declared when it was last applied, and that none of them declares any more. */
function goneFrom(current: Declared, wanted: Declared, { files }: Ownership): readonly SecretArn[] {
  const isWanted = new Set(wanted.policies.map(({ secretArn }) => secretArn));
  return current.policies
    .filter(({ secretArn, file }) => !isWanted.has(secretArn) && (file === undefined || files.includes(file)))
    .map(({ secretArn }) => secretArn);
}

/**
 * Why the other policies of this deployment do not allow this one: the secret belongs to a file that is not among
 * those that are applied, a name is taken, or `after` would never be over.
 */
export function whyNotAmong(
  policy: Policy,
  {
    stored,
    wanted,
    files,
  }: { readonly stored: readonly Policy[]; readonly wanted: readonly Policy[] } & Pick<Ownership, "files">,
): string | undefined {
  const own = stored.find(({ secretArn }) => secretArn === policy.secretArn);
  if (own?.file !== undefined && !files.includes(own.file)) {
    const how = `apply both files together, or with --replaces ${own.file}`;
    return `the file ${own.file} declares this secret, as ${own.name}: ${how}`;
  }
  const isWanted = new Set(wanted.map(({ secretArn }) => secretArn));
  const others = stored.filter(({ secretArn }) => !isWanted.has(secretArn));
  const namesake = others.find(({ name }) => name === policy.name);
  if (namesake !== undefined) return `another secret has this name: ${namesake.secretArn}`;
  const { account } = policy.provider;
  const differing = others.find(
    ({ provider }) => provider.account === account && orderedText(provider) !== orderedText(policy.provider),
  );
  if (differing !== undefined) {
    return `${differing.name} has other settings for the account ${account}: one name is one account, so apply both files together`;
  }
  return whyNeverAfter(policy, [...others, ...wanted]);
}

/** `after` that would never be over: the secret that it names is not there, or waits for this one itself. */
function whyNeverAfter(policy: Policy, all: readonly Policy[]): string | undefined {
  const byName = new Map(all.map((each) => [`${each.environment}/${each.name}`, each]));
  const seen = [`${policy.environment}/${policy.name}`];
  for (let { after } = policy; after !== undefined; after = byName.get(after)?.after) {
    if (!byName.has(after)) return `after: this deployment has no secret ${after}`;
    if (after === seen[0]) return `after: ${[...seen, after].join(" waits for ")}`;
    // A circle that this secret is not part of is reported for the secrets in it.
    if (seen.includes(after)) return undefined;
    seen.push(after);
  }
  return undefined;
}

type Item = { readonly name: string; readonly secretArn: SecretArn };

interface Comparison<Each> {
  readonly kind: PlanStep["kind"];
  readonly ignored: readonly string[];
  readonly ifGone: "remove" | "left";
  idOf(item: Each): string;
}

function compared<Each extends Item>(
  current: readonly Each[],
  wanted: readonly Each[],
  { kind, idOf, ignored, ifGone }: Comparison<Each>,
): readonly PlanStep[] {
  const before = new Map(current.map((item) => [idOf(item), item]));
  const after = new Set(wanted.map(idOf));
  const step = (
    { name, secretArn }: Each,
    action: PlanStep["action"],
    changes: readonly FieldChange[] = [],
  ) => ({ kind, action, name, secretArn, changes });
  const kept = wanted.map((item) => {
    const known = before.get(idOf(item));
    if (known === undefined) return step(item, "create");
    const changes = changesOf(known, item).filter(({ field }) => !ignored.includes(field));
    return step(item, changes.length === 0 ? "unchanged" : "update", changes);
  });
  const gone = current.filter((item) => !after.has(idOf(item))).map((item) => step(item, ifGone));
  return [...kept, ...gone];
}

function changesOf(left: object, right: object): readonly FieldChange[] {
  const before = new Map<string, unknown>(Object.entries(left));
  const after = new Map<string, unknown>(Object.entries(right));
  const fields = new Set([...before.keys(), ...after.keys()]);
  return [...fields]
    .filter((field) => orderedText(before.get(field)) !== orderedText(after.get(field)))
    .sort()
    .map((field) => ({
      field: field.replace(/Ms$/, ""),
      ...(before.get(field) !== undefined && { before: shown(field, before.get(field)) }),
      ...(after.get(field) !== undefined && { after: shown(field, after.get(field)) }),
    }));
}

const shownMax = 200;

/** A policy holds no keys, so every value can be shown. */
function shown(field: string, value: unknown): string {
  if (field.endsWith("Ms") && typeof value === "number") return durationText(value);
  const text = typeof value === "string" ? value : String(orderedText(value));
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}…`;
}

/** JSON with sorted keys: the table returns them in an order of its own. */
export function orderedText(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
