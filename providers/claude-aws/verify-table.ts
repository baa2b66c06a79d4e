import { verifyTable as anthropics } from "../anthropic/verify-table.ts";
import type { VerifyTable } from "../verify-table.ts";

/**
 * The answers of `GET /v1/models`. What the platform says on AWS is not documented apart, so Anthropic's own bodies count,
 * and every other refusal proves nothing.
 */
export const verifyTable: VerifyTable = anthropics;
