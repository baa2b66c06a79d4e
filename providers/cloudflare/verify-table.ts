import type { Condition, VerifyTable } from "../verify-table.ts";

const status = (...is: readonly string[]): Condition => ({ at: "/result/status", is });
const code = (...is: readonly number[]): Condition => ({ at: "/errors/*/code", is });

/**
 * The answers of `GET /accounts/{account}/tokens/verify`. A disabled token gets a 200 with its status. Code 9109 is also
 * a wrong place, which only the text tells; a text that is no token at all gets 6003, which proves nothing.
 */
export const verifyTable: VerifyTable = [
  { status: 200, where: [status("active")], means: "valid" },
  { status: 200, where: [status("disabled", "expired")], means: "refused" },
  {
    status: 403,
    where: [{ at: "/errors/*/message", has: "Cannot use the access token from location" }],
    means: "notPermitted",
  },
  { status: 401, where: [code(1000)], means: "refused" },
];
