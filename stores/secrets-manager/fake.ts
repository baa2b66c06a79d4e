import { InputInvalid, SecretUnusable, VersionMoved } from "../../core/errors.ts";
import type { ReplicaBehind, SecretArn, SecretStore, VersionId } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { type NativeRotations, nativeOver } from "./fake-native.ts";
import { currentLabel, pendingLabel, previousLabel } from "./label-names.ts";
import { type LabelledVersions, storeOnLabels } from "./labels.ts";
import { assertPuttable, assertStrippable } from "./version-rules.ts";

/** Secrets Manager's own figures: past this many versions it deletes unlabelled ones older than a day. */
const versionsMax = 100;
const youngMs = 24 * 60 * 60 * 1000;

interface Version {
  readonly text: Secret;
  readonly labels: Set<string>;
  readonly createdAtMs: number;
}

type Versions = Map<VersionId, Version>;

/** What a person with the console can do to a secret, for tests and the simulation. */
export interface ManualChanges {
  /** A secret, and with `text` its first version; `labels` come on top of AWSCURRENT. Without text: no value. */
  create(secretArn: SecretArn): undefined;
  create(secretArn: SecretArn, text: string, labels?: readonly string[]): VersionId;
  /** Somebody puts another value by hand: a new version that takes AWSCURRENT at once. */
  setCurrent(secretArn: SecretArn, text: string, versionId?: VersionId): VersionId;
  /** Somebody moves a label with no compare-and-swap; without `to` it is stripped. */
  moveByHand(move: { readonly secretArn: SecretArn; readonly label: string; readonly to?: VersionId }): void;
  /** Every version in the order of writing, with those that have no label. */
  versions(secretArn: SecretArn): readonly VersionView[];
  /** From now on these replicas of the secret are behind. */
  replicate(secretArn: SecretArn, behind: readonly ReplicaBehind[]): void;
}

export interface VersionView {
  readonly versionId: VersionId;
  readonly labels: readonly string[];
  readonly text: Secret;
}

export type MemoryStore = SecretStore &
  LabelledVersions &
  ManualChanges & { readonly native: NativeRotations };

/**
 * Secrets Manager's versions and labels with no I/O and no timers, and the store over them. `now` (milliseconds) ages
 * versions, so that unlabelled ones are deleted as AWS would; without it age protects none.
 */
export function memoryStore(options: { readonly now?: () => number } = {}): MemoryStore {
  const secrets = new Map<SecretArn, Versions>();
  const behind = new Map<SecretArn, readonly ReplicaBehind[]>();
  const { labelled, native } = nativeOver(labelsOver({ secrets, behind }, options.now));
  const replicate: ManualChanges["replicate"] = (secretArn, replicas) => void behind.set(secretArn, replicas);
  const byHand = { ...manualChangesOver(secrets, options.now), replicate };
  return { ...storeOnLabels(labelled), ...labelled, ...byHand, native };
}

interface Stored {
  readonly secrets: Map<SecretArn, Versions>;
  readonly behind: ReadonlyMap<SecretArn, readonly ReplicaBehind[]>;
}

function labelsOver({ secrets, behind }: Stored, now: (() => number) | undefined): LabelledVersions {
  return {
    async labels(secretArn) {
      const labelled = [...versionsOf(secrets, secretArn)].filter(([, version]) => version.labels.size > 0);
      return Object.fromEntries(
        labelled.map(([versionId, version]) => [versionId, [...version.labels].sort()]),
      );
    },

    rotation: async () => ({ isEnabled: false, isScheduled: false }),
    replicasBehind: async (secretArn) => behind.get(secretArn) ?? [],

    async read(secretArn, versionId) {
      const versions = versionsOf(secrets, secretArn);
      const wanted = versionId ?? holderOf(versions, currentLabel);
      const version = wanted === undefined ? undefined : versions.get(wanted);
      if (wanted === undefined || !version) {
        throw new SecretUnusable(`${secretArn} has no value for ${versionId ?? currentLabel}`);
      }
      return { versionId: wanted, text: version.text };
    },

    async put(version) {
      assertPuttable(version);
      const versions = versionsOf(secrets, version.secretArn);
      const stored = versions.get(version.versionId);
      if (!stored) return write(versions, { ...version, now });
      if (stored.text.reveal() === version.text.reveal()) return;
      throw new VersionMoved(`${version.secretArn} already has another value as ${version.versionId}`);
    },

    async moveLabel(move) {
      assertStrippable(move);
      const versions = versionsOf(secrets, move.secretArn);
      const holder = holderOf(versions, move.label);
      if (holder === move.to) return "moved";
      if (holder !== undefined && holder !== move.from) return "heldElsewhere";
      if (move.to !== undefined && !versions.has(move.to)) {
        throw new SecretUnusable(`${move.secretArn} has no version ${move.to}`);
      }
      placeLabel(versions, move.label, move.to);
      return "moved";
    },
  };
}

