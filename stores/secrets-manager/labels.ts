import type {
  NativeRotation,
  ReplicaBehind,
  SecretArn,
  SecretStore,
  StoredVersion,
  VersionId,
  VersionPlace,
  VersionsInUse,
} from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import { capabilities } from "./capabilities.ts";
import { currentLabel, incomingLabel, pendingLabel, previousLabel, retiringLabel } from "./label-names.ts";

export type Labels = Readonly<Record<VersionId, readonly string[]>>;

export interface LabelledVersion extends VersionPlace {
  readonly text: Secret;
  readonly labels: readonly string[];
}

export interface LabelMove {
  readonly secretArn: SecretArn;
  readonly label: string;
  readonly from?: VersionId;
  readonly to?: VersionId;
}

/** What Secrets Manager can do with one secret: versions, and labels that each sit on one version at most. */
export interface LabelledVersions {
  labels(secretArn: SecretArn): Promise<Labels>;
  rotation(secretArn: SecretArn): Promise<NativeRotation>;
  /** The replicas that Secrets Manager does not call InSync. */
  replicasBehind(secretArn: SecretArn): Promise<readonly ReplicaBehind[]>;
  /** Without a version: AWSCURRENT. Throws SecretUnusable when there is no such secret, version or value. */
  read(secretArn: SecretArn, versionId?: VersionId): Promise<StoredVersion>;
  /**
   * Writes a version whose id is `versionId`. A repeat with the same text does nothing (labels are not
   * attached again); with another text it throws VersionMoved. `labels` are removed from any other version.
   */
  put(version: LabelledVersion): Promise<void>;
  /**
   * Moves one label by compare-and-swap. `heldElsewhere`: the label is on a version other than `from` (or on
   * any version, if `from` is absent). Without `to` the label is removed. A label that is already at `to`
   * counts as `moved`.
   */
  moveLabel(move: LabelMove): Promise<"moved" | "heldElsewhere">;
}

/** The domain's store on top of labels. Everything that Rekey uses labels for is here. */
export function storeOnLabels(labelled: LabelledVersions): SecretStore {
  const strip = async ({ secretArn, versionId }: VersionPlace, label: string): Promise<void> => {
    await labelled.moveLabel({ secretArn, label, from: versionId });
  };
  return {
    capabilities: () => capabilities,
    versionsInUse: async (secretArn) => inUse(await labelled.labels(secretArn)),
    current: (secretArn) => labelled.read(secretArn),
    read: (secretArn, versionId) => labelled.read(secretArn, versionId),
    write: ({ secretArn, versionId, text }) =>
      labelled.put({ secretArn, versionId, text, labels: [incomingLabel] }),

    /** Without `from` the move fails if another version has the label: that version belongs to another rotation. */
    async markPending({ secretArn, versionId }) {
      const move = await labelled.moveLabel({ secretArn, label: pendingLabel, to: versionId });
      return move === "moved" ? "marked" : move;
    },

    clearPending: (place) => strip(place, pendingLabel),

    async discard(place) {
      const labels = (await labelled.labels(place.secretArn))[place.versionId] ?? [];
      for (const label of [pendingLabel, incomingLabel])
        if (labels.includes(label)) await strip(place, label);
    },

    async promote({ secretArn, from, to }) {
      const move = await labelled.moveLabel({ secretArn, label: currentLabel, from, to });
      return move === "moved" ? "promoted" : move;
    },

    async pin({ secretArn, versionId, from }) {
      const taken = from === undefined ? {} : { from };
      const move = await labelled.moveLabel({ secretArn, label: retiringLabel, ...taken, to: versionId });
      return move === "moved" ? "pinned" : move;
    },

    unpin: (place) => strip(place, retiringLabel),
    nativeRotation: (secretArn) => labelled.rotation(secretArn),
    replicasBehind: (secretArn) => labelled.replicasBehind(secretArn),
  };
}

function inUse(labels: Labels): VersionsInUse {
  const current = versionWith(labels, currentLabel);
  const pending = versionWith(labels, pendingLabel);
  const previous = versionWith(labels, previousLabel);
  const pinned = versionWith(labels, retiringLabel);
  return {
    ...(current !== undefined && { current }),
    ...(pending !== undefined && {
      pending: { versionId: pending, byRekey: labels[pending]?.includes(incomingLabel) ?? false },
    }),
    ...(previous !== undefined && { previous }),
    ...(pinned !== undefined && { pinned }),
    all: Object.keys(labels),
  };
}

/** A label sits on one version at most. */
export function versionWith(labels: Labels, label: string): VersionId | undefined {
  return Object.keys(labels).find((versionId) => labels[versionId]?.includes(label));
}
