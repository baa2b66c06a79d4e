import type { StoreCapabilities } from "../../core/ports.ts";

/**
 * Consumers read the alias `current`, and an alias moves only in a change that names the etag that was seen. Google
 * deletes no version by itself; 25,000 is the most that one listing shows.
 */
export const capabilities: StoreCapabilities = {
  compareAndSwap: "native",
  consumersSeePending: false,
  versionsKept: 25_000,
  pinKeeps: true,
  readBackMs: 0,
};
