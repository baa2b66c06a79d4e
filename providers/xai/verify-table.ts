import type { Condition, VerifyTable } from "../verify-table.ts";

/** Booleans were seen as texts. */
const yes = [true, "true"] as const;
const isUnknown: Condition = { at: "/error", has: "incorrect api key" };

/**
 * The answers of `GET /v1/api-key`, as people saw them up to 2026-11. It answers 200 to a disabled or blocked key too,
 * so the flags come first. A whole team that is blocked says nothing against the key.
 */
export const verifyTable: VerifyTable = [
  { status: 200, where: [{ at: "/api_key_disabled", is: yes }], means: "refused" },
  { status: 200, where: [{ at: "/api_key_blocked", is: yes }], means: "refused" },
  { status: 200, where: [{ at: "/team_blocked", is: yes }], means: "notPermitted" },
  {
    status: 200,
    where: [
      { at: "/acls", type: "list" },
      { at: "/error", is: [null] },
    ],
    means: "valid",
  },
  { status: 400, where: [isUnknown], means: "refused" },
  { status: 401, where: [isUnknown], means: "refused" },
  { status: 403, where: [{ at: "/error", type: "string" }], means: "notPermitted" },
];
