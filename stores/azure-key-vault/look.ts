import { InputInvalid, SecretUnusable, VersionMoved } from "../../core/errors.ts";
import type { VersionId, VersionsInUse } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import { digestOf, type Mark, markIn } from "./mark.ts";
import { type AzureReference, parseReference } from "./reference.ts";
import type { AzureSecrets, Read, Version } from "./secrets.ts";
import { foreignId } from "./version-id.ts";

export interface Known extends Version {
  /** The secret that consumers read, or the one beside it. */
  readonly name: string;
  readonly id: VersionId;
  readonly mark: Mark | undefined;
}

export interface Look extends AzureReference {
  readonly reference: string;
  /** What consumers read; undefined while the newest version is disabled. */
  readonly newest: (Read & { readonly id: VersionId; readonly mark: Mark | undefined }) | undefined;
  /** Of the secret that consumers read. */
  readonly real: readonly Known[];
  /** Of the one beside it. */
  readonly beside: readonly Known[];
}

/**
 * The lists before the newest version: what was written between the two is then the newest one, so a promotion finds
 * that the version which it expects is not current.
 */
export async function lookAt(reference: string, secrets: AzureSecrets): Promise<Look> {
  const parsed = parseReference(reference);
  if (parsed === undefined) throw new InputInvalid("this is no reference of a secret in Azure Key Vault");
  const { secret, pending } = parsed;
  const [real, beside] = await Promise.all(
    [secret, pending].map(async (name) => (await secrets.versions(name)).map((each) => knownOf(name, each))),
  );
  const newest = await secrets.read(secret);
  if (newest === undefined)
    throw new SecretUnusable(
      `${reference} does not exist, or was deleted: \`az keyvault secret recover\` brings a deleted one back`,
    );
  return {
    ...{ ...parsed, reference, real: real ?? [], beside: beside ?? [] },
    newest: newest === "disabled" ? undefined : currentOf(newest),
  };
}

function knownOf(name: string, version: Version): Known {
  const mark = markIn(version.tags);
  return { ...version, name, mark, id: mark?.id ?? foreignId(version.version) };
}

/** A tag that was copied to another value says nothing about that value. */
function currentOf(read: Read) {
  const mark = markIn(read.tags);
  const isOurs = mark?.digest === undefined || mark.digest === digestOf(mark.id, read.text);
  return { ...read, mark: isOurs ? mark : undefined, id: (isOurs && mark?.id) || foreignId(read.version) };
}

export function named({ real, beside }: Look, id: VersionId): readonly Known[] {
  return [...real, ...beside].filter((each) => each.id === id);
}

/** Throws SecretUnusable where no version of this id can be read. */
export async function textOf(look: Look, id: VersionId, secrets: AzureSecrets): Promise<Secret> {
  const { newest, reference } = look;
  if (newest?.id === id) return newest.text;
  for (const { name, version, mark, isEnabled } of named(look, id)) {
    const read = isEnabled ? await secrets.read(name, version) : undefined;
    if (read === undefined || read === "disabled") continue;
    if (mark?.digest === undefined || mark.digest === digestOf(id, read.text)) return read.text;
  }
  throw new SecretUnusable(`${reference} has no version ${id} that can be read`);
}

/** Rekey's is pending by its mark; any other that is there and enabled is somebody's own rotation. */
export function pendingIn({ real, beside }: Look): Known | undefined {
  const marked = [...beside, ...real].find(({ mark }) => mark?.pending);
  return marked ?? latest(beside.filter(({ mark, isEnabled }) => mark === undefined && isEnabled));
}

export const pinnedIn = ({ real, beside }: Look): Known | undefined =>
  [...real, ...beside].find(({ mark }) => mark?.pinned);

export function inUse(look: Look): VersionsInUse {
  const [current, pending, pinned] = [look.newest, pendingIn(look), pinnedIn(look)];
  const used = [...look.real, ...look.beside].filter(({ mark }) => mark?.byRekey);
  const all = [current, pending, pinned, ...used].flatMap((each) => each?.id ?? []);
  return {
    ...(current && { current: current.id }),
    ...(pending && { pending: { versionId: pending.id, byRekey: pending.mark?.byRekey === true } }),
    ...(pinned && { pinned: pinned.id }),
    all: [...new Set(all)],
  };
}

/** Whatever else is there than this version, which a repeated request may have written twice. */
export const othersThan = (id: VersionId, { real }: Look): readonly Known[] =>
  real.filter((each) => each.id !== id);

/**
 * The last version of others that came between the look and the promotion to `to`; undefined if none did. Azure counts
 * whole seconds: where two came in one, only a person knows which was the last.
 */
export function slippedIn(
  { to, from, others }: { readonly to: VersionId; readonly from: VersionId; readonly others: number },
  look: Look,
): Known | undefined {
  const there = othersThan(to, look);
  const slipped = there.length - others;
  if (slipped <= 0) return undefined;
  const candidates = there.filter(({ id }) => id !== from);
  const last = latest(candidates);
  const same = candidates.filter(({ createdS }) => createdS === last?.createdS);
  if (last !== undefined && same.length === 1 && last.isEnabled) return last;
  throw new VersionMoved(
    `${look.reference} was changed by somebody else during the promotion, and their value cannot be put back by itself`,
  );
}

function latest<Each extends { readonly createdS: number }>(versions: readonly Each[]): Each | undefined {
  return versions.toSorted((a, b) => b.createdS - a.createdS)[0];
}
