import { type LocalTime, opensAtMs } from "../calendar.ts";
import type { Policy } from "../policy.ts";

/** Why somebody should look at a read of a secret. */
export type ReadReason = "undeclaredPrincipal" | "outsideHours";

/** What a policy says about who may read its secret, and when. */
export type ReadTerms = Pick<Policy, "consumers" | "classification" | "readers" | "readHours">;

/** All that was unexpected about one secret on one day, in UTC. */
export interface TriageItem {
  readonly day: string;
  readonly openedAtMs: number;
  readonly reads: readonly TriagedRead[];
}

export interface TriagedRead {
  readonly principal: string;
  readonly why: ReadReason;
  readonly versionId: string;
  readonly atMs: number;
}

/** The roles that may read the secret; undefined if the policy names none, so that nothing can be compared. */
export function declaredReaders({ consumers, readers = [] }: ReadTerms): ReadonlySet<string> | undefined {
  if (consumers === "none") return new Set(readers);
  const roles = consumers.flatMap(({ roles: own = [] }) => own);
  return roles.length + readers.length === 0 ? undefined : new Set([...roles, ...readers]);
}

/** Why this read needs a look; undefined if the policy expects it, or says nothing of such reads. */
export function whyUnexpected(
  { principal, atMs }: { readonly principal: string; readonly atMs: number },
  terms: ReadTerms,
  localTime: LocalTime,
): ReadReason | undefined {
  const declared = declaredReaders(terms);
  if (declared !== undefined && !declared.has(principal)) return "undeclaredPrincipal";
  if (terms.classification !== "restricted") return undefined;
  return opensAtMs(terms.readHours, { nowMs: atMs, localTime }) === undefined ? undefined : "outsideHours";
}

const readsMax = 20;

/** A secret has one item a day: who reads again for the same reason is in it already. */
export function withRead(item: TriageItem | undefined, day: string, read: TriagedRead): TriageItem {
  if (item === undefined) return { day, openedAtMs: read.atMs, reads: [read] };
  const isKnown = item.reads.some(({ principal, why }) => principal === read.principal && why === read.why);
  return isKnown || item.reads.length >= readsMax ? item : { ...item, reads: [...item.reads, read] };
}

export function sayRead({ principal, why }: TriagedRead): string {
  return why === "undeclaredPrincipal"
    ? `${principal} read it, and the policy names no such reader`
    : `${principal} read it outside the hours that the policy allows`;
}
