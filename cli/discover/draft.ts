import { stringify } from "yaml";
import { type Grade, type Graded, gradeOf, gradeTexts } from "../../core/discovery/grade.ts";
import type { ProviderFacts } from "../../core/policy.ts";
import { isSecret, type Looked } from "../../functions/adapters/scope/trail.ts";
import { providers } from "../../providers/kinds.ts";
import { exampleOf } from "../../providers/page.ts";
import type { Issuer, ProviderKind } from "../../providers/provider.ts";
import type { FoundSecret } from "./account.ts";
import { issuerBy } from "./issuer.ts";

/** Accounts at providers that a policy file already declares, with the keys that their listings show, where asked. */
export interface KnownAccount {
  readonly name: string;
  readonly kind: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly listing?: string;
}

export interface Drafting {
  readonly secrets: readonly FoundSecret[];
  readonly looked: Looked | undefined;
  readonly environment: string;
  readonly known: readonly KnownAccount[];
  /** Roles of Rekey's own functions, which read secrets all day. */
  readonly isOwn: (principal: string) => boolean;
}

export interface Drafted extends Graded {
  readonly name: string;
  readonly arn: string;
  readonly provider?: string;
  readonly readers: readonly string[];
  /** Whether the draft declares it, or only names it in a comment. */
  readonly isDeclared: boolean;
}

export interface Draft {
  readonly text: string;
  readonly secrets: readonly Drafted[];
}

const readersMax = 32;

/** A policy file in which every secret is only observed, with the grade of each above it. */
export function draftOf(drafting: Drafting): Draft {
  const secrets = named(drafting.secrets).map((each) => drafted(each, drafting));
  const accounts = accountsFor(secrets, drafting.known);
  const account = drafting.secrets[0]?.arn.split(":")[4] ?? "000000000000";
  const text = [
    "# A draft of `rekey discover`. Nothing in it is rotated: every secret is observed until you write `mode: rotate`.",
    "# docs/fleet.md says how to go on.",
    `version: 1\nenvironment: ${drafting.environment}\naccount: "${account}"\n`,
    "providers:",
    ...accounts.map(providerText),
    "",
    "secrets:",
    ...secrets.map((each) => secretText(each, accounts)),
  ];
  return {
    text: `${text.join("\n")}\n`,
    secrets: secrets.map(({ block: _block, kind, ...each }) => ({
      ...each,
      ...(kind !== undefined && { provider: kind }),
      isDeclared: accounts.some((one) => one.kind === kind),
    })),
  };
}

interface Named {
  readonly name: string;
  readonly secret: FoundSecret;
}

const nameMax = 64;

/** Names as a policy file has them, each once. */
function named(secrets: readonly FoundSecret[]): readonly Named[] {
  const taken = new Set<string>();
  return secrets.map((secret) => {
    const plain = secret.name.replaceAll(/[^\w.-]+/g, "-").replace(/^(?![A-Za-z0-9])|^(?=arn)/, "s");
    const base = plain.slice(0, nameMax);
    let name = base;
    for (let number = 2; taken.has(name); number += 1) name = `${base.slice(0, nameMax - 5)}-${number}`;
    taken.add(name);
    return { name, secret };
  });
}

interface DraftSecret extends Omit<Drafted, "isDeclared" | "provider"> {
  readonly kind: string | undefined;
  readonly block: Readonly<Record<string, unknown>>;
}

function drafted({ name, secret }: Named, drafting: Drafting): DraftSecret {
  const { looked, known, isOwn } = drafting;
  const issuer = issuerBy(secret);
  const kind = issuer === undefined ? undefined : providers[issuer.kind];
  const reads = (looked?.reads ?? []).filter(({ secretId }) => isSecret(secretId, secret.arn));
  const roles = new Map(reads.map((read) => [read.principal, read.account]));
  const readers = [...roles.keys()].filter((role) => !isOwn(role)).sort();
  const facts = kind && factsOf(kind, known);
  const graded = gradeOf({
    ...(issuer !== undefined && { issuer: viewOf(issuer, facts) }),
    ...{ readers, areReadersKnown: looked?.ended === "complete" },
  });
  const consumers = readers.slice(0, readersMax).map((role) => ({
    name: consumerName(role),
    account: roles.get(role) ?? "",
    evidence: ["kms"],
    roles: [role],
  }));
  const owner = Object.entries(secret.tags).find(([key]) => /^(owner|team)$/i.test(key))?.[1];
  return {
    ...{ name, arn: secret.arn, readers, kind: kind?.kind, ...withForeign(graded, secret) },
    block: {
      arn: secret.arn,
      ...(owner !== undefined && /^[\w .@/+-]{1,64}$/.test(owner) && { owner }),
      mode: "observe",
      ...(consumers.length > 0 && { consumers: distinct(consumers) }),
    },
  };
}

