import type { SecretStore } from "../core/ports.ts";

/** Of a store that rotates nothing by itself and keeps no copies at other places. */
export const onlyVersions: Pick<SecretStore, "nativeRotation" | "replicasBehind"> = {
  nativeRotation: async () => undefined,
  replicasBehind: async () => [],
};

/** One store made of several: `at` finds the one that has the secret of a reference. */
export function routed(
  at: (reference: string) => SecretStore | Promise<SecretStore>,
  capabilities: SecretStore["capabilities"],
): SecretStore {
  return {
    capabilities,
    versionsInUse: async (reference) => (await at(reference)).versionsInUse(reference),
    current: async (reference) => (await at(reference)).current(reference),
    read: async (reference, versionId) => (await at(reference)).read(reference, versionId),
    write: async (version) => (await at(version.secretArn)).write(version),
    markPending: async (place) => (await at(place.secretArn)).markPending(place),
    clearPending: async (place) => (await at(place.secretArn)).clearPending(place),
    discard: async (place) => (await at(place.secretArn)).discard(place),
    promote: async (promotion) => (await at(promotion.secretArn)).promote(promotion),
    pin: async (place) => (await at(place.secretArn)).pin(place),
    nativeRotation: async (reference) => (await at(reference)).nativeRotation(reference),
    replicasBehind: async (reference) => (await at(reference)).replicasBehind(reference),
    unpin: async (place) => (await at(place.secretArn)).unpin(place),
  };
}
