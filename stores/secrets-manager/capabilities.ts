import type { StoreCapabilities } from "../../core/ports.ts";

/**
 * As AWS documents it: past 100 versions it deletes those that have no label and are older than a day. It states no
 * bound for how late a version is seen after its write; 1.5 s is how long `read` asks again.
 */
export const capabilities: StoreCapabilities = {
  compareAndSwap: "native",
  consumersSeePending: false,
  versionsKept: 100,
  pinKeeps: true,
  readBackMs: 1_500,
};
