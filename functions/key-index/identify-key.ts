import { together } from "../../consumers/together.ts";
import type { KeyMatch } from "../../core/incident/record.ts";
import { keyRole } from "../../core/own-credential.ts";
import type { Policy } from "../../core/policy.ts";
import type { Fingerprint, KeyId, SecretArn, VersionId } from "../../core/ports.ts";
import type { AlertIdentity } from "../../events/alert.ts";
import type { FingerprintEntry, RotationRecord } from "../../ledger/entries.ts";
import type { Deps } from "../deps.ts";

/** One key that an alert names, and every secret that is known to hold it. */
export interface Identified {
  readonly match: KeyMatch;
  readonly keyId?: KeyId;
  /** Rekey's own fingerprint of it, whatever alias matched. */
  readonly fingerprint?: Fingerprint;
  readonly account?: string;
  readonly provider?: string;
  readonly holders: readonly Holder[];
}

export interface Holder {
  readonly secretArn: SecretArn;
  /** Absent if only the history of the secret names the key. */
  readonly versionId?: VersionId;
  readonly role: FingerprintEntry["role"];
}

/** The names under which the index stores what is not a fingerprint, in the same partition. */
export const aliasOfKeyId = (keyId: KeyId): Fingerprint => `keyId:${keyId}`;
export const aliasOfHint = (hint: string): Fingerprint => `hint:${hint}`;
const aliasOfPlace = (url: string): Fingerprint => `location:${url}`;

/** What the index already knows of one version. `keyId` and `hint` may be learned later. */
export interface IndexedVersion {
  readonly role: FingerprintEntry["role"];
  readonly field: string | null;
  readonly sha256: string | null;
  readonly keyId: KeyId | null;
  readonly hint: string | null;
}

export const indexedVersionAt = (secretArn: SecretArn, versionId: VersionId) =>
  ({ kind: "INDEX", id: secretArn, sort: versionId }) as const;

type Found = Pick<Deps, "ledger">;

/** Finds the keys by the index alone: what the alert says about provider and owner is ignored. */
export async function identifyKeys(identity: AlertIdentity, deps: Found): Promise<readonly Identified[]> {
  switch (identity.kind) {
    case "fingerprint":
      return byFingerprint(identity.values, deps);
    case "keyId":
      return byKeyId(identity, deps);
    case "hint":
      return onlyOne(await byAlias(aliasOfHint(identity.hint), deps), { by: "hint", text: identity.hint });
    case "location":
      return onlyOne(await byAlias(aliasOfPlace(identity.url), deps), { by: "location", text: identity.url });
  }
}

/** If several keys have the same hint, it identifies none of them. */
function onlyOne(found: readonly Identified[], match: KeyMatch): readonly Identified[] {
  return found.length === 1 ? found.map((key) => ({ ...key, match })) : [];
}

async function byFingerprint(values: readonly Fingerprint[], deps: Found): Promise<readonly Identified[]> {
  const found: Identified[] = [];
  for (const value of values) {
    const match: KeyMatch = { by: "fingerprint", text: shortened(value) };
    found.push(...(await byAlias(value, deps)).map((key) => ({ ...key, match })));
  }
  return merged(found);
}

async function byKeyId(
  { provider, keyId }: { readonly provider: string; readonly keyId: KeyId },
  deps: Found,
): Promise<readonly Identified[]> {
  const match: KeyMatch = { by: "keyId", text: keyId };
  const indexed = (await byAlias(aliasOfKeyId(keyId), deps)).filter((key) => key.provider === provider);
  const scanned: Identified[] = [];
  const policies = (await deps.ledger.policies()).filter((policy) => policy.provider.kind === provider);
  for (const policy of policies) {
    const known = await knownKey({ secretArn: policy.secretArn, keyId }, deps);
    // A key that no version holds yet is nobody's: its run discards it.
    if (known === undefined || (known.versionId === undefined && known.isPast !== true)) continue;
    const { secretArn } = policy;
    const holder = { secretArn, ...versionOf(known), role: keyRole(policy) };
    const names = { keyId, ...fingerprintIn(known), ...ownerIn(policy) };
    scanned.push(await widened({ match, ...names, holders: [holder] }, deps));
  }
  const known = [...indexed, ...scanned];
  const found = known.length > 0 ? known : await byRuns({ policies, keyId }, deps);
  return merged(found.map((key) => ({ ...key, match })));
}

async function byRuns(asked: Parameters<typeof keyOfRuns>[0], deps: Found): Promise<readonly Identified[]> {
  const { keyId } = asked;
  const match: KeyMatch = { by: "keyId", text: keyId };
  const places = await keyOfRuns(asked, deps);
  return places.map(({ policy, ...place }) => {
    return { match, keyId, ...ownerIn(policy), holders: [{ ...place, role: keyRole(policy) }] };
  });
}

async function byAlias(alias: Fingerprint, deps: Found): Promise<readonly Identified[]> {
  const found: Identified[] = [];
  for (const entry of await deps.ledger.holders(alias)) {
    const policy = await deps.ledger.policy(entry.secretArn);
    const known = await knownKey(entry, deps);
    const keyId = entry.keyId ?? known?.keyId;
    const fingerprint = known?.fingerprint ?? (await indexedAs(alias, entry, deps));
    const { secretArn, versionId, role } = entry;
    found.push({
      match: { by: "fingerprint", text: shortened(alias) },
      ...(keyId !== undefined && { keyId }),
      ...(fingerprint !== undefined && { fingerprint }),
      ...(policy && ownerIn(policy)),
      holders: [{ secretArn, versionId, role }],
    });
  }
  return Promise.all(merged(found).map((key) => widened(key, deps)));
}