function manualChangesOver(
  secrets: Map<SecretArn, Versions>,
  now: (() => number) | undefined,
): Omit<ManualChanges, "replicate"> {
  let handMade = 0;

  function nextVersionId(): VersionId {
    handMade += 1;
    return `00000000-0000-4000-8000-${String(handMade).padStart(12, "0")}`;
  }

  function create(secretArn: SecretArn): undefined;
  function create(secretArn: SecretArn, text: string, labels?: readonly string[]): VersionId;
  function create(secretArn: SecretArn, text?: string, labels: readonly string[] = []) {
    if (secrets.has(secretArn)) throw new InputInvalid(`${secretArn} exists already`);
    const versions: Versions = new Map();
    secrets.set(secretArn, versions);
    if (text === undefined) return undefined;
    const versionId = nextVersionId();
    write(versions, { versionId, text: new Secret(text), labels: [currentLabel, ...labels], now });
    return versionId;
  }

  return {
    create,

    setCurrent(secretArn, text, versionId = nextVersionId()) {
      const versions = versionsOf(secrets, secretArn);
      write(versions, { versionId, text: new Secret(text), labels: [currentLabel], now });
      return versionId;
    },

    moveByHand({ secretArn, label, to }) {
      const versions = versionsOf(secrets, secretArn);
      if (to !== undefined && !versions.has(to))
        throw new SecretUnusable(`${secretArn} has no version ${to}`);
      if (holderOf(versions, label) !== to) placeLabel(versions, label, to);
    },

    versions(secretArn) {
      return [...versionsOf(secrets, secretArn)].map(([versionId, version]) => ({
        versionId,
        labels: [...version.labels].sort(),
        text: version.text,
      }));
    },
  };
}

function versionsOf(secrets: Map<SecretArn, Versions>, secretArn: SecretArn): Versions {
  const versions = secrets.get(secretArn);
  if (!versions) throw new SecretUnusable(`${secretArn} does not exist`);
  return versions;
}

function holderOf(versions: Versions, label: string): VersionId | undefined {
  for (const [versionId, version] of versions) if (version.labels.has(label)) return versionId;
  return undefined;
}

interface Write {
  readonly versionId: VersionId;
  readonly text: Secret;
  readonly labels: readonly string[];
  readonly now: (() => number) | undefined;
}

function write(versions: Versions, { versionId, text, labels, now }: Write): void {
  // Secrets Manager gives the first version of a secret AWSCURRENT, whatever labels were asked for.
  const wanted = versions.size === 0 ? [...labels, currentLabel] : labels;
  const left = wanted.includes(currentLabel) ? holderOf(versions, currentLabel) : undefined;
  // A put that takes AWSCURRENT from a version takes AWSPENDING from it, too; a move of the label does not.
  if (left !== undefined) versions.get(left)?.labels.delete(pendingLabel);
  versions.set(versionId, { text, labels: new Set(), createdAtMs: now?.() ?? 0 });
  for (const label of wanted)
    if (holderOf(versions, label) !== versionId) placeLabel(versions, label, versionId);
  forgetOldVersions(versions, now);
}

/** A label sits on one version at most, and AWSPREVIOUS goes to the version that AWSCURRENT leaves. */
function placeLabel(versions: Versions, label: string, to: VersionId | undefined): void {
  const left = holderOf(versions, label);
  if (left !== undefined) versions.get(left)?.labels.delete(label);
  if (to !== undefined) versions.get(to)?.labels.add(label);
  if (label === currentLabel && left !== undefined) placeLabel(versions, previousLabel, left);
}

function forgetOldVersions(versions: Versions, now: (() => number) | undefined): void {
  for (const [versionId, version] of versions) {
    if (versions.size <= versionsMax) return;
    const isYoung = now !== undefined && now() - version.createdAtMs < youngMs;
    if (version.labels.size === 0 && !isYoung) versions.delete(versionId);
  }
}
