import type { Condition, VerifyTable } from "../verify-table.ts";

const code = (...values: readonly string[]): Condition => ({ at: "/error/code", is: values });

/**
 * The answers of `GET /organization/admin_api_keys` to the key under test. A key of a project is known and may not list
 * admin keys: that is not permitted, which means alive.
 */
export const verifyTable: VerifyTable = [
  { status: 200, where: [{ at: "/data", type: "list" }], means: "valid" },
  { status: 401, where: [code("ip_not_authorized", "account_deactivated")], means: "notPermitted" },
  { status: 401, where: [{ at: "/error/message", has: "missing scopes" }], means: "notPermitted" },
  { status: 401, where: [code("invalid_api_key", "expired_api_key")], means: "refused" },
  { status: 403, where: [code("unsupported_country_region_territory")], means: "inconclusive" },
  { status: 403, where: [{ at: "/error/code", type: "string" }], means: "notPermitted" },
  { status: 403, where: [{ at: "/error/message", has: "permission" }], means: "notPermitted" },
];
