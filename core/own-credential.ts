import { isRotated, type Policy } from "./policy.ts";

/** For so long a function works with an admin credential before it reads it again. */
export const adminCacheMs = 5 * 60_000;

/** The longest call of a function. */
const functionMsMax = 15 * 60_000;

/** So long after a promotion no function of Rekey's can start or make a call with the former admin credential. */
export const adminQuietMs = adminCacheMs + functionMsMax;

/** What a secret's keys are to Rekey, which decides what may be done by itself when one of them leaks. */
export function keyRole(policy: Pick<Policy, "mode" | "isAdminCredential">): "admin" | "rotated" | "index" {
  if (policy.isAdminCredential === true) return "admin";
  return isRotated(policy) ? "rotated" : "index";
}
