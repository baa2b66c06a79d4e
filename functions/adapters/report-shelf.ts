import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { refusalOf } from "../../audit/refusals.ts";
import type { Deps, ReportShelf } from "../deps.ts";

/** Reports in the audit bucket. The bucket keeps versions, so that an earlier report can still be read. */
export function s3Shelf(
  client: Pick<S3Client, "send">,
  { bucket }: { readonly bucket: string },
): ReportShelf {
  return {
    async file(incidentId, { json, markdown }) {
      const name = `reports/${incidentId}`;
      const put = async (Key: string, Body: string, ContentType: string) => {
        const command = new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType });
        await client.send(command).catch((error: unknown) => {
          throw refusalOf(error, { place: bucket, operation: "s3:PutObject" });
        });
      };
      await put(`${name}.json`, json, "application/json");
      await put(`${name}.md`, markdown, "text/markdown; charset=utf-8");
      return { path: `s3://${bucket}/${name}.md` };
    },
  };
}

/** Without a bucket the report is at least kept in the ledger, with the incident. */
export function ledgerShelf({ ledger }: Pick<Deps, "ledger">): ReportShelf {
  return {
    async file(incidentId, report) {
      await ledger.documents.write({ kind: "REPORT", id: incidentId, sort: "latest" }, report);
      return { path: `ledger:REPORT#${incidentId}` };
    },
  };
}
