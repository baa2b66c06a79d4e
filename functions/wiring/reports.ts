import { S3Client } from "@aws-sdk/client-s3";
import { awsBounds } from "../../aws/bounds.ts";
import { ledgerShelf, s3Shelf } from "../adapters/report-shelf.ts";
import { incidentSettings, type Part } from "./base.ts";

/** The bucket of reports; without one, the ledger. */
export const reportsPart: Part = (base) => {
  const { auditBucket } = incidentSettings();
  if (!auditBucket) return { reports: ledgerShelf(base) };
  return { reports: s3Shelf(new S3Client({ ...awsBounds, forcePathStyle: true }), { bucket: auditBucket }) };
};
