import type { SecretReader, SiblingSecret } from "../../../core/incident/scope-findings.ts";
import type { Policy } from "../../../core/policy.ts";
import type { SecretArn } from "../../../core/ports.ts";
import { type Looked, namesOf, type SecretRead } from "./trail.ts";

/** What the event history contains about the secrets of one incident. */
export interface Reading {
  readonly secrets: Looked;
  readonly decrypts: Looked;
  readonly policies: readonly Policy[];
  readonly arns: readonly SecretArn[];
}

const readersMax = 200;
const versionUnknown = "";

/**
 * Readers by role, secret and version. A record of a read names the version only if the caller did. But each
 * read also decrypts, and the record of that always names the version, so it is counted instead if there is
 * one.
 */
export function readersOf({ secrets, decrypts, policies, arns }: Reading): readonly SecretReader[] {
  const versioned = grouped(decrypts.reads, arns);
  const named = new Map<string, number>();
  for (const { principal, secretArn, reads } of versioned) {
    named.set(pairOf(principal, secretArn), (named.get(pairOf(principal, secretArn)) ?? 0) + reads);
  }
  const rest = grouped(
    secrets.reads.map(({ versionId: _, ...read }) => read),
    arns,
  ).flatMap((reader) => {
    const left = reader.reads - (named.get(pairOf(reader.principal, reader.secretArn)) ?? 0);
    return left > 0 ? [{ ...reader, reads: left }] : [];
  });
  const known = knownRoles(policies);
  return [...versioned, ...rest]
    .map((reader) => ({ ...reader, known: isKnown(reader, known) }))
    .sort((left, right) => Number(left.known) - Number(right.known) || right.lastAtMs - left.lastAtMs)
    .slice(0, readersMax);
}

type Grouped = Omit<SecretReader, "known">;

function grouped(reads: readonly SecretRead[], arns: readonly SecretArn[]): readonly Grouped[] {
  const groups = new Map<string, Grouped>();
  const arnsByName = byName(arns);
  for (const { principal, secretId, versionId, atMs, address, agent } of reads) {
    const secretArn = arnsByName.get(secretId);
    if (secretArn === undefined) continue;
    const key = `${pairOf(principal, secretArn)} ${versionId ?? versionUnknown}`;
    const before = groups.get(key);
    groups.set(key, {
      ...{ principal, secretArn },
      ...(versionId !== undefined && { versionId }),
      firstAtMs: Math.min(before?.firstAtMs ?? atMs, atMs),
      lastAtMs: Math.max(before?.lastAtMs ?? atMs, atMs),
      reads: (before?.reads ?? 0) + 1,
      ...withOne("addresses", before, address),
      ...withOne("agents", before, agent),
    });
  }
  return [...groups.values()];
}

/** Each once, and a few of them: what a person looks at first. */
const placesMax = 5;
const placeLengthMax = 120;

function withOne<Name extends "addresses" | "agents">(
  name: Name,
  before: Grouped | undefined,
  seen: string | undefined,
): { readonly [Key in Name]?: readonly string[] } {
  const had: readonly string[] = before?.[name] ?? [];
  const one = seen?.slice(0, placeLengthMax);
  const all = one === undefined || had.includes(one) ? had : [...had, one].slice(0, placesMax);
  return all.length === 0 ? {} : ({ [name]: all } as { [Key in Name]?: readonly string[] });
}

/** Secrets by everything that a caller may name them by. Of two with one name the first counts. */
function byName(arns: readonly SecretArn[]): ReadonlyMap<string, SecretArn> {
  return new Map([...arns].reverse().flatMap((arn) => namesOf(arn).map((name) => [name, arn] as const)));
}

function pairOf(principal: string, secretArn: SecretArn): string {
  return `${principal} ${secretArn}`;
}

/** Roles that a policy declares, by secret. */
function knownRoles(policies: readonly Policy[]): ReadonlyMap<SecretArn, ReadonlySet<string>> {
  return new Map(
    policies.map(({ secretArn, consumers }) => [
      secretArn,
      new Set(consumers === "none" ? [] : consumers.flatMap(({ roles }) => roles ?? [])),
    ]),
  );
}

function isKnown(
  { principal, secretArn }: Grouped,
  known: ReadonlyMap<SecretArn, ReadonlySet<string>>,
): boolean {
  return known.get(secretArn)?.has(principal) === true || isOwnRole(principal, secretArn);
}

/** Rekey's functions each have a role with the function's name, in the account of the secrets. */
function isOwnRole(principal: string, secretArn: SecretArn): boolean {
  const [, partition, , , account] = secretArn.split(":");
  return principal.startsWith(`arn:${partition}:iam::${account}:role/rekey-`);
}

/** What else the readers of the leaked secret read in the same time, within the part of the history that was read. */
export function siblingsReadBy({ secrets, policies, arns }: Reading): readonly SiblingSecret[] {
  const arnsByName = byName(arns);
  const suspects = new Set<string>();
  for (const { principal, secretId } of secrets.reads) {
    const arn = arnsByName.get(secretId);
    if (arn !== undefined && !isOwnRole(principal, arn)) suspects.add(principal);
  }
  const declared = byName(policies.map(({ secretArn }) => secretArn));
  const found = new Map<SecretArn, SiblingSecret>();
  for (const { principal, secretId } of secrets.reads) {
    if (!suspects.has(principal) || arnsByName.has(secretId)) continue;
    const secretArn = declared.get(secretId) ?? secretId;
    found.set(secretArn, { secretArn, why: `${principal} read it too` });
  }
  return [...found.values()];
}
