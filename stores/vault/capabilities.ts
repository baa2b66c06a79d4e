import type { StoreCapabilities } from "../../core/ports.ts";

/**
 * Vault keeps ten versions unless it is told otherwise; a pinned one is kept as text in Rekey's own document. A read
 * that names no version is given the newest, so pending ones are never written there.
 */
export const capabilities: StoreCapabilities = {
  compareAndSwap: "native",
  consumersSeePending: false,
  versionsKept: 10,
  pinKeeps: true,
  readBackMs: 0,
};
