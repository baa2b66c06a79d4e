import type { VerifyTable } from "../verify-table.ts";

const says = (has: string) => ({ at: "/Message", has });

/**
 * The answers of ListFoundationModels, all of whose refusals are 403: only the text tells a key without a permission
 * from one that is not known. Bedrock says the second also in a Region that the key is not for, which the control of a
 * proof of death shows: there the live key is refused too. Bodies as people saw them (November 2026).
 */
export const verifyTable: VerifyTable = [
  { status: 200, where: [{ at: "/modelSummaries", type: "list" }], means: "valid" },
  { status: 403, where: [says("is not authorized to perform")], means: "notPermitted" },
  { status: 403, where: [says("Please make sure your API Key is valid")], means: "refused" },
  { status: 403, where: [says("The security token included in the request is invalid")], means: "refused" },
];
