import type { Condition, VerifyTable } from "../verify-table.ts";

const code = (...values: readonly string[]): Condition => ({ at: "/error/code", is: values });
const outOfMoney = code("insufficient_quota", "billing_not_active", "credit_balance_exhausted");

/**
 * The answers of `GET /models`, as people saw them up to 2026-11. A live key that lacks the scope gets a 401 without a
 * code, or a 403 whose `error` is a text: only `invalid_api_key` says that there is no such key.
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
  { status: 400, where: [code("billing_hard_limit_reached")], means: "valid" },
  { status: 401, where: [{ at: "/error/message", has: "missing scopes" }], means: "notPermitted" },
  { status: 401, where: [{ at: "/error", has: "scope" }], means: "notPermitted" },
  { status: 401, where: [code("ip_not_authorized", "account_deactivated")], means: "notPermitted" },
  { status: 401, where: [{ at: "/error/message", has: "IP not authorized" }], means: "notPermitted" },
  { status: 401, where: [code("invalid_api_key", "expired_api_key")], means: "refused" },
  { status: 403, where: [code("unsupported_country_region_territory")], means: "inconclusive" },
  { status: 403, where: [{ at: "/error", has: "scope" }], means: "notPermitted" },
  { status: 403, where: [{ at: "/error", has: "permission" }], means: "notPermitted" },
  { status: 403, where: [{ at: "/error/code", type: "string" }], means: "notPermitted" },
  { status: 403, where: [{ at: "/error/message", has: "scope" }], means: "notPermitted" },
  { status: 403, where: [{ at: "/error/message", has: "permission" }], means: "notPermitted" },
  { status: 429, where: [outOfMoney], means: "valid" },
];
