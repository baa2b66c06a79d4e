/**
 * Limits for every AWS client, so that a connection without answer cannot hold a function until Lambda ends
 * it. AWS normally answers within a second or two. Three attempts take 12 s if nothing is answered, and twice
 * that if each reply begins and never ends. Both are within 30 s, the shortest time-out of a function.
 */
export const awsBounds = {
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 2_000,
    requestTimeout: 4_000,
    /** Without this the SDK only logs a warning when a request takes longer. */
    throwOnRequestTimeout: true,
    /** The limit above ends with the first byte of a reply; this one applies between any two bytes. */
    socketTimeout: 4_000,
    /** Said here, so that no setting of the process lowers it. */
    httpsAgent: { minVersion: "TLSv1.2" },
  },
} as const;
