import type * as z from "zod";
import { whyCopiesCollide } from "../core/copies/declared.ts";
import type { Federated } from "../core/federated.ts";
import type { IssueTemplate } from "../core/issue/template.ts";
import type { Policy, ProviderFacts, ProviderPolicy } from "../core/policy.ts";
import type { SecretArn } from "../core/ports.ts";
import type { AccountBudget } from "../core/provider-account.ts";
import { adminCredentialMistakes, type OwnCredential } from "./policy-file/admin-credential.ts";
import { type Applications, applicationsIn } from "./policy-file/applications.ts";
import { type BlockMistake, type Mistake, readBlock } from "./policy-file/block.ts";
import { type Defaults, defaultsIn } from "./policy-file/defaults.ts";
import type { Path, Place, PlacedMessage } from "./policy-file/document.ts";
import { federatedFrom, isFederated } from "./policy-file/federated.ts";
import { membersOf } from "./policy-file/per-consumer.ts";
import { AccountBlock, FileBlock, isName, SecretBlock } from "./policy-file/schema.ts";
import {
  type DeclaredStore,
  type KnownProvider,
  policyFrom,
  type Surroundings,
} from "./policy-file/secret-policy.ts";
import { templatesIn } from "./policy-file/templates.ts";

/** What a policy may say about one kind of provider, and what that kind can do. Neither makes a call. */
export interface DeclaredKind {
  readonly settings: z.ZodType<DeclaredSettings>;
  facts(settings: unknown): ProviderFacts;
  readonly ownCredential?: OwnCredential;
  readonly federatedAs?: string;
}

/** The settings that every kind has. */
export interface DeclaredSettings {
  readonly adminCredential?: SecretArn | undefined;
}

/** What a policy may name. */
export interface DeclaredWorld {
  readonly nowMs: number;
  readonly kinds: Readonly<Record<string, DeclaredKind>>;
  readonly stores: Readonly<Record<string, DeclaredStore>>;
}

/** Those whose short-lived credentials a consumer may have in place of a key. */
export function issuersOf(kinds: DeclaredWorld["kinds"]): readonly string[] {
  return Object.values(kinds).flatMap(({ federatedAs }) => federatedAs ?? []);
}

export interface PolicyFile {
  /** Its secrets belong to the file of this name, and only that file removes them. */
  readonly name: string;
  readonly environment: string;
  readonly policies: readonly Policy[];
  readonly providers: readonly ProviderPolicy[];
  /** What `rekey issue` may make secrets from. */
  readonly templates: readonly IssueTemplate[];
  /** Consumers that have no key. */
  readonly federated: readonly Federated[];
  readonly placeOf: PlaceOf;
}

export interface PolicyFileRefused {
  /** All mistakes, in the order of the file. */
  readonly mistakes: readonly PlacedMessage[];
}

const mistakesShownMax = 500;
const defaultPath = "rekey.yml";

/** The position of a field in the file that the data was read from. */
export type PlaceOf = (path: Path, part: "key" | "value") => Place;

/** Data that did not come from a file has no positions. */
const nowhere: PlaceOf = () => ({ line: 1, column: 1 });

export interface PolicyData {
  /** Where it was read from; the file's name, if it gives itself none, is the last part without `.yml`. */
  readonly path?: string;
  readonly value: unknown;
  readonly placeOf?: PlaceOf;
}

/** The policies of `rekey.yml` with every default filled in, or everything that is wrong with it. */
export function policiesIn(
  file: PolicyData,
  { kinds, stores, nowMs }: DeclaredWorld,
): PolicyFile | PolicyFileRefused {
  const top = readBlock(FileBlock, withoutExtensions(file.value), []);
  const block = top.value ?? {};
  const named = nameOf(block, file);
  const defaults = defaultsIn(block.defaults ?? {});
  const providers = readProviders(block.providers ?? {}, kinds);
  const around: Surroundings = {
    ...{ nowMs, stores },
    ...{ file: named.name, environment: block.environment ?? "", account: block.account ?? "" },
    providers: new Map(providers.known.map((known) => [known.policy.account, known])),
  };
  const applications = applicationsIn(block);
  const blocks = Object.entries(block.secrets ?? {});
  const keyless = blocks.filter(([, raw]) => isFederated(raw));
  const keyed = Object.fromEntries(blocks.filter(([, raw]) => !isFederated(raw)));
  const secrets = readSecrets(keyed, around, { defaults, applications });
  const federated = keyless.map(([name, raw]) =>
    federatedFrom({ name, raw }, { ...around, issuers: issuersOf(kinds) }),
  );
  const issue = templatesIn(block.templates ?? {}, around, defaults);
  const mistakes = [
    ...top.mistakes,
    ...named.mistakes,
    ...missingAtTop(block, top.mistakes),
    ...defaults.mistakes,
    ...providers.mistakes,
    ...secrets.mistakes,
    ...federated.flatMap((each) => each.mistakes),
    ...issue.mistakes,
    ...applications.mistakes,
    ...sharedSecrets(secrets.policies),
    ...sharedNames(secrets.policies),
    ...adminCredentialMistakes({
      policies: secrets.policies,
      providers: providers.known.map(({ policy }) => policy),
      ownCredentialOf: (kind) => (Object.hasOwn(kinds, kind) ? kinds[kind]?.ownCredential : undefined),
    }),
    ...collisions(secrets.policies),
  ];
  const placeOf = file.placeOf ?? nowhere;
  if (mistakes.length > 0) return { mistakes: inOrder(mistakes.map((mistake) => placed(mistake, placeOf))) };
  return {
    name: named.name,
    environment: around.environment,
    policies: secrets.policies,
    providers: providers.known.map(({ policy }) => policy),
    templates: issue.templates,
    federated: federated.flatMap((each) => each.federated ?? []),
    placeOf,
  };
}

