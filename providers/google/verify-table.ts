import type { Condition, VerifyTable } from "../verify-table.ts";

const reason = (...values: readonly string[]): Condition => ({ at: "/error/details/*/reason", is: values });

/**
 * What `countTokens` answers, as people saw it up to 2026-11. A key that is not there is a 400 and not a 401. A 403
 * is a live key, but for two: one of a suspended project proves nothing, and one that Google found leaked is dead.
 */
export const verifyTable: VerifyTable = [
  {
    status: 200,
    where: [
      { at: "", type: "object" },
      { at: "/error", is: [null] },
    ],
    means: "valid",
  },
  { status: 400, where: [reason("API_KEY_INVALID")], means: "refused" },
  { status: 403, where: [{ at: "/error/message", has: "reported as leaked" }], means: "refused" },
  {
    status: 403,
    where: [
      reason(
        "API_KEY_SERVICE_BLOCKED",
        "SERVICE_DISABLED",
        "API_KEY_IP_ADDRESS_BLOCKED",
        "API_KEY_HTTP_REFERRER_BLOCKED",
        "API_KEY_ANDROID_APP_BLOCKED",
        "API_KEY_IOS_APP_BLOCKED",
      ),
    ],
    means: "notPermitted",
  },
];
