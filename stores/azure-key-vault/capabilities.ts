import type { StoreCapabilities } from "../../core/ports.ts";

/**
 * No call of Key Vault names the version that it expects, so a promotion looks, writes, and counts what came in
 * between. It deletes no version by itself: 1,000 are the most that are listed here.
 */
export const capabilities: StoreCapabilities = {
  compareAndSwap: "afterwards",
  consumersSeePending: false,
  versionsKept: 1_000,
  pinKeeps: true,
  readBackMs: 0,
};
