import type { Condition, VerifyTable } from "../verify-table.ts";

const code = (...values: readonly number[]): Condition => ({ at: "/error_codes/*", is: values });

/**
 * The answers of the directory to a client secret that asks for a token. 7000215 is one that it does not know, 7000222
 * one that has expired. Any other error is about the application or the directory, and says nothing about the secret.
 */
export const verifyTable: VerifyTable = [
  { status: 200, where: [{ at: "/access_token", type: "string" }], means: "valid" },
  { status: 401, where: [code(7_000_215, 7_000_222)], means: "refused" },
  { status: 403, where: [{ at: "/error", is: ["access_denied"] }], means: "notPermitted" },
];
