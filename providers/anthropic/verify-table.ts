import type { Condition, VerifyTable } from "../verify-table.ts";

const type = (name: string): Condition => ({ at: "/error/type", is: [name] });
const says = (part: string): Condition => ({ at: "/error/message", has: part });

/**
 * The answers of `GET /v1/models`, as people saw them up to 2026-11. Only "invalid x-api-key" says that there is no
 * such key: other 401s come to live OAuth tokens, and a 403 without the outer `type` is the network edge's.
 */
export const verifyTable: VerifyTable = [
  { status: 200, where: [{ at: "/data", type: "list" }], means: "valid" },
  { status: 400, where: [type("invalid_request_error"), says("credit balance is too low")], means: "valid" },
  {
    status: 400,
    where: [type("invalid_request_error"), says("organization has been disabled")],
    means: "notPermitted",
  },
  { status: 401, where: [type("authentication_error"), says("invalid x-api-key")], means: "refused" },
  { status: 403, where: [{ at: "/type", is: ["error"] }, type("permission_error")], means: "notPermitted" },
];