/** The name that a file without `name` has: `teams/search.yml` is `search`. */
export function fileNameOf(path: string): string {
  const last = path.split(/[\\/]/).at(-1) ?? "";
  return last.replace(/\.(?:ya?ml|json)$/i, "");
}

function nameOf(
  { name }: FileBlock,
  { path = defaultPath }: PolicyData,
): { readonly name: string; readonly mistakes: readonly Mistake[] } {
  if (name !== undefined) return { name, mistakes: [] };
  const own = fileNameOf(path);
  if (isName(own)) return { name: own, mistakes: [] };
  return { name: own, mistakes: [at(["name"], `name is missing: ${JSON.stringify(own)} cannot be one`)] };
}

/** Fields such as `x-usual`, where people keep the blocks that the rest of the file merges. */
function withoutExtensions(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([field]) => !field.startsWith("x-")));
}

function placed({ path, part, message, writtenAt = path }: Mistake, placeOf: PlaceOf): PlacedMessage {
  const within = path.map(String).join(".");
  return { ...placeOf(writtenAt, part), message: within === "" ? message : `${within}: ${message}` };
}

export function inOrder(mistakes: readonly PlacedMessage[]): readonly PlacedMessage[] {
  const sorted = [...mistakes].sort((a, b) => a.line - b.line || a.column - b.column);
  return sorted.slice(0, mistakesShownMax);
}

function missingAtTop(block: FileBlock, known: readonly Mistake[]): readonly Mistake[] {
  const wanted = [
    ["version", "version is missing: write `version: 1`"],
    ["environment", "environment is missing: name the one that this file is for"],
    ["account", "account is missing: the twelve digits, in quotes, of the AWS account that consumers run in"],
    ["providers", "providers is missing: who issues the keys"],
    ["secrets", "secrets is missing: which keys to rotate"],
  ] as const;
  const missing = wanted
    .filter(([field]) => field !== "secrets" || block.templates === undefined)
    .filter(([field]) => block[field] === undefined && !known.some(({ path }) => path[0] === field))
    .map(([field, message]) => at([field], message));
  const isEmpty = block.secrets !== undefined && Object.keys(block.secrets).length === 0;
  return isEmpty ? [...missing, at(["secrets"], "no secret is named")] : missing;
}

function at(path: Path, message: string): Mistake {
  return { path, part: "value", message };
}

// ---- providers -------------------------------------------------------------------------------------------

interface ReadProviders {
  readonly known: readonly KnownProvider[];
  readonly mistakes: readonly Mistake[];
}

function readProviders(
  blocks: Readonly<Record<string, unknown>>,
  kinds: Readonly<Record<string, DeclaredKind>>,
): ReadProviders {
  const known: KnownProvider[] = [];
  const mistakes: Mistake[] = [];
  for (const [account, raw] of Object.entries(blocks)) {
    const read = readProvider({ account, raw }, kinds);
    known.push(read.known);
    mistakes.push(...read.mistakes);
  }
  return { known, mistakes };
}

function readProvider(
  { account, raw }: { readonly account: string; readonly raw: unknown },
  kinds: Readonly<Record<string, DeclaredKind>>,
): { readonly known: KnownProvider; readonly mistakes: readonly Mistake[] } {
  const root: Path = ["providers", account];
  const {
    kind: kindName,
    budget,
    ...settings
  } = typeof raw === "object" && raw !== null ? (raw as Record<string, unknown>) : {};
  const shared = readBlock(AccountBlock, { ...(budget !== undefined && { budget }) }, root);
  const named = { account, kind: String(kindName), settings, budget: budgetOf(shared.value) };
  const wrongName = isName(account) ? [] : [{ path: root, part: "key" as const, message: nameMessage }];
  const kind = typeof kindName === "string" && Object.hasOwn(kinds, kindName) ? kinds[kindName] : undefined;
  if (kind === undefined) {
    const message = `kind is one of ${Object.keys(kinds).join(", ")}`;
    const known = { policy: named, facts: undefined };
    return { known, mistakes: [...wrongName, ...shared.mistakes, at([...root, "kind"], message)] };
  }
  const read = readBlock(kind.settings, settings, root);
  const facts = read.mistakes.length === 0 ? kind.facts(settings) : undefined;
  const adminCredential = read.value?.adminCredential;
  const policy: ProviderPolicy = { ...named, ...(adminCredential !== undefined && { adminCredential }) };
  return { known: { policy, facts }, mistakes: [...wrongName, ...shared.mistakes, ...read.mistakes] };
}

