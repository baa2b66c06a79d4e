import { S3Client } from "@aws-sdk/client-s3";
import { awsBounds } from "../../../aws/bounds.ts";
import { ledgerShelf, s3Shelf } from "../../adapters/report-shelf.ts";
import type { Part } from "../base.ts";
import { incidentSettings } from "../settings.ts";

/** The bucket of reports; without one, the ledger. */
export const reports: Part<"reports"> = (base) => {
  const { auditBucket } = incidentSettings();
  if (!auditBucket) return ledgerShelf(base);
  return s3Shelf(new S3Client({ ...awsBounds, forcePathStyle: true }), { bucket: auditBucket });
};
