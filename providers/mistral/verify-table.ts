import type { VerifyTable } from "../verify-table.ts";

/** The answers of `GET /v1/models`. "Unauthorized" is all that Mistral says about a key that is not there. */
export const verifyTable: VerifyTable = [
  { status: 200, where: [{ at: "/data", type: "list" }], means: "valid" },
  { status: 401, where: [{ at: "/detail", is: ["Unauthorized"] }], means: "refused" },
  { status: 401, where: [{ at: "/message", is: ["Unauthorized"] }], means: "refused" },
];
