/**
 * For every client of AWS: no connection that has gone quiet may hold a function until Lambda ends it. What AWS
 * answers at all it answers within a second or two. Three attempts take 12 s against silence, and twice that where each
 * reply begins and never ends: both end within the 30 s that the shortest function has.
 */
export const awsBounds = {
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 2_000,
    requestTimeout: 4_000,
    /** Without it the SDK only warns of a request that takes longer. */
    throwOnRequestTimeout: true,
    /** The one above ends with a reply's first byte, this one holds between any two. */
    socketTimeout: 4_000,
  },
} as const;
