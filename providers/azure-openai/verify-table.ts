import type { VerifyTable } from "../verify-table.ts";

const code = (...values: readonly (string | number)[]) => ({ at: "/error/code", is: values });

/**
 * What an account's endpoint answers, as people saw it up to 2026-11. A wrong endpoint gives the same 401 as a dead
 * key: the proof of a death therefore also shows the incoming key to be accepted there.
 */
export const verifyTable: VerifyTable = [
  { status: 200, where: [{ at: "/data", type: "list" }], means: "valid" },
  {
    status: 401,
    where: [code("401", 401), { at: "/error/message", has: "invalid subscription key" }],
    means: "refused",
  },
  { status: 403, where: [code("AuthenticationTypeDisabled")], means: "notPermitted" },
  { status: 404, where: [code("DeploymentNotFound")], means: "valid" },
];
