import type { Condition, VerifyTable } from "../verify-table.ts";

const says = (part: string): Condition => ({ at: "/error/message", has: part });

/**
 * The answers of `GET /key`, as people saw them up to 2026-11. Revoked, expired and deleted keys all get "User not
 * found."; "No auth credentials found" was seen with good keys for a short while and proves nothing.
 */
export const verifyTable: VerifyTable = [
  { status: 200, where: [{ at: "/data", type: "object" }], means: "valid" },
  { status: 401, where: [says("user not found")], means: "refused" },
  { status: 402, where: [says("credits")], means: "valid" },
  { status: 403, where: [says("key limit exceeded")], means: "valid" },
  { status: 403, where: [{ at: "/error/message", type: "string" }], means: "notPermitted" },
];
