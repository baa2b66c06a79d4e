import type { KeyState } from "../keys.ts";
import type { Fingerprint, KeyId, VersionId } from "../ports.ts";
import type { Run, SecretRecord } from "./secret-record.ts";

/** A key of a run that ended without a death, in the state in which the run left it. */
export interface LeftKey {
  readonly role: "retiring" | "incoming";
  readonly name: string;
  readonly keyId?: KeyId;
  readonly versionId?: VersionId;
  readonly fingerprint?: Fingerprint;
  /** `retained`: its policy keeps it, and no run revokes it. */
  readonly state: KeyState | "retained";
}

/** The retiring key, and every key that was made or intended for the run. */
export function keysOf({ keys }: SecretRecord, run: Run): readonly LeftKey[] {
  const incomingId = run.phase === "opened" ? undefined : run.incoming.keyId;
  return keys.flatMap((key) => {
    const { name, keyId, versionId, fingerprint, retained } = key;
    const isRetiring = keyId !== undefined && keyId === run.retiring.keyId;
    const isOwn = key.rotationId === run.rotationId || (keyId !== undefined && keyId === incomingId);
    if (!isRetiring && !isOwn) return [];
    return {
      ...{ role: isRetiring ? "retiring" : "incoming", name },
      ...(keyId !== undefined && { keyId }),
      ...(versionId !== undefined && { versionId }),
      ...(fingerprint !== undefined && { fingerprint }),
      state: retained === true ? "retained" : key.state,
    } as const;
  });
}

/** Reads the same keys again. A key that is no longer in the secret's item was deleted at the provider. */
export function statesNow(known: readonly LeftKey[], { keys }: SecretRecord): readonly LeftKey[] {
  return known.map((left) => {
    const key = keys.find(({ name }) => name === left.name);
    if (key === undefined) return { ...left, state: "discarded" };
    return { ...left, state: key.retained === true ? "retained" : key.state };
  });
}