/** Few keys at once and a stop after three failures are right for every provider; how many calls are, it says itself. */
const usualBudget: AccountBudget = { mintsAtOnce: 4, failuresInARow: 3 };

function budgetOf(block: AccountBlock | undefined): AccountBudget {
  const named = Object.entries(block?.budget ?? {}).filter(([, value]) => value !== undefined);
  return { ...usualBudget, ...Object.fromEntries(named) };
}

const nameMessage = "a name starts with a letter or digit and has up to 64 letters, digits, _, . and -";

// ---- secrets ---------------------------------------------------------------------------------------------

function readSecrets(
  blocks: Readonly<Record<string, unknown>>,
  around: Surroundings,
  { defaults, applications }: { readonly defaults: Defaults; readonly applications: Applications },
): { readonly policies: readonly Policy[]; readonly mistakes: readonly Mistake[] } {
  const policies: Policy[] = [];
  const mistakes: Mistake[] = [];
  for (const [name, raw] of Object.entries(blocks)) {
    const root: Path = ["secrets", name];
    if (!isName(name)) mistakes.push({ path: root, part: "key", message: nameMessage });
    const read = readBlock(SecretBlock, defaults.under(raw), root);
    mistakes.push(...read.mistakes);
    if (read.value === undefined) continue;
    const taken = applications.under(name, read.value);
    const facts = around.providers.get(taken.block.provider ?? "")?.facts;
    const { members, mistakes: wrongKeys } = membersOf(name, taken.block, facts);
    mistakes.push(...taken.mistakes);
    const found = [...wrongKeys];
    for (const member of members) {
      const checked = policyFrom(member, around);
      policies.push(checked.policy);
      found.push(...checked.mistakes.map((mistake) => ({ ...mistake, path: member.placeOf(mistake.path) })));
    }
    const further = once(found).map(({ path, message }) => ({
      ...at([...root, ...path], message),
      ...defaults.placeOf(raw, path),
    }));
    mistakes.push(...further.filter((mistake) => !isBelow(mistake.path, read.mistakes)));
  }
  return { policies, mistakes };
}

/** What is wrong with a field that several secrets share is said once. */
function once(mistakes: readonly BlockMistake[]): readonly BlockMistake[] {
  const byText = new Map(
    mistakes.map((mistake) => [JSON.stringify([mistake.path, mistake.message]), mistake]),
  );
  return [...byText.values()];
}

/** A field that was wrong was left out, and would be reported a second time as missing. */
function isBelow(path: Path, mistakes: readonly Mistake[]): boolean {
  return mistakes.some((known) => {
    const steps = Math.min(known.path.length, path.length);
    return (
      known.path.length >= path.length &&
      path.slice(0, steps).every((step, index) => step === known.path[index])
    );
  });
}

/** Two keys under one name at one place: whichever was rotated last would be there. */
function collisions(policies: readonly Policy[]): readonly Mistake[] {
  // What a place takes is the deployment's to say: `rekey apply` asks it.
  const besides = { others: policies, placeOf: () => ({ isShared: false }) };
  return policies.flatMap((policy) =>
    whyCopiesCollide(policy, besides).map((why) => at(["secrets", policy.name, "consumers"], why)),
  );
}

/** Two policies would both rotate the secret. */
function sharedSecrets(policies: readonly Policy[]): readonly Mistake[] {
  const owners = new Map<string, string>();
  return policies.flatMap(({ secretArn, name }) => {
    if (secretArn === "") return [];
    const path = ["secrets", name, "arn"];
    const owner = owners.get(secretArn);
    owners.set(secretArn, owner ?? name);
    return owner === undefined ? [] : [at(path, `${owner} has this secret already: one policy for each`)];
  });
}

/** The secret of a block's consumer is called `<block>.<consumer>`, which another block may be called too. */
function sharedNames(policies: readonly Policy[]): readonly Mistake[] {
  const names = policies.map(({ name }) => name);
  return [...new Set(names)]
    .filter((name) => names.indexOf(name) !== names.lastIndexOf(name))
    .map((name) => at(["secrets", name], "two secrets of this file would have this name"));
}