/** Rekey's own fingerprint of the key that another alias found. */
async function indexedAs(
  alias: Fingerprint,
  { secretArn, versionId }: FingerprintEntry,
  { ledger }: Found,
): Promise<Fingerprint | undefined> {
  if (alias.startsWith("sha256:")) return alias;
  const indexed = await ledger.documents.read<IndexedVersion>(indexedVersionAt(secretArn, versionId));
  return indexed?.sha256 ?? undefined;
}

/** An alias may be indexed for only one of the secrets. The fingerprint finds all of them. */
async function widened(key: Identified, deps: Found): Promise<Identified> {
  if (key.fingerprint === undefined) return key;
  const more = await deps.ledger.holders(key.fingerprint);
  const holders = more.map(({ secretArn, versionId, role }) => ({ secretArn, versionId, role }));
  return { ...key, holders: distinct([...key.holders, ...holders]) };
}

interface KnownKey {
  readonly keyId?: KeyId;
  readonly fingerprint?: Fingerprint;
  readonly versionId?: VersionId;
  /** Only the secret's history knows it, which forgets the version. */
  readonly isPast?: boolean;
}

/** What the ledger knows about this key, or about the key in this version. */
async function knownKey(
  place: { readonly secretArn: SecretArn; readonly keyId?: KeyId; readonly versionId?: VersionId },
  deps: Found,
): Promise<KnownKey | undefined> {
  const record = await deps.ledger.secret(place.secretArn);
  const isIt = (key: KnownKey) =>
    place.keyId === undefined ? key.versionId === place.versionId : key.keyId === place.keyId;
  const live = record.keys.find(isIt);
  if (live !== undefined) return live;
  if (place.keyId === undefined) return undefined;
  const past = (await deps.ledger.keys(place.secretArn)).find(({ keyId }) => keyId === place.keyId);
  return past && { keyId: place.keyId, ...fingerprintIn(past), isPast: true };
}

function merged(found: readonly Identified[]): readonly Identified[] {
  const keys: Identified[] = [];
  for (const key of found) {
    const at = keys.findIndex((known) => isSameKey(known, key));
    const known = keys[at];
    if (known === undefined) keys.push(key);
    else keys[at] = joined(known, key);
  }
  return keys;
}

/**
 * Compared by the key itself, not by which secret has it: only a rotated secret knows the key's id, and a
 * watched one may hold the same key. Two different ids count as two keys, until somebody finds out which of
 * them is wrong.
 */
function isSameKey(one: Identified, other: Identified): boolean {
  const isSameText = one.fingerprint !== undefined && one.fingerprint === other.fingerprint;
  if (one.keyId === undefined || other.keyId === undefined) return isSameText;
  return one.keyId === other.keyId && (isSameText || one.account === other.account);
}

/** The first holder's policy is used to call the provider, so a holder that knows the key's id comes first. */
function joined(one: Identified, other: Identified): Identified {
  const [first, second] = one.keyId === undefined && other.keyId !== undefined ? [other, one] : [one, other];
  return { ...second, ...first, holders: distinct([...first.holders, ...second.holders]) };
}

function distinct(holders: readonly Holder[]): readonly Holder[] {
  return [...new Map(holders.map((holder) => [`${holder.secretArn} ${holder.versionId}`, holder])).values()];
}

function versionOf({ versionId }: { readonly versionId?: VersionId | undefined }) {
  return versionId === undefined ? {} : { versionId };
}

function fingerprintIn({ fingerprint }: { readonly fingerprint?: Fingerprint | undefined }) {
  return fingerprint === undefined ? {} : { fingerprint };
}

function ownerIn({ provider }: Policy) {
  return { account: provider.account, provider: provider.kind };
}

const shownLength = 20;

function shortened(fingerprint: Fingerprint): string {
  return fingerprint.slice(0, shownLength);
}

const secretsMax = 1_000;

const atOnceMax = 25;

export interface KeyOfRun {
  readonly policy: Policy;
  readonly secretArn: SecretArn;
  /** Absent if no run made the key: one only found it current. */
  readonly versionId?: VersionId;
}

/**
 * Finds the run that made this key, or found it current. A key that was seen dead leaves the secret's item;
 * until its version is indexed, only the run's record says whose it was.
 */
export async function keyOfRuns(
  { policies, keyId }: { readonly policies: readonly Policy[]; readonly keyId: KeyId },
  deps: Pick<Deps, "ledger">,
): Promise<readonly KeyOfRun[]> {
  const found = await together(policies.slice(0, secretsMax), {
    atOnceMax,
    work: async (policy) => placeIn(await deps.ledger.rotations(policy.secretArn), { policy, keyId }),
  });
  return found.flatMap((place) => place ?? []);
}

function placeIn(
  runs: readonly RotationRecord[],
  { policy, keyId }: { readonly policy: Policy; readonly keyId: KeyId },
): KeyOfRun | undefined {
  const { secretArn } = policy;
  const maker = runs.find((run) => run.incomingKeyId === keyId);
  const isKnown = maker !== undefined || runs.some((run) => run.retiringKeyId === keyId);
  if (!isKnown) return undefined;
  return { policy, secretArn, ...versionOf({ versionId: maker?.incomingVersionId }) };
}
