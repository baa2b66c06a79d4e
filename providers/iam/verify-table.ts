import type { VerifyTable } from "../verify-table.ts";

/**
 * The answers of STS GetCallerIdentity, which no policy can deny. An id that is deleted, inactive or made up is
 * InvalidClientTokenId. A signature that is only out of date has the code of a wrong one, and another text.
 */
export const verifyTable: VerifyTable = [
  {
    status: 200,
    where: [{ at: "/GetCallerIdentityResponse/GetCallerIdentityResult/Arn", type: "string" }],
    means: "valid",
  },
  { status: 403, where: [{ at: "/Error/Code", is: ["InvalidClientTokenId"] }], means: "refused" },
  {
    status: 403,
    where: [
      { at: "/Error/Code", is: ["SignatureDoesNotMatch"] },
      { at: "/Error/Message", has: "does not match the signature you provided" },
    ],
    means: "refused",
  },
];