function viewOf({ title, keyless }: Issuer, facts: ProviderFacts | undefined) {
  return { title, ...(keyless !== undefined && { keyless }), ...(facts !== undefined && { facts }) };
}

/** Two schedulers of one secret undo each other's work. */
function withForeign({ grade, why }: Graded, { rotationFunction, owner }: FoundSecret): Graded {
  if (owner !== undefined) return { grade: "needsNoKey", why: `${owner} made it, and rotates it by itself` };
  if (rotationFunction === undefined) return { grade, why };
  return { grade, why: `${why}; ${rotationFunction} rotates it now: turn that off before \`mode: rotate\`` };
}

function factsOf(kind: ProviderKind, known: readonly KnownAccount[]): ProviderFacts | undefined {
  const own = known.find((account) => account.kind === kind.kind);
  const settings = own?.settings ?? exampleOf(kind);
  return settings === undefined ? undefined : kind.facts(settings);
}

interface NamedConsumer {
  readonly name: string;
}

function consumerName(role: string): string {
  const last = role.split("/").at(-1) ?? role;
  return last
    .replaceAll(/[^\w.-]+/g, "-")
    .replace(/^(?![A-Za-z0-9])|^(?=arn)/, "c")
    .slice(0, nameMax);
}

/** Roles of two paths, or of two accounts, can have one name. */
function distinct<Consumer extends NamedConsumer>(consumers: readonly Consumer[]): readonly Consumer[] {
  const seen = new Map<string, number>();
  return consumers.map((consumer) => {
    const count = (seen.get(consumer.name) ?? 0) + 1;
    seen.set(consumer.name, count);
    return count === 1 ? consumer : { ...consumer, name: `${consumer.name.slice(0, nameMax - 5)}-${count}` };
  });
}

// ---- as text -------------------------------------------------------------------------------------------------

interface DraftAccount extends KnownAccount {
  readonly isExample: boolean;
}

/** Declared accounts first; of a kind that has none, one to be filled in. */
function accountsFor(
  secrets: readonly DraftSecret[],
  known: readonly KnownAccount[],
): readonly DraftAccount[] {
  const kinds = [...new Set(secrets.flatMap(({ kind }) => kind ?? []))].sort();
  return kinds.flatMap((kind): readonly DraftAccount[] => {
    const own = known.filter((account) => account.kind === kind);
    if (own.length > 0) return own.map((account) => ({ ...account, isExample: false }));
    const described = providers[kind];
    const settings = described && exampleOf(described);
    return settings === undefined ? [] : [{ name: kind, kind, settings, isExample: true }];
  });
}

function providerText({ name, kind, settings, isExample, listing }: DraftAccount): string {
  const block = stringify({ [name]: { kind, ...settings } });
  const notes = [
    ...(isExample ? ["FILL IN: these settings are examples"] : []),
    ...(listing === undefined ? [] : [listing]),
  ];
  return [...notes.map((note) => `  # ${note}`), indented(block, "  ")].join("\n");
}

function secretText(
  { name, block, kind, grade, why }: DraftSecret,
  accounts: readonly DraftAccount[],
): string {
  const comment = `  # ${gradeTexts[grade]}: ${oneLine(why)}`;
  const [first, other] = accounts.filter((account) => account.kind === kind);
  const choice = other === undefined ? "" : "\n  # which account of it is not known: check the provider";
  const text = stringify({ [name]: { ...block, provider: first?.name ?? "NAME ONE" } }, { lineWidth: 0 });
  if (first !== undefined) return `${comment}${choice}\n${indented(text, "  ")}`;
  return `${comment}\n${indented(text, "  # ")}`;
}

function indented(text: string, by: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `${by}${line}`)
    .join("\n");
}

/** Names and tags are other people's texts. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ");
}

/** How many secrets have each grade, in the order in which a person takes them up. */
export function countsOf(secrets: readonly Graded[]): Readonly<Record<Grade, number>> {
  const of = (wanted: Grade) => secrets.filter(({ grade }) => grade === wanted).length;
  return {
    ...{ provable: of("provable"), needsAttestation: of("needsAttestation") },
    ...{ cannotBeProven: of("cannotBeProven"), needsNoKey: of("needsNoKey") },
  };
}
